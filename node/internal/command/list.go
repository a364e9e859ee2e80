package command

import (
	"bytes"
	"slices"

	"github.com/dynomite-go/dynomite/respserver"
)

// AppendCount appends the reply to COMMAND COUNT.
func AppendCount(dst []byte) []byte { return respserver.AppendInt(dst, int64(len(all))) }

// AppendList appends the reply to COMMAND LIST, whose words behind LIST are
// options: none, or FILTERBY with a kind of filter and its value. Subcommands
// are listed too.
func AppendList(dst []byte, options [][]byte) []byte {
	pass := func(*Spec) bool { return true }
	if len(options) > 0 {
		if len(options) != 3 || !fold(options[0], "filterby") {
			return respserver.AppendError(dst, errSyntax)
		}
		if pass = filter(options[1], options[2]); pass == nil {
			return respserver.AppendError(dst, errSyntax)
		}
	}
	var names []string
	for _, s := range all {
		if pass(s) {
			names = append(names, s.Name)
		}
		for _, sub := range s.Subcommands {
			if pass(sub) {
				names = append(names, sub.Name)
			}
		}
	}
	dst = respserver.AppendArray(dst, len(names))
	return appendWords(dst, names...)
}

// filter returns the test of one kind of filter; nil if there is no such kind.
func filter(kind, value []byte) func(*Spec) bool {
	switch {
	case fold(kind, "module"):
		return func(*Spec) bool { return false }
	case fold(kind, "aclcat"):
		i := slices.IndexFunc(categoryNames, func(name string) bool { return fold(value, name) })
		return func(s *Spec) bool { return i >= 0 && s.Categories&(1<<i) != 0 }
	case fold(kind, "pattern"):
		return func(s *Spec) bool { return matchFold(value, []byte(s.Name)) }
	}
	return nil
}

// AppendKeys appends the reply to COMMAND GETKEYS with these words: the keys
// of a whole command.
func AppendKeys(dst []byte, args [][]byte) []byte { return appendKeys(dst, 0, args, false) }

// AppendKeysAndFlags appends the reply to COMMAND GETKEYSANDFLAGS: each key
// with what the command does with it.
func AppendKeysAndFlags(dst []byte, proto int, args [][]byte) []byte {
	return appendKeys(dst, proto, args, true)
}

func appendKeys(dst []byte, proto int, args [][]byte, flags bool) []byte {
	s := Resolve(args)
	switch {
	case s == nil || bytes.IndexByte(args[0], '|') >= 0: // no request names a subcommand so
		return respserver.AppendError(dst, "ERR Invalid command specified")
	case s.First == 0:
		return respserver.AppendError(dst, "ERR The command has no key arguments")
	case s.Arity >= 0 && len(args) != s.Arity || len(args) < -s.Arity:
		return respserver.AppendError(dst, "ERR Invalid number of arguments specified for command")
	}
	n := s.NumKeys(len(args))
	dst = respserver.AppendArray(dst, n)
	for k := range n {
		if flags {
			dst = respserver.AppendArray(dst, 2)
		}
		dst = respserver.AppendBulk(dst, args[s.First+k*s.Step])
		if flags {
			dst = appendNames(dst, proto, s.access(args), accessNames, "")
		}
	}
	return dst
}

// access is Access for these words: of SET it depends on an option.
func (s *Spec) access(args [][]byte) Access {
	if s.Access&VariableFlags == 0 {
		return s.Access
	}
	for _, word := range args[3:] {
		if fold(word, "get") {
			return s.Access &^ VariableFlags
		}
	}
	return OW | Update
}
