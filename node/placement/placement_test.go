package placement_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/node"
	"github.com/dynomite-go/dynomite/node/placement"
)

// formed is the layout of nodes n1 to n of three racks; change may alter each
// node's configuration.
func formed(t testing.TB, n int, change func(i int, c *node.Config)) *placement.Layout {
	t.Helper()
	var configs []node.Config
	for i := range n {
		c := node.Config{
			Name: fmt.Sprintf("n%d", i+1), Rack: fmt.Sprintf("rack%d", i%3+1), Expect: n,
			PeerListen: fmt.Sprintf("127.0.0.1:%d", 8200+i), Seeds: []string{"127.0.0.1:8200"},
		}
		if change != nil {
			change(i, &c)
		}
		configs = append(configs, c)
	}
	l, err := node.FirstLayout(configs...)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestNodes_SharesAndRanges(t *testing.T) {
	l := formed(t, 6, func(i int, c *node.Config) {
		if i == 3 {
			c.Weight = 3
		}
	})
	nodes := l.Nodes()
	for i, want := range []struct {
		id, rack string
		weight   int64
		share    float64
	}{
		{"n1", "rack1", 1, 0.25},
		{"n4", "rack1", 3, 0.75},
		{"n2", "rack2", 1, 0.5},
		{"n5", "rack2", 1, 0.5},
		{"n3", "rack3", 1, 0.5},
		{"n6", "rack3", 1, 0.5},
	} {
		n := nodes[i]
		if n.ID != want.id || n.Rack != want.rack || n.Weight != want.weight || math.Abs(n.Share-want.share) > 1.0/hashkit.Slots || len(n.Ends) == 0 {
			t.Errorf("node %d is %+v, want %+v", i, n, want)
		}
	}
	ends := slices.Concat(nodes[0].Ends, nodes[1].Ends)
	if slices.Max(ends) != hashkit.MaxToken {
		t.Errorf("the ranges of rack1 end at %v", slices.Max(ends))
	}
}

func TestOwners_OneOfEachRack_OfOneTagTheSame(t *testing.T) {
	l := formed(t, 6, nil)
	key := l.Owners([]byte("{user:7}.name"))
	if key.Token != hashkit.SlotHash([]byte("{user:7}.name")) || key.Slot != key.Token.Slot() || len(key.Owners) != 3 {
		t.Errorf("%+v", key)
	}
	racks := map[string]bool{}
	for i, o := range key.Owners {
		racks[o.Rack] = true
		if o.Order != i+1 || o.Datacenter != "dc1" || o.PeerAddr == "" {
			t.Errorf("owner %d is %+v", i, o)
		}
	}
	if len(racks) != 3 {
		t.Errorf("owners in %d racks", len(racks))
	}
	if other := l.Owners([]byte("{user:7}.mail")); !slices.Equal(other.Owners, key.Owners) {
		t.Errorf("keys of one tag have the owners %v and %v", key.Owners, other.Owners)
	}
}

// What the plan says is what a count of keys one by one shows.
func TestPlan_AsKeysCountedOneByOne(t *testing.T) {
	for _, distribution := range []string{"random-slicing", "vnode", "ketama", "jump", "modula"} {
		name := func(_ int, c *node.Config) { c.Distribution = distribution }
		before, after := formed(t, 9, name), formed(t, 10, name)
		plan, err := before.Plan(placement.Change{Add: []placement.Addition{{ID: "n10", Rack: "rack1"}}})
		if err != nil {
			t.Fatal(err)
		}
		if distribution != "random-slicing" { // else the layout of ten that has a history is another
			const keys = 20_000
			moved := 0
			for i := range keys {
				key := fmt.Appendf(nil, "user:%d", i)
				had := map[string]bool{}
				for _, o := range before.Owners(key).Owners {
					had[o.Node] = true
				}
				for _, o := range after.Owners(key).Owners {
					if !had[o.Node] {
						moved++
					}
				}
			}
			if got := float64(moved) / keys; math.Abs(got-plan.Moved) > 0.02 {
				t.Errorf("%s: %.4f of the keys move, the plan says %.4f", distribution, got, plan.Moved)
			}
		}
		if ratio := plan.Moved / plan.Minimum; ratio < 1-1e-9 || distribution == "random-slicing" && ratio > 1+1e-9 {
			t.Errorf("%s moves %.4f times the minimum", distribution, ratio)
		}
	}
}

func TestPlan_FromWhomToWhom(t *testing.T) {
	l := formed(t, 6, nil)
	plan, err := l.Plan(placement.Change{
		Add:     []placement.Addition{{ID: "n7", Rack: "rack1"}, {ID: "n8", Rack: "rack4", Datacenter: "dc1"}},
		Remove:  []string{"n5"},
		Weights: map[string]int64{"n3": 3},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		from, to string
		share    float64
	}{
		{"n1", "n7", 1.0 / 6 * 0.75},
		{"n4", "n7", 1.0 / 6 * 0.75}, // three copies in four racks now
		{"n5", "n2", 0.5 * 0.75},
		{"n6", "n3", 0.25 * 0.75},
		{"", "n8", 0.75},
	} {
		if got := plan.Transfers[i]; got.From != want.from || got.To != want.to || math.Abs(got.Share-want.share) > 0.02 || got.Ranges < 1 {
			t.Errorf("transfer %d is %+v, want %+v", i, got, want)
		}
	}
	if len(plan.Transfers) != 5 || len(plan.Before) != 6 || len(plan.After) != 7 {
		t.Errorf("%d transfers, %d nodes before, %d after", len(plan.Transfers), len(plan.Before), len(plan.After))
	}
}

func TestPlan_Wrong_ErrorNamesTheCulprit(t *testing.T) {
	l := formed(t, 6, nil)
	for name, c := range map[string]struct {
		change placement.Change
		want   []string
	}{
		"unknown":         {placement.Change{Remove: []string{"n9"}}, []string{`"n9" to remove`, "there are n1, n2"}},
		"twice":           {placement.Change{Remove: []string{"n1", "n1"}}, []string{`"n1" is removed twice`}},
		"there already":   {placement.Change{Add: []placement.Addition{{ID: "n1", Rack: "rack1"}}}, []string{`"n1" is there already`}},
		"added twice":     {placement.Change{Add: []placement.Addition{{ID: "n9", Rack: "rack1"}, {ID: "n9", Rack: "rack2"}}}, []string{`"n9" is there already`}},
		"replaced":        {placement.Change{Add: []placement.Addition{{ID: "n1", Rack: "rack1"}}, Remove: []string{"n1"}}, []string{`"n1" is removed and added`}},
		"no rack":         {placement.Change{Add: []placement.Addition{{ID: "n9"}}}, []string{`"n9" has no rack`}},
		"no name":         {placement.Change{Add: []placement.Addition{{Rack: "rack1"}}}, []string{"no name"}},
		"zero weight":     {placement.Change{Weights: map[string]int64{"n1": 0}}, []string{`"n1": weight 0`}},
		"negative weight": {placement.Change{Add: []placement.Addition{{ID: "n9", Rack: "rack1", Weight: -1}}}, []string{`"n9": weight -1`}},
		"weight of none":  {placement.Change{Weights: map[string]int64{"n9": 2}}, []string{`"n9" to give a weight`}},
		"weight and gone": {placement.Change{Weights: map[string]int64{"n1": 2}, Remove: []string{"n1"}}, []string{`"n1" is given a weight and removed`}},
		"too heavy":       {placement.Change{Weights: map[string]int64{"n1": math.MaxInt64, "n4": math.MaxInt64}}, []string{`"n4"`, "2^63"}},
		"too light":       {placement.Change{Weights: map[string]int64{"n1": 1 << 40}}, []string{`"n4"`, "less than one unit"}},
		"tokens":          {placement.Change{Add: []placement.Addition{{ID: "n9", Rack: "rack1", Tokens: []hashkit.Token{1}}}}, []string{`"n9" gives tokens`}},
		"all at once":     {placement.Change{Remove: []string{"n8", "n9"}}, []string{`"n8"`, `"n9"`}},
		"nobody":          {placement.Change{Remove: []string{"n1", "n2", "n3", "n4", "n5", "n6"}}, []string{"no node would be left"}},
	} {
		_, err := l.Plan(c.change)
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %s", name, err, want)
			}
		}
	}
	vnodes := formed(t, 3, func(_ int, c *node.Config) { c.Distribution = "vnode" })
	if _, err := vnodes.Plan(placement.Change{Weights: map[string]int64{"n1": 2}}); err == nil || !strings.Contains(err.Error(), `"n1" has weight 2, but vnode takes no weights`) {
		t.Errorf("a weight with vnode: %v", err)
	}
	far := formed(t, 2, func(i int, c *node.Config) { c.Datacenter = fmt.Sprint("dc", i) })
	if _, err := far.Plan(placement.Change{Add: []placement.Addition{{ID: "n9", Rack: "r"}}}); err == nil || !strings.Contains(err.Error(), `"n9" has no datacenter, there are dc0, dc1`) {
		t.Errorf("two datacenters and none named: %v", err)
	}
}

func TestDecode_WrongBytes_Error(t *testing.T) {
	for _, text := range []string{"", "{}", "no layout yet"} {
		if _, err := placement.Decode([]byte(text)); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

// svgText is the text of a picture that must be well-formed XML, and how many
// paths it has.
func svgText(t *testing.T, l *placement.Layout) (text string, paths int) {
	t.Helper()
	var b bytes.Buffer
	if err := l.SVG(&b); err != nil {
		t.Fatal(err)
	}
	if s := b.String(); strings.Contains(s, "NaN") || strings.Contains(s, "Inf") || strings.Contains(s, "%!") {
		t.Errorf("a number is none:\n%s", s)
	}
	d := xml.NewDecoder(&b)
	var words strings.Builder
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return words.String(), paths
		}
		if err != nil {
			t.Fatal(err)
		}
		switch x := token.(type) {
		case xml.StartElement:
			if x.Name.Local == "path" {
				paths++
			}
		case xml.CharData:
			words.Write(x)
		}
	}
}

func TestSVG_ShowsEveryNodeItsShareAndItsRanges(t *testing.T) {
	l := formed(t, 6, func(i int, c *node.Config) {
		if i == 3 {
			c.Weight = 3
		}
		c.Cluster = "shop&<co>"
	})
	text, paths := svgText(t, l)
	ranges := 0
	for _, n := range l.Nodes() {
		ranges += len(n.Ends)
		if !strings.Contains(text, "\n"+n.ID+"\n") && !strings.Contains(text, "\n"+n.ID+", weight") {
			t.Errorf("no node %s in\n%s", n.ID, text)
		}
	}
	if paths != ranges {
		t.Errorf("%d arcs for %d ranges", paths, ranges)
	}
	for _, want := range []string{"cluster shop&<co>", "dc1", "3 racks", "3 copies", "rack1, outermost ring", "rack2, ring 2", "rack3, innermost ring", "75.00 %", "25.00 %", "n4, weight 3", "hash slot, distribution random-slicing"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestSVG_OfAnyRing_IsWellFormed(t *testing.T) {
	svgText(t, formed(t, 1, nil))
	svgText(t, formed(t, 40, func(i int, c *node.Config) {
		c.Distribution, c.Datacenter, c.Rack = "ketama", fmt.Sprint("dc", i%2), fmt.Sprint("r", i%10)
		c.Name = strings.Repeat("long-", 10) + fmt.Sprint(i)
	}))
	if err := formed(t, 3, nil).SVG(brokenPipe{}); err == nil {
		t.Error("the writer's error is lost")
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
