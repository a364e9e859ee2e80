package hashkit

import (
	"bytes"
	"testing"
)

func TestTag_Of(t *testing.T) {
	// The cases of the Redis Cluster specification, and what lies between them.
	for _, c := range []struct{ key, want string }{
		{"", ""},
		{"plain", "plain"},
		{"{user1000}.following", "user1000"},
		{"{user1000}.followers", "user1000"},
		{"foo{}{bar}", "foo{}{bar}"},
		{"foo{{bar}}zap", "{bar"},
		{"foo{bar}{zap}", "bar"},
		{"foo{bar", "foo{bar"},
		{"foo}bar{baz", "foo}bar{baz"},
		{"}{a}", "a"},
		{"{}", "{}"},
		{"{", "{"},
		{"}", "}"},
		{"{}}", "{}}"},
		{"{\x00}", "\x00"},
	} {
		if got := Braces.Of([]byte(c.key)); string(got) != c.want {
			t.Errorf("Braces.Of(%q) = %q, want %q", c.key, got, c.want)
		}
	}
	if got := (Tag{Open: '|', Close: '|'}).Of([]byte("a|b|c")); string(got) != "b" {
		t.Errorf("equal enclosing bytes: %q, want b", got)
	}
}

func TestTag_Of_ResultCannotGrowIntoTheKey(t *testing.T) {
	key := []byte("{a}b")
	_ = append(Braces.Of(key), "XX"...)
	if !bytes.Equal(key, []byte("{a}b")) {
		t.Errorf("appending to the tag changed the key to %q", key)
	}
}

func TestTag_Bind_SameTagSameToken(t *testing.T) {
	hash := Braces.Bind(Murmur)
	if a, b := hash([]byte("{u}.a")), hash([]byte("x{u}.b")); a != b || a != Murmur([]byte("u")) {
		t.Errorf("tokens %v and %v, want both %v", a, b, Murmur([]byte("u")))
	}
}
