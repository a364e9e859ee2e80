package frontend

import (
	"slices"
	"strings"

	"github.com/dynomite-go/dynomite/node/internal/command"
)

// maxName bounds the names of commands and subcommands; longer ones cannot be
// in the table.
const maxName = 32

// handler answers one command: it appends a reply to out.
type handler func(s *Session, args [][]byte, out []byte) []byte

// entry is a command, or a subcommand of one, as the frontend deals with it.
type entry struct {
	// name is in lower case, a subcommand's with its container: client|id.
	name string
	// index is the entry's place in the statistics.
	index int
	spec  *command.Spec
	// run is nil for the router's commands.
	run  handler
	subs []*entry
	// brief: it takes little time, if it has few words.
	brief bool
}

// maxBrief is how many words a brief command may have: those of a thousand keys
// take about as long as the largest batch of short ones.
const maxBrief = 1024

// isBrief says whether a command takes so little time that other clients may
// wait for it meanwhile. Redis's flag does not have the commands on strings,
// whose time is that of moving the bytes which the client sent or gets.
func isBrief(spec *command.Spec) bool {
	if spec.Flags&command.Blocking != 0 {
		return false
	}
	return spec.Flags&command.Fast != 0 || spec.Keyed() && spec.Categories&command.CategoryString != 0
}

// sub finds a subcommand; it returns nil if there is none of that name.
func (e *entry) sub(name []byte) *entry {
	for _, sub := range e.subs {
		if equalFold(name, sub.name[len(e.name)+1:]) {
			return sub
		}
	}
	return nil
}

// table is the commands that exist.
type table struct {
	byName map[string]*entry // containers, but not their subcommands
	all    []*entry          // by index
}

// newTable joins the command table with what is answered here.
func newTable() *table {
	t := &table{byName: make(map[string]*entry)}
	for _, spec := range slices.Concat(command.All(), unlisted) {
		e := t.add(spec)
		t.byName[e.name] = e
		for _, sub := range spec.Subcommands {
			e.subs = append(e.subs, t.add(sub))
		}
	}
	for name, run := range handlers() {
		t.find(name).run = run
	}
	for _, sub := range t.byName["cluster"].subs {
		sub.run = noCluster
	}
	return t
}

func (t *table) add(spec *command.Spec) *entry {
	e := &entry{name: spec.Name, index: len(t.all), spec: spec, brief: isBrief(spec)}
	t.all = append(t.all, e)
	return e
}

// find looks up a name in lower case, a subcommand's with its container.
func (t *table) find(name string) *entry {
	container, sub, isSub := strings.Cut(name, "|")
	e := t.byName[container]
	if e == nil || !isSub {
		return e
	}
	return e.sub([]byte(sub))
}

// equalFold compares a client's word with one of ours in lower case.
func equalFold(word []byte, lower string) bool {
	if len(word) != len(lower) {
		return false
	}
	for i, c := range word {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// appendLower appends word in ASCII lower case.
func appendLower(dst, word []byte) []byte {
	for _, c := range word {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}
