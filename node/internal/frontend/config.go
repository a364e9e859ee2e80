package frontend

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/dynomite-go/dynomite/node/internal/command"
	"github.com/dynomite-go/dynomite/respserver"
)

// configHelp are Redis's sentences.
var configHelp = []string{
	"GET <pattern>",
	"    Return parameters matching the glob-like <pattern> and their values.",
	"SET <directive> <value>",
	"    Set the configuration <directive> to <value>.",
	"RESETSTAT",
	"    Reset statistics reported by the INFO command.",
	"REWRITE",
	"    Rewrite the configuration file.",
}

// parameters is the table behind CONFIG.
type parameters struct {
	set    sync.Mutex // held by CONFIG SET as a whole
	byName map[string]*Parameter
	names  []string // sorted
}

func newParameters(builtin, own []Parameter) (*parameters, error) {
	p := &parameters{byName: make(map[string]*Parameter)}
	for _, param := range builtin {
		p.byName[param.Name] = &param
	}
	seen := make(map[string]bool)
	for _, param := range own {
		switch {
		case param.Name == "" || param.Name != strings.ToLower(param.Name):
			return nil, fmt.Errorf("frontend: parameter name %q is empty or not in lower case", param.Name)
		case param.Get == nil:
			return nil, fmt.Errorf("frontend: parameter %s has no Get", param.Name)
		case seen[param.Name]:
			return nil, fmt.Errorf("frontend: parameter %s is there twice", param.Name)
		}
		seen[param.Name] = true
		p.byName[param.Name] = &param
	}
	for name := range p.byName {
		p.names = append(p.names, name)
	}
	slices.Sort(p.names)
	return p, nil
}

func (p *parameters) lookup(name []byte) *Parameter {
	return p.byName[string(bytes.ToLower(name))]
}

// configGet is CONFIG GET pattern ...; a parameter shows once. A plain name is
// shown as the client spelt it, as Redis does.
func configGet(s *Session, args [][]byte, out []byte) []byte {
	p := s.front.config
	type match struct {
		name  string
		param *Parameter
	}
	var found []match
	seen := make(map[string]bool)
	add := func(name string, param *Parameter) {
		if !seen[name] {
			seen[name] = true
			found = append(found, match{name, param})
		}
	}
	for _, pattern := range args[2:] {
		if !bytes.ContainsAny(pattern, "[*?") {
			if param := p.lookup(pattern); param != nil {
				add(string(pattern), param)
			}
			continue
		}
		lower := bytes.ToLower(pattern)
		for _, name := range p.names {
			if command.Match(lower, []byte(name)) {
				add(name, p.byName[name])
			}
		}
	}
	out = respserver.AppendMap(out, s.Proto(), len(found))
	for _, m := range found {
		out = respserver.AppendBulkString(out, m.name)
		out = respserver.AppendBulkString(out, m.param.Get())
	}
	return out
}

// configSet is CONFIG SET name value ...: all of it or nothing.
func configSet(s *Session, args [][]byte, out []byte) []byte {
	if len(args)%2 != 0 {
		return appendError(out, errSyntax)
	}
	f := s.front
	failed := func(name, reason string) []byte {
		return appendError(out, "ERR CONFIG SET failed (possibly related to argument '"+name+"') - "+reason)
	}
	var params []*Parameter
	for i := 2; i < len(args); i += 2 {
		name := args[i]
		param := f.config.lookup(name)
		switch {
		case param == nil:
			return appendError(out, "ERR Unknown option or number of arguments for CONFIG SET - '"+
				quoted(name, len(name))+"'")
		case param.Set == nil:
			return failed(string(name), "can't set immutable config")
		case slices.Contains(params, param):
			return failed(string(name), "duplicate parameter")
		}
		params = append(params, param)
	}

	f.config.set.Lock()
	defer f.config.set.Unlock()
	old := make([]string, len(params))
	for i, param := range params {
		old[i] = param.Get()
	}
	for i, param := range params {
		err := param.Set(string(args[3+2*i]))
		if err == nil {
			continue
		}
		for j := i - 1; j >= 0; j-- {
			if undo := params[j].Set(old[j]); undo != nil {
				f.log.Error("parameter not set back", "name", params[j].Name, "value", old[j], "err", undo)
			}
		}
		return failed(param.Name, err.Error())
	}
	for i, param := range params {
		if value := param.Get(); value != old[i] {
			f.log.Info("parameter changed", "name", param.Name, "old", old[i], "new", value)
		}
	}
	return respserver.AppendOK(out)
}

func configResetStat(s *Session, _ [][]byte, out []byte) []byte {
	f := s.front
	f.resetStats()
	if f.facts.ResetStats != nil {
		f.facts.ResetStats()
	}
	return respserver.AppendOK(out)
}

// configRewrite answers as Redis without a file: ours is not in Redis's
// format, and is its owner's to write.
func configRewrite(_ *Session, _ [][]byte, out []byte) []byte {
	return appendError(out, "ERR The server is running without a config file")
}
