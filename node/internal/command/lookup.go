package command

import (
	"bytes"
	"slices"
)

// maxName bounds the names in the table, so that a name of any length can be
// looked up without an allocation.
const maxName = 32

var (
	all    = table()
	byName = index(all)
)

// table returns the commands sorted by name, completed by what follows from
// what is written down.
func table() []*Spec {
	specs := slices.Concat(stringCommands, hashCommands, genericCommands, expiryCommands,
		keyspaceCommands, connectionCommands, serverCommands, clusterCommands, ownCommands)
	slices.SortFunc(specs, func(a, b *Spec) int { return bytes.Compare([]byte(a.Name), []byte(b.Name)) })
	for _, s := range specs {
		s.complete(nil)
	}
	return specs
}

// complete fills in what follows from the rest; in is the container.
func (s *Spec) complete(in *Spec) {
	if in != nil {
		s.Name = in.Name + "|" + s.Name
		s.Group = in.Group
		if s.Keys == KeyNone {
			s.Keys = in.Keys
		}
	}
	switch {
	case s.First == 0:
	case s.Last == s.First:
		s.Keys = KeyOne
	default:
		s.Keys = KeyMany
	}
	s.Categories = s.Flags.imply(s.Categories)
	for _, sub := range s.Subcommands {
		sub.complete(s)
	}
}

func index(specs []*Spec) map[string]*Spec {
	m := make(map[string]*Spec, len(specs))
	for _, s := range specs {
		m[s.Name] = s
	}
	return m
}

// All returns the commands, containers included and subcommands not, sorted by name. The
// slice is shared: it must not be changed.
func All() []*Spec { return all }

// Lookup finds a command by its name in any case; nil if there is none. A
// container's subcommand is found by "client|id" or with [Resolve]. It does
// not allocate.
func Lookup(name []byte) *Spec {
	var lower [maxName]byte
	if len(name) > maxName {
		return nil
	}
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c == '|' {
			return lookupSub(name, i)
		}
		lower[i] = c
	}
	return byName[string(lower[:len(name)])]
}

func lookupSub(name []byte, bar int) *Spec {
	s := Lookup(name[:bar])
	if s == nil {
		return nil
	}
	return s.Sub(name[bar+1:])
}

// Sub finds a subcommand by its own name in any case; nil if there is none.
func (s *Spec) Sub(name []byte) *Spec {
	for _, sub := range s.Subcommands {
		if fold(name, sub.Name[len(s.Name)+1:]) {
			return sub
		}
	}
	return nil
}

// Resolve finds the command, or the subcommand, that the words of a request
// name; nil if there is none: see [AppendUnknown]. A container without a
// second word is found as itself, and its arity refuses it.
func Resolve(args [][]byte) *Spec {
	s := Lookup(args[0])
	if s == nil || len(s.Subcommands) == 0 || len(args) < 2 {
		return s
	}
	return s.Sub(args[1])
}

// fold says whether word is lower in any case; lower is in lower case.
func fold(word []byte, lower string) bool {
	if len(word) != len(lower) {
		return false
	}
	for i, c := range word {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
