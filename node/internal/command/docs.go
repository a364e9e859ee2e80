package command

import "github.com/dynomite-go/dynomite/respserver"

// AppendDocs appends the reply to COMMAND DOCS with these names, or for all
// commands without; names that are no command are left out.
func AppendDocs(dst []byte, proto int, names [][]byte) []byte {
	specs := all
	if len(names) > 0 {
		specs = make([]*Spec, 0, len(names))
		for _, name := range names {
			if s := Lookup(name); s != nil {
				specs = append(specs, s)
			}
		}
	}
	dst = respserver.AppendMap(dst, proto, len(specs))
	for _, s := range specs {
		dst = respserver.AppendBulkString(dst, s.Name)
		dst = s.appendDocs(dst, proto)
	}
	return dst
}

func (s *Spec) appendDocs(dst []byte, proto int) []byte {
	args := arguments(s.Syntax)
	n := 4
	if s.Deprecated != "" {
		n += 3
	}
	if len(args) > 0 {
		n++
	}
	if len(s.Subcommands) > 0 {
		n++
	}
	dst = respserver.AppendMap(dst, proto, n)
	dst = appendWords(dst, "summary", s.Summary, "since", s.Since, "group", s.Group, "complexity", s.Complexity)
	if s.Deprecated != "" {
		dst = respserver.AppendBulkString(dst, "doc_flags")
		dst = respserver.AppendSet(dst, proto, 1)
		dst = respserver.AppendSimple(dst, "deprecated")
		dst = appendWords(dst, "deprecated_since", s.Deprecated, "replaced_by", s.Instead)
	}
	if len(args) > 0 {
		dst = respserver.AppendBulkString(dst, "arguments")
		dst = appendArguments(dst, proto, args)
	}
	if len(s.Subcommands) > 0 {
		dst = respserver.AppendBulkString(dst, "subcommands")
		dst = respserver.AppendMap(dst, proto, len(s.Subcommands))
		for _, sub := range s.Subcommands {
			dst = respserver.AppendBulkString(dst, sub.Name)
			dst = sub.appendDocs(dst, proto)
		}
	}
	return dst
}

func appendWords(dst []byte, words ...string) []byte {
	for _, word := range words {
		dst = respserver.AppendBulkString(dst, word)
	}
	return dst
}

func appendArguments(dst []byte, proto int, args []argument) []byte {
	dst = respserver.AppendArray(dst, len(args))
	for i := range args {
		dst = args[i].append(dst, proto)
	}
	return dst
}

func (a *argument) append(dst []byte, proto int) []byte {
	flags := a.flags()
	n := 2
	for _, more := range []bool{a.kind == "key", a.token != "", len(flags) > 0, len(a.args) > 0} {
		if more {
			n++
		}
	}
	dst = respserver.AppendMap(dst, proto, n)
	dst = appendWords(dst, "name", a.name, "type", a.kind)
	if a.kind == "key" {
		dst = respserver.AppendBulkString(dst, "key_spec_index")
		dst = respserver.AppendInt(dst, 0)
	}
	if a.token != "" {
		dst = appendWords(dst, "token", a.token)
	}
	if len(flags) > 0 {
		dst = respserver.AppendBulkString(dst, "flags")
		dst = respserver.AppendSet(dst, proto, len(flags))
		for _, flag := range flags {
			dst = respserver.AppendSimple(dst, flag)
		}
	}
	if len(a.args) > 0 {
		dst = respserver.AppendBulkString(dst, "arguments")
		dst = appendArguments(dst, proto, a.args)
	}
	return dst
}

func (a *argument) flags() []string {
	var flags []string
	if a.optional {
		flags = append(flags, "optional")
	}
	if a.multiple {
		flags = append(flags, "multiple")
	}
	if a.perToken {
		flags = append(flags, "multiple_token")
	}
	return flags
}
