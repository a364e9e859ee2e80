//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dynomite-go/dynomite/node"
	"github.com/dynomite-go/dynomite/node/placement"
)

// conf writes the files of n nodes over three racks, and gives the pattern that
// finds them.
func conf(t *testing.T, n int, more string) (pattern string) {
	t.Helper()
	dir := t.TempDir()
	for i := range n {
		text := fmt.Sprintf("name: n%d\nrack: rack%d\npeer_listen: 127.0.0.1:%d\nseeds: [127.0.0.1:8201]\nexpect: %d\n%s", i+1, i%3+1, 8201+i, n, more)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("n%d.yml", i+1)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "*.yml")
}

func TestPlan_OfFiles_SaysFromWhomToWhomAndTheMinimum(t *testing.T) {
	files := conf(t, 3, "")
	got := must(t, binary, "plan", "-c", files, "--add", "n4,rack=rack1", "--add", "n5,rack=rack2,weight=3", "--keys", "2000")
	want := `NODE  DC   RACK   WEIGHT  HOLDS     WOULD HOLD
n1    dc1  rack1  1       100.00 %  50.00 %
n4    dc1  rack1  1       -         50.00 %
n2    dc1  rack2  1       100.00 %  25.00 %
n5    dc1  rack2  3       -         75.00 %
n3    dc1  rack3  1       100.00 %  100.00 %

FROM  TO  DC   RACK   SHARE    KEYS  RANGES
n1    n4  dc1  rack1  50.00 %  1000  1
n2    n5  dc1  rack2  75.00 %  1500  1

moves    125.00 % of 2000 keys: about 2500 copies
minimum  125.00 %: about 2500 copies; 1.000 times that moves
`
	if got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
	var plan placement.Plan
	if err := json.Unmarshal([]byte(must(t, binary, "plan", "-c", files, "--weight", "n1=5", "-o", "json")), &plan); err != nil || plan.Moved != 0 || len(plan.After) != 3 {
		t.Errorf("a weight alone in its rack: %+v, %v", plan, err)
	}
	if got := must(t, binary, "plan", "-c", files, "--weight", "n1=5"); !strings.Contains(got, "nothing has to move") {
		t.Errorf("printed\n%s", got)
	}
	if got := must(t, binary, "plan", "-c", conf(t, 6, "distribution: modula\n"), "--add", "n7,rack=rack1"); !strings.Contains(got, "2.000 times that moves") {
		t.Errorf("modula from two nodes to three:\n%s", got)
	}
}

func TestPlan_Wrong_ErrorNamesTheCulprit(t *testing.T) {
	files := conf(t, 3, "")
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "plan needs --add, --remove or --weight"},
		{[]string{"--remove", "n9"}, `there is no node "n9" to remove, there are n1, n2, n3`},
		{[]string{"--weight", "n1=0"}, `--weight n1=0: the weight "0"`},
		{[]string{"--weight", "n1"}, "--weight n1: want NAME=N"},
		{[]string{"--weight", "n1=1", "--weight", "n1=2"}, "n1 is given two weights"},
		{[]string{"--add", "n2,rack=rack1"}, `node "n2" is there already`},
		{[]string{"--add", "n4"}, `node "n4" has no rack`},
		{[]string{"--add", "n4,rack=rack1,wait=3"}, `--add n4,rack=rack1,wait=3: "wait=3" is none of`},
		{[]string{"--add", "n4,rack=rack1,weight=-3"}, `the weight "-3"`},
		{[]string{"--add", "n4,rack=rack1,token=z"}, `token "z"`},
		{[]string{"--add", "n4,rack=rack1,token=7"}, `node "n4" gives tokens, but random-slicing takes none`},
		{[]string{"--remove", "n1", "--keys", "-1"}, "--keys: -1"},
		{[]string{"--remove", "n1", "-o", "svg"}, `"svg" is none of table and json`},
	} {
		stdout, stderr, code := execute(t, nil, binary, append([]string{"plan", "-c", files}, c.args...)...)
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: exit code %d, printed %q, said\n%swant %s", c.args, code, stdout, stderr, c.want)
		}
	}
	for want, args := range map[string][]string{
		"2 of 3 are here":       {"ring", "-c", strings.Replace(files, "*", "n[12]", 1)},
		"there is no file none": {"ring", "-c", "none"},
		"two nodes are called":  {"owner", "k", "-c", files, "-c", files},
		"requires at least":     {"owner", "-c", files},
		"no node answers at":    {"owner", "k", "--admin", "127.0.0.1:1"},
	} {
		stdout, stderr, code := execute(t, nil, binary, args...)
		if code == 0 || stdout != "" || !strings.Contains(stderr, want) {
			t.Errorf("%v: exit code %d, printed %q, said\n%swant %s", args, code, stdout, stderr, want)
		}
	}
}

func TestRingAndOwner_OfFiles(t *testing.T) {
	files := conf(t, 3, "")
	if got := must(t, binary, "ring", "-c", files); !strings.Contains(got, "datacenter dc1: racks 3, replicas 3") || !strings.Contains(got, "A n1  127.0.0.1:8201  owns 100.00 %") {
		t.Errorf("ring:\n%s", got)
	}
	if got := must(t, binary, "ring", "-c", files, "-o", "svg"); !strings.HasPrefix(got, "<svg ") || !strings.Contains(got, ">n3<") {
		t.Errorf("ring -o svg:\n%s", got)
	}
	var ring []node.RingEntry
	if err := json.Unmarshal([]byte(must(t, binary, "ring", "-c", files, "-o", "json")), &ring); err != nil || len(ring) != 3 || ring[2].ID != "n3" || ring[2].Share != 1 {
		t.Errorf("ring -o json: %+v, %v", ring, err)
	}
	want := `KEY          TOKEN               SLOT   DC   ORDER  NODE  RACK   PEERS
"123456789"  0xc70e32e1076d039a  12739  dc1  1      n3    rack3  127.0.0.1:8203
"123456789"  0xc70e32e1076d039a  12739  dc1  2      n1    rack1  127.0.0.1:8201
"123456789"  0xc70e32e1076d039a  12739  dc1  3      n2    rack2  127.0.0.1:8202
`
	if got := must(t, binary, "owner", "-c", files, "123456789"); got != want {
		t.Errorf("owner printed\n%s\nwant\n%s", got, want)
	}
}

// Asked of a running node, the commands say what it has.
func TestRingOwnerAndPlan_OfARunningNode(t *testing.T) {
	_, client, admin := oneNode(t)
	for i := range 10 {
		cli(t, client, "SET", fmt.Sprint("k", i), "v")
	}
	if got := must(t, binary, "ring", "-o", "svg", "--admin", admin); !strings.HasPrefix(got, "<svg ") || !strings.Contains(got, ">n1<") || !strings.Contains(got, "100.00 %") {
		t.Errorf("ring -o svg:\n%s", got)
	}
	var keys []placement.Key
	if err := json.Unmarshal([]byte(must(t, binary, "owner", "k1", "-o", "json", "--admin", admin)), &keys); err != nil || len(keys) != 1 || keys[0].Owners[0].Node != "n1" {
		t.Errorf("owner -o json: %+v, %v", keys, err)
	}
	got := must(t, binary, "plan", "--add", "n2,rack=rack1", "--admin", admin)
	if !strings.Contains(got, "moves    50.00 % of 10 keys: about 5 copies\n") {
		t.Errorf("plan:\n%s", got)
	}
}
