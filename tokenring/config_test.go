package tokenring

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/slicing"
)

// weighted are nodes n0, n1 and so on of one rack.
func weighted(weights ...int64) []Node {
	var nodes []Node
	for i, weight := range weights {
		nodes = append(nodes, Node{ID: fmt.Sprintf("n%d", i), Datacenter: "d", Rack: "r", Weight: weight})
	}
	return nodes
}

// tables is the table of one rack, of names and weights in turn.
func tables(dc, rack string, owners ...any) map[Place]*slicing.Table {
	var all []slicing.Owner
	for i := 0; i < len(owners); i += 2 {
		all = append(all, slicing.Owner{Name: owners[i].(string), Weight: int64(owners[i+1].(int))})
	}
	table, err := slicing.New(slicing.Slots, all...)
	if err != nil {
		panic(err)
	}
	return map[Place]*slicing.Table{{dc, rack}: table}
}

func TestNew_WrongLayout_ErrorNamesTheCulprit(t *testing.T) {
	node := func(id, dc, rack string, tokens ...hashkit.Token) Node {
		return Node{ID: id, Datacenter: dc, Rack: rack, Tokens: tokens}
	}
	numbered := func(id string, number uint32) Node {
		return Node{ID: id, Datacenter: "d", Rack: "r", Number: number}
	}
	tooManyRacks := make([]Node, maxRacks+1)
	for i := range tooManyRacks {
		tooManyRacks[i] = node(fmt.Sprint(i), "d", fmt.Sprint(i))
	}
	for name, c := range map[string]struct {
		cfg  Config
		want []string
	}{
		"no nodes":         {Config{}, []string{"no nodes"}},
		"no id":            {Config{Nodes: []Node{node("", "d", "r")}}, []string{"node 0 has no ID"}},
		"no datacenter":    {Config{Nodes: []Node{node("a", "", "r")}}, []string{`"a"`, "datacenter"}},
		"no rack":          {Config{Nodes: []Node{node("a", "d", "")}}, []string{`"a"`, "rack"}},
		"control":          {Config{Nodes: []Node{node("a\n", "d", "r")}}, []string{`"a\n"`, "control character"}},
		"same id":          {Config{Nodes: []Node{node("a", "d", "r"), node("a", "e", "r")}}, []string{`"a"`, "twice"}},
		"same number":      {Config{Nodes: []Node{numbered("a", 3), numbered("b", 3)}}, []string{`"a"`, `"b"`, "number 3"}},
		"same token":       {Config{Nodes: []Node{node("a", "d", "r", 1, 5), node("b", "d", "r", 5)}}, []string{`"a"`, `"b"`, `"d"`, `"r"`, "0x0000000000000005"}},
		"token twice":      {Config{Nodes: []Node{node("a", "d", "r", 5, 5)}}, []string{`"a" and "a"`}},
		"some give tokens": {Config{Nodes: []Node{node("a", "d", "r", 5), node("b", "d", "r")}}, []string{`"a" gives tokens`, `"b" gives none`}},
		"tokens per node":  {Config{Nodes: layout(1, 1), TokensPerNode: 257}, []string{"257", "1 to 256"}},
		"negative tokens":  {Config{Nodes: layout(1, 1), TokensPerNode: -1}, []string{"-1"}},
		"too many tokens":  {Config{Nodes: layout(65, 1), Distribution: VNode, TokensPerNode: 256}, []string{`"rack1"`, "16640", "16384"}},
		"too many racks":   {Config{Nodes: tooManyRacks}, []string{`"d"`, "257 racks", "256"}},
		"too many nodes":   {Config{Nodes: layout(maxNodes+1, 200)}, []string{"65537 nodes", "65536"}},
		"unknown replicas": {Config{Nodes: layout(1, 1), Replicas: map[string]int{"dc7": 1}}, []string{`"dc7"`, "no node"}},
		"too many copies":  {Config{Nodes: layout(4, 2), Replicas: map[string]int{"dc1": 3}}, []string{`"dc1"`, "3 replicas", "2 racks"}},
		"negative copies":  {Config{Nodes: layout(4, 2), Replicas: map[string]int{"dc1": -1}}, []string{"-1 replicas"}},
		"distribution":     {Config{Nodes: layout(1, 1), Distribution: "best"}, []string{`"best"`, "random-slicing", "vnode", "ketama", "modula", "single", "jump"}},
		"negative weight":  {Config{Nodes: weighted(1, -2)}, []string{`"n1"`, "weight -2"}},
		"heavy":            {Config{Nodes: weighted(math.MaxInt64, math.MaxInt64, math.MaxInt64)}, []string{`"n1"`, `rack "r"`, "2^63"}},
		"weighted vnode":   {Config{Nodes: weighted(1, 2), Distribution: VNode}, []string{`"n1"`, "vnode takes no weights"}},
		"below a slot":     {Config{Nodes: weighted(1, 1<<40)}, []string{`"n0"`, `rack "r"`, "less than one unit"}},
		"tokens, jump":     {Config{Nodes: []Node{node("a", "d", "r", 7)}, Distribution: Jump}, []string{`"a"`, "jump takes none"}},
		"too many slicers": {Config{Nodes: layout(hashkit.Slots+1, 1)}, []string{`"rack1"`, "16385 nodes", "16384"}},
		"table, vnode":     {Config{Nodes: weighted(1), Distribution: VNode, Tables: tables("d", "r", "n0", 1)}, []string{`"r"`, "vnode takes none"}},
		"table, no rack":   {Config{Nodes: weighted(1), Tables: tables("d", "s", "n0", 1)}, []string{`"s"`, "no node"}},
		"table, stranger":  {Config{Nodes: weighted(1), Tables: tables("d", "r", "n0", 1, "x", 1)}, []string{`"r"`, `"x"`, "no node of the rack"}},
		"table, missing":   {Config{Nodes: weighted(1, 1), Tables: tables("d", "r", "n0", 1)}, []string{`"n1"`, "knows no node"}},
		"table, weight":    {Config{Nodes: weighted(2), Tables: tables("d", "r", "n0", 1)}, []string{`"n0"`, "weight 1", "layout 2"}},
		"several at once":  {Config{Nodes: []Node{node("a", "", ""), node("a", "d", "r")}}, []string{"no datacenter", "no rack", "twice"}},
	} {
		ring, err := New(c.cfg)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		if ring != nil {
			t.Errorf("%s: a ring beside error %v", name, err)
		}
		for _, want := range append(c.want, "tokenring: ") {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %q does not say %s", name, err, want)
			}
		}
	}
}

func TestNew_LayoutsAtTheLimits(t *testing.T) {
	for name, cfg := range map[string]Config{
		"most tokens":               {Nodes: layout(64, 1), Distribution: VNode, TokensPerNode: 256},
		"largest weights":           {Nodes: weighted(math.MaxInt64/2, math.MaxInt64/2)},
		"weights that sum to 2^63":  {Nodes: weighted(math.MaxInt64, 1), Distribution: Ketama},
		"most slicers":              {Nodes: layout(hashkit.Slots, 1)},
		"most racks":                {Nodes: layout(256, 256)},
		"a node alone":              {Nodes: layout(1, 1)},
		"one token":                 {Nodes: []Node{{ID: "a", Datacenter: "d", Rack: "r", Tokens: []hashkit.Token{0}}}},
		"unnumbered":                {Nodes: layout(5, 2)},
		"racks of one name, two dc": {Nodes: []Node{{ID: "a", Datacenter: "d", Rack: "r"}, {ID: "b", Datacenter: "e", Rack: "r"}}},
		"same token in two racks": {Nodes: []Node{
			{ID: "a", Datacenter: "d", Rack: "r", Tokens: []hashkit.Token{7}},
			{ID: "b", Datacenter: "d", Rack: "s", Tokens: []hashkit.Token{7}},
		}},
	} {
		if _, err := New(cfg); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
