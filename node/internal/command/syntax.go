package command

import "strings"

// Syntax is written like this, and COMMAND DOCS's arguments are made from it:
//
//	key value                 arguments; one named "key" is the key
//	seconds:integer           of a type: integer, double, pattern, unix-time
//	[COUNT count:integer]     optional, with a token before it
//	[GET]                     a token alone
//	condition=(NX | XX)       one of several
//	key_value=(key value)     several together
//	field...                  once or more
//	[PREFIX prefix,...]       once or more, each with its token

// argument is one node of an argument tree.
type argument struct {
	name, kind, token            string
	optional, multiple, perToken bool
	args                         []argument
}

var argumentTypes = []string{"integer", "double", "pattern", "unix-time"}

// syntax parses what is between brackets, or everything.
type syntax struct {
	text string
	pos  int
}

// arguments parses a Syntax.
func arguments(text string) []argument {
	args, _ := (&syntax{text: text}).list()
	return args
}

// list parses items up to a closing bracket or the end; choice says that there
// are bars between them.
func (s *syntax) list() (args []argument, choice bool) {
	for {
		s.skip(" ")
		switch {
		case s.pos == len(s.text) || strings.ContainsRune(")]", rune(s.text[s.pos])):
			return args, choice
		case s.skip("|"):
			choice = true
		default:
			args = append(args, s.item())
		}
	}
}

func (s *syntax) item() argument {
	var a argument
	if s.skip("[") {
		inner, _ := s.list()
		s.skip("]")
		a = inner[0]
		a.optional = true
	} else {
		a = s.term()
	}
	if s.skip(",...") {
		a.multiple, a.perToken = true, true
	}
	if s.skip("...") {
		a.multiple = true
	}
	return a
}

func (s *syntax) term() argument {
	word := s.word()
	var a argument
	if word == strings.ToUpper(word) && strings.ContainsAny(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		s.skip(" ")
		if !s.wordAhead() {
			return argument{name: strings.ToLower(word), kind: "pure-token", token: word}
		}
		a.token = word
		word = s.word()
	}
	if s.skip("=(") {
		var choice bool
		a.args, choice = s.list()
		s.skip(")")
		a.name, a.kind = word, "block"
		if choice {
			a.kind = "oneof"
		}
		return a
	}
	a.name, a.kind = word, "string"
	for _, kind := range argumentTypes {
		if name, ok := strings.CutSuffix(word, ":"+kind); ok {
			a.name, a.kind = name, kind
		}
	}
	if word == "key" {
		a.kind = "key"
	}
	return a
}

func (s *syntax) word() string {
	from := s.pos
	for s.wordAhead() {
		s.pos++
	}
	return s.text[from:s.pos]
}

func (s *syntax) wordAhead() bool {
	rest := s.text[s.pos:]
	return rest != "" && !strings.ContainsRune(" []()|=,", rune(rest[0])) && !strings.HasPrefix(rest, "...")
}

// skip goes past prefix if it is next.
func (s *syntax) skip(prefix string) bool {
	if !strings.HasPrefix(s.text[s.pos:], prefix) {
		return false
	}
	s.pos += len(prefix)
	return true
}
