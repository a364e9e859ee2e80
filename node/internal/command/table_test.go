package command

import (
	"slices"
	"strings"
	"testing"
)

// younger are the subcommands in the table that Redis 7.0.15 does not have.
var younger = []string{"client|setinfo", "client|no-touch", "cluster|myshardid"}

// eachSpec calls fn for every command and subcommand.
func eachSpec(fn func(*Spec)) {
	for _, s := range All() {
		fn(s)
		for _, sub := range s.Subcommands {
			fn(sub)
		}
	}
}

func known(s *Spec) bool {
	return !strings.HasPrefix(s.Name, "dyn.") && !slices.Contains(younger, s.Name)
}

func TestAppendInfo_EveryCommand_EqualsRedis(t *testing.T) {
	redis := startRedis(t)
	for proto := 2; proto <= 3; proto++ {
		redis.do("HELLO", string(rune('0'+proto)))
		eachSpec(func(s *Spec) {
			if !known(s) {
				return
			}
			want := parseReply(t, redis.do("COMMAND", "INFO", s.Name)).list[0]
			got := parseReply(t, AppendInfos(nil, proto, words(strings.ToUpper(s.Name)))).list[0]
			if want.null || len(got.list) != len(want.list) {
				t.Fatalf("%s:\nredis: %s\nours:  %s", s.Name, want, got)
			}
			// Of subcommands Redis has more, in another order: each is compared
			// on its own.
			last := len(want.list) - 1
			if (len(want.list[last].list) > 0) != (len(got.list[last].list) > 0) {
				t.Errorf("%s: only one side has subcommands", s.Name)
			}
			want.list, got.list = want.list[:last], got.list[:last]
			if want.String() != got.String() {
				t.Errorf("%s:\nredis: %s\nours:  %s", s.Name, want, got)
			}
		})
	}
}

func TestAppendDocs_EveryCommand_HasRedisArguments(t *testing.T) {
	redis := startRedis(t)
	redis.do("HELLO", "3")
	eachSpec(func(s *Spec) {
		got := docs(t, AppendDocs(nil, 3, words(s.Name)), s.Name)
		for _, fact := range []string{"summary", "since", "group", "complexity"} {
			if got[fact].text == "" {
				t.Errorf("%s has no %s", s.Name, fact)
			}
		}
		if !known(s) || strings.HasPrefix(s.Name, "cluster|") {
			return
		}
		want := docs(t, redis.do("COMMAND", "DOCS", s.Name), s.Name)
		for _, fact := range []string{"since", "group", "doc_flags", "deprecated_since", "replaced_by"} {
			if want[fact].String() != got[fact].String() {
				t.Errorf("%s: %s\nredis: %s\nours:  %s", s.Name, fact, want[fact], got[fact])
			}
		}
		if want, got := shape(want["arguments"]), shape(got["arguments"]); want != got {
			t.Errorf("%s: arguments\nredis: %s\nours:  %s", s.Name, want, got)
		}
	})
}

// docs takes COMMAND DOCS's reply for one command apart.
func docs(t *testing.T, raw []byte, name string) map[string]reply {
	r := parseReply(t, raw)
	if len(r.list) != 2 || r.list[0].text != name {
		t.Fatalf("COMMAND DOCS %s: %s", name, r)
	}
	return pairsOf(r.list[1])
}

func pairsOf(r reply) map[string]reply {
	m := make(map[string]reply)
	for i := 0; i+1 < len(r.list); i += 2 {
		m[r.list[i].text] = r.list[i+1]
	}
	return m
}

// shape is what counts of a list of arguments: not what version brought them.
func shape(r reply) string {
	var b strings.Builder
	for _, arg := range r.list {
		m := pairsOf(arg)
		b.WriteString(m["token"].text + " " + m["name"].text + ":" + m["type"].text + m["key_spec_index"].text)
		b.WriteString(m["flags"].String())
		if inner := m["arguments"]; len(inner.list) > 0 {
			b.WriteString("(" + shape(inner) + ")")
		}
		b.WriteString(" ")
	}
	return b.String()
}

func TestAppendList_Filters_AgreeWithRedis(t *testing.T) {
	redis := startRedis(t)
	var ours []string
	eachSpec(func(s *Spec) { ours = append(ours, s.Name) })
	for _, filter := range [][]string{
		nil,
		{"FILTERBY", "PATTERN", "*set*"},
		{"filterby", "pattern", "GET?X"},
		{"filterby", "aclcat", "HASH"},
		{"FILTERBY", "ACLCAT", "dangerous"},
		{"FILTERBY", "ACLCAT", "nosuch"},
		{"FILTERBY", "MODULE", "x"},
		{"FILTERBY", "x", "y"},
		{"FILTERBY", "PATTERN"},
		{"x"},
	} {
		want := parseReply(t, redis.do(append([]string{"COMMAND", "LIST"}, filter...)...))
		got := parseReply(t, AppendList(nil, words(filter...)))
		if want.kind == '-' {
			if want.String() != got.String() {
				t.Errorf("%q: redis: %s, ours: %s", filter, want, got)
			}
			continue
		}
		// The names that both know have to agree.
		both := want.texts()
		both = slices.DeleteFunc(both, func(name string) bool { return !slices.Contains(ours, name) })
		mine := slices.DeleteFunc(got.texts(), func(name string) bool { return !known(Lookup([]byte(name))) })
		slices.Sort(both)
		slices.Sort(mine)
		if !slices.Equal(both, mine) {
			t.Errorf("%q:\nredis: %q\nours:  %q", filter, both, mine)
		}
	}
}

func TestAppendKeys_Words_AgreeWithRedis(t *testing.T) {
	redis := startRedis(t)
	for _, line := range []string{
		"get k", "get k x", "mget a b c", "mset a 1 b 2", "mset a 1 b", "set k v", "set k v GET", "set k v nx",
		"object encoding k", "object help", "ping x", "nosuch k", "client id", "client nosuch", "del a b", "flushall x", "hset k f v", "keys *",
		"hset k f", "mset a 1", "object nosuch k",
	} {
		args := strings.Fields(line)
		for _, sub := range []string{"GETKEYS", "GETKEYSANDFLAGS"} {
			want := parseReply(t, redis.do(append([]string{"COMMAND", sub}, args...)...))
			got := parseReply(t, AppendKeys(nil, words(args...)))
			if sub == "GETKEYSANDFLAGS" {
				got = parseReply(t, AppendKeysAndFlags(nil, 2, words(args...)))
			}
			if want.String() != got.String() {
				t.Errorf("%s %s\nredis: %s\nours:  %s", sub, line, want, got)
			}
		}
	}
}

func TestLookup_AnyCase_FindsTheSpec(t *testing.T) {
	for _, test := range []struct{ name, want string }{
		{"get", "get"},
		{"GeT", "get"},
		{"dyn.LOCAL", "dyn.local"},
		{"CLIENT|No-Evict", "client|no-evict"},
		{"client", "client"},
		{"client|", ""},
		{"|id", ""},
		{"", ""},
		{"gett", ""},
		{"get ", ""},
		{"client|id|x", ""},
		{strings.Repeat("x", 100), ""},
		{"get|x", ""},
	} {
		got := ""
		if s := Lookup([]byte(test.name)); s != nil {
			got = s.Name
		}
		if got != test.want {
			t.Errorf("Lookup(%q) is %q, want %q", test.name, got, test.want)
		}
	}
	name := []byte("HINCRBYFLOAT")
	if n := testing.AllocsPerRun(100, func() { Lookup(name) }); n != 0 {
		t.Errorf("Lookup allocates %v times", n)
	}
}

func TestTable_EverySpec_IsWhole(t *testing.T) {
	seen := make(map[string]bool)
	eachSpec(func(s *Spec) {
		if seen[s.Name] || len(s.Name) > maxName {
			t.Errorf("%s: twice in the table, or too long", s.Name)
		}
		seen[s.Name] = true
		executed := s.read != nil || s.update != nil
		switch {
		case s.Keyed() != executed:
			t.Errorf("%s: keyed is %v, executed here %v", s.Name, s.Keyed(), executed)
		case executed && s.Write() != (s.update != nil):
			t.Errorf("%s: write is %v, but it has an update: %v", s.Name, s.Write(), s.update != nil)
		case executed && s.Access == 0:
			t.Errorf("%s: no access", s.Name)
		case (s.Keys == KeyMany) != (s.Join != JoinNone):
			t.Errorf("%s: keys %v, join %v", s.Name, s.Keys, s.Join)
		case s.Looks && !s.Write():
			t.Errorf("%s: looks but does not write", s.Name)
		}
	})
	// The writers that do not look first.
	blind := []string{"del", "mset", "psetex", "set", "setex", "unlink"}
	var got []string
	eachSpec(func(s *Spec) {
		if s.update != nil && !s.Looks {
			got = append(got, s.Name)
		}
	})
	slices.Sort(got)
	if !slices.Equal(got, blind) {
		t.Errorf("writers that do not look: %q, want %q", got, blind)
	}
}

func TestLooksWith_SetOptions_Decide(t *testing.T) {
	set := Lookup([]byte("set"))
	for _, test := range []struct {
		line string
		want bool
	}{
		{"set k v", false},
		{"set k v ex 10", false},
		{"set k v PXAT 10", false},
		{"set k v NX", true},
		{"set k v ex 10 xx", true},
		{"set k v get", true},
		{"set k v keepttl", true},
	} {
		if got := set.LooksWith(words(strings.Fields(test.line)...)); got != test.want {
			t.Errorf("%s: %v, want %v", test.line, got, test.want)
		}
	}
	if !Lookup([]byte("incr")).LooksWith(words("incr", "k")) {
		t.Error("INCR does not look")
	}
}
