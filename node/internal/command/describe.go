package command

import (
	"math/bits"

	"github.com/dynomite-go/dynomite/respserver"
)

// AppendCommands appends the reply to COMMAND: [AppendInfo] of every command.
func AppendCommands(dst []byte, proto int) []byte {
	dst = respserver.AppendArray(dst, len(all))
	for _, s := range all {
		dst = AppendInfo(dst, proto, s)
	}
	return dst
}

// AppendInfos appends the reply to COMMAND INFO with these names; null for one
// that is no command. Without names it is that to COMMAND.
func AppendInfos(dst []byte, proto int, names [][]byte) []byte {
	if len(names) == 0 {
		return AppendCommands(dst, proto)
	}
	dst = respserver.AppendArray(dst, len(names))
	for _, name := range names {
		dst = AppendInfo(dst, proto, Lookup(name))
	}
	return dst
}

// AppendInfo appends one element of COMMAND INFO's reply, null for nil.
func AppendInfo(dst []byte, proto int, s *Spec) []byte {
	if s == nil {
		return respserver.AppendNull(dst, proto)
	}
	dst = respserver.AppendArray(dst, 10)
	dst = respserver.AppendBulkString(dst, s.Name)
	dst = respserver.AppendInt(dst, int64(s.Arity))
	dst = appendNames(dst, proto, s.Flags, flagNames, "")
	dst = respserver.AppendInt(dst, int64(s.First))
	dst = respserver.AppendInt(dst, int64(s.Last))
	dst = respserver.AppendInt(dst, int64(s.Step))
	dst = appendNames(dst, proto, s.Categories, categoryNames, "@")
	dst = respserver.AppendSet(dst, proto, len(s.Tips))
	for _, tip := range s.Tips {
		dst = respserver.AppendBulkString(dst, tip)
	}
	dst = s.appendKeySpecs(dst, proto)
	if len(s.Subcommands) == 0 {
		return respserver.AppendSet(dst, proto, 0)
	}
	dst = respserver.AppendArray(dst, len(s.Subcommands))
	for _, sub := range s.Subcommands {
		dst = AppendInfo(dst, proto, sub)
	}
	return dst
}

// appendNames appends the set of the names of bits.
func appendNames[T ~uint16 | ~uint32](dst []byte, proto int, set T, names []string, prefix string) []byte {
	dst = respserver.AppendSet(dst, proto, bits.OnesCount32(uint32(set)))
	for name := range named(set, names) {
		dst = respserver.AppendSimple(dst, prefix+name)
	}
	return dst
}

// appendKeySpecs appends the description of where the keys are: a start and a
// range, the only way that our commands name keys.
func (s *Spec) appendKeySpecs(dst []byte, proto int) []byte {
	if s.First == 0 {
		return respserver.AppendSet(dst, proto, 0)
	}
	last := s.Last
	if last >= 0 {
		last -= s.First
	}
	dst = respserver.AppendSet(dst, proto, 1)
	if s.Notes == "" {
		dst = respserver.AppendMap(dst, proto, 3)
	} else {
		dst = respserver.AppendMap(dst, proto, 4)
		dst = respserver.AppendBulkString(dst, "notes")
		dst = respserver.AppendBulkString(dst, s.Notes)
	}
	dst = respserver.AppendBulkString(dst, "flags")
	dst = appendNames(dst, proto, s.Access, accessNames, "")
	dst = appendSearch(dst, proto, "begin_search", "index", fact{"index", s.First})
	return appendSearch(dst, proto, "find_keys", "range",
		fact{"lastkey", last}, fact{"keystep", s.Step}, fact{"limit", 0})
}

// fact is one number of a key specification.
type fact struct {
	name  string
	value int
}

func appendSearch(dst []byte, proto int, name, kind string, facts ...fact) []byte {
	dst = respserver.AppendBulkString(dst, name)
	dst = respserver.AppendMap(dst, proto, 2)
	dst = respserver.AppendBulkString(dst, "type")
	dst = respserver.AppendBulkString(dst, kind)
	dst = respserver.AppendBulkString(dst, "spec")
	dst = respserver.AppendMap(dst, proto, len(facts))
	for _, f := range facts {
		dst = respserver.AppendBulkString(dst, f.name)
		dst = respserver.AppendInt(dst, int64(f.value))
	}
	return dst
}
