package node

import (
	"io"
	"net/http"
	"testing"
)

func TestAdmin_PausesHints(t *testing.T) {
	n := alone(t, func(c *Config) { c.AdminListen = "127.0.0.1:0" })
	defer stopNode(t, n)
	for query, status := range map[string]int{"?for=1m": 200, "?for=0s": 200, "?for=-1s": 400, "?for=soon": 400, "": 400} {
		res, err := http.Post("http://"+n.AdminAddr()+"/hints/pause"+query, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != status {
			t.Errorf("%q: %s %s", query, res.Status, body)
		}
	}
}
