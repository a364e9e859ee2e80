package frontend_test

import (
	"bufio"
	"context"
	"fmt"
	"net"

	"github.com/dynomite-go/dynomite/node/internal/frontend"
	"github.com/dynomite-go/dynomite/respserver"
)

// parrot answers every data command with its name.
type parrot struct{}

func (parrot) Run(_ *frontend.Session, cmds []frontend.Request, out []byte) []byte {
	for _, cmd := range cmds {
		out = respserver.AppendSimple(out, "you said "+cmd.Spec.Name)
	}
	return out
}

func Example() {
	front, err := frontend.New(frontend.Config{Router: parrot{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	server, err := respserver.New(respserver.Config{Handler: front})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Stop(context.Background())

	client, end := net.Pipe()
	go server.ServeConn(end)
	go fmt.Fprint(client, "PING\r\nGET key\r\nGET\r\n")
	replies := bufio.NewScanner(client)
	for range 3 {
		replies.Scan()
		fmt.Println(replies.Text())
	}
	// Output:
	// +PONG
	// +you said get
	// -ERR wrong number of arguments for 'get' command
}
