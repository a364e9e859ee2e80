package command

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/dynomite-go/dynomite/node/datastore"
)

// run executes a command and returns the reply.
func run(t *testing.T, c *Call, s datastore.Store, line string) string {
	t.Helper()
	c.Args = words(strings.Fields(line)...)
	c.Spec = Resolve(c.Args)
	c.Out, c.Delta = c.Out[:0], c.Delta[:0]
	if err := c.Exec(s); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return string(c.Out)
}

func TestExec_EveryCommand_TellsWhatItDid(t *testing.T) {
	for _, test := range []struct {
		before                 string // a command, or none
		line                   string
		touched, looked, wrote bool
	}{
		{"", "get k", true, true, false},
		{"", "set k v", true, false, true},
		{"set k v", "set k v", true, false, true},
		{"", "set k v ex 100", true, false, true},
		{"", "set k v nx", true, true, true},
		{"set k v", "set k v nx", true, true, false},
		{"", "set k v foo", false, false, false},
		{"", "set k v ex x", true, false, false},
		{"", "set k", false, false, false},
		{"", "del k", true, false, false},
		{"set k v", "del k", true, false, true},
		{"hset k f v", "incr k", true, true, false},
		{"", "incrby k x", false, false, false},
		{"set k x", "append k y", true, true, true},
		{"hset k f v", "hset k f v", true, true, true},
		{"hset k f v", "hdel k g", true, true, false},
		{"hset k f v", "hdel k f", true, true, true},
		{"set k v", "expire k 100", true, true, true},
		{"", "expire k 100", true, true, false},
		{"set k v", "persist k", true, true, false},
		{"set k v", "getex k", true, true, false},
		{"set k v", "getdel k", true, true, true},
		{"", "setrange k 5 ", false, false, false},
		{"", "mset k v", true, false, true},
		{"", "object encoding k", true, true, false},
	} {
		s := newStore(t)
		var c Call
		if test.before != "" {
			run(t, &c, s, test.before)
		}
		run(t, &c, s, test.line)
		if c.Touched != test.touched || c.Looked != test.looked || c.Wrote != test.wrote {
			t.Errorf("%q after %q: touched %v, looked %v, wrote %v", test.line, test.before, c.Touched, c.Looked, c.Wrote)
		}
		if c.Wrote != (len(c.Delta) > 0) {
			t.Errorf("%q: %d bytes of delta", test.line, len(c.Delta))
		}
		if write := c.Touched && c.Spec.Write(); write == c.Stamp.IsZero() {
			t.Errorf("%q: the stamp is %v", test.line, c.Stamp)
		}
	}
}

func TestExec_Force_ForAMajority(t *testing.T) {
	s := newStore(t)
	for _, name := range []string{"del", "unlink"} {
		c := Call{Force: true}
		if reply := run(t, &c, s, name+" k"); reply != ":0\r\n" || !c.Wrote {
			t.Errorf("%s of a missing key: %q, wrote %v", name, reply, c.Wrote)
		}
	}
}

func TestExec_WantDigest_ReadsKnowWhatTheySaw(t *testing.T) {
	s := newStore(t)
	c := Call{WantDigest: true}
	run(t, &c, s, "set k v")
	run(t, &c, s, "get k")
	digest, err := s.Digest([]byte("k"))
	if err != nil || digest == 0 || c.Before != digest {
		t.Errorf("a read saw digest %x, the record's is %x (%v)", c.Before, digest, err)
	}
	run(t, &c, s, "set k w nx")
	if c.Before != digest {
		t.Errorf("a writer saw digest %x, the record's is %x", c.Before, digest)
	}
	run(t, &c, s, "incrby k x")
	if c.Before != 0 {
		t.Error("a digest without a look at the record")
	}
}

// TestExec_Again_AnswersAfresh executes the same words twice around a delta
// from another replica.
func TestExec_Again_AnswersAfresh(t *testing.T) {
	here, there := newStore(t), newStore(t)
	var c, other Call
	run(t, &other, there, "set k 41")

	c.Args = words("INCR", "k")
	c.Spec = Resolve(c.Args)
	if err := c.Exec(here); err != nil || string(c.Out) != ":1\r\n" {
		t.Fatalf("%q, %v", c.Out, err)
	}
	c.Args = words("set", "k", "0", "nx", "get")
	c.Spec = Resolve(c.Args)
	c.Out, c.Delta = c.Out[:0], c.Delta[:0]
	if _, err := here.Merge([]byte("k"), other.Delta, datastore.MergeOptions{}, nil); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		c.Out, c.Delta = c.Out[:0], c.Delta[:0]
		if err := c.Exec(here); err != nil || c.Wrote || !strings.HasPrefix(string(c.Out), "$") {
			t.Fatalf("%q, %v, wrote %v", c.Out, err, c.Wrote)
		}
	}
}

// TestExec_Deltas_MakeAReplica ships what every command of a random stream
// wrote to a second store, out of order, and compares the two.
func TestExec_Deltas_MakeAReplica(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	g := &generator{rand.New(rand.NewPCG(seed, 1))}
	l, replica := newLocal(t, 2), newStore(t)
	type delta struct{ key, bytes []byte }
	var deltas []delta
	for range 5000 {
		args := words(g.command()...)
		spec := Resolve(args)
		if spec == nil || !spec.Accepts(len(args)) || !spec.Keyed() {
			continue
		}
		for k := range spec.NumKeys(len(args)) {
			part := spec.AppendPart(nil, args, k)
			if spec.Keys == KeyOne {
				part = args
			}
			l.exec(spec, part)
			if l.call.Wrote {
				deltas = append(deltas, delta{part[spec.First], append([]byte(nil), l.call.Delta...)})
			}
		}
	}
	g.Shuffle(len(deltas), func(i, j int) { deltas[i], deltas[j] = deltas[j], deltas[i] })
	for _, d := range deltas {
		if _, err := replica.Merge(d.key, d.bytes, datastore.MergeOptions{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range keys {
		ours, _ := l.store.Digest([]byte(key))
		theirs, _ := replica.Digest([]byte(key))
		if ours != theirs {
			t.Errorf("%q: digests %x and %x", key, ours, theirs)
		}
	}
}

// broken is a store that fails.
type broken struct{ datastore.Store }

var errBroken = errors.New("broken")

func (broken) Read(_ []byte, r datastore.Reader) error { return errBroken }
func (broken) Update(_ []byte, u datastore.Updater, dst []byte) (datastore.Update, error) {
	return datastore.Update{Delta: dst}, errBroken
}

func TestExec_StoreFails_RepliesNothing(t *testing.T) {
	for _, line := range []string{"get k", "set k v"} {
		c := Call{Args: words(strings.Fields(line)...), Out: []byte("+OK\r\n")}
		c.Spec = Resolve(c.Args)
		if err := c.Exec(broken{}); !errors.Is(err, errBroken) || string(c.Out) != "+OK\r\n" || c.Wrote {
			t.Errorf("%s: %q, %v", line, c.Out, err)
		}
	}
}

func TestExec_NoKey_RepliesWithoutAStore(t *testing.T) {
	var c Call
	if reply := run(t, &c, nil, "dbsize"); !strings.HasPrefix(reply, "-ERR") {
		t.Errorf("%q", reply)
	}
}

func TestCombine_Parts_MakeOneReply(t *testing.T) {
	part := func(texts ...string) [][]byte { return words(texts...) }
	for _, test := range []struct {
		join Join
		in   [][]byte
		want string
	}{
		{JoinSum, part(":1\r\n", ":0\r\n", ":1\r\n"), ":2\r\n"},
		{JoinArray, part("*1\r\n$1\r\na\r\n", "*1\r\n$-1\r\n"), "*2\r\n$1\r\na\r\n$-1\r\n"},
		{JoinArray, part("*1\r\n_\r\n"), "*1\r\n_\r\n"},
		{JoinOK, part("+OK\r\n", "+OK\r\n"), "+OK\r\n"},
		{JoinOK, part("+OK\r\n", "-TIMEOUT x\r\n", "-ERR y\r\n"), "-TIMEOUT x\r\n"},
		{JoinSum, part(":1\r\n", "-ERR y\r\n"), "-ERR y\r\n"},
		// What no node of this version answers:
		{JoinArray, part("*1\r\n$1\r\na\r\n", "_\r\n"), "-ERR a node answered with \"_\\r\\n\"\r\n"},
		{JoinArray, part("*2\r\n_\r\n_\r\n"), "-ERR a node answered with \"*2\\r\\n_\\r\\n_\\r\\n\"\r\n"},
		{JoinSum, part(":1\r\n", ":\r\n"), "-ERR a node answered with \":\\r\\n\"\r\n"},
		{JoinSum, part(""), "-ERR a node answered with \"\"\r\n"},
	} {
		if got := string(Combine(nil, test.join, test.in)); got != test.want {
			t.Errorf("%q make %q, want %q", test.in, got, test.want)
		}
	}
}

func TestAppendPart_Words_AreCommandsOfOneKey(t *testing.T) {
	for _, test := range []struct{ line, want string }{
		{"mset a 1 b 2", "[mset a 1] [mset b 2]"},
		{"DEL a b a", "[DEL a] [DEL b] [DEL a]"},
		{"mget a", "[mget a]"},
		{"object encoding k", "[object encoding k]"},
	} {
		args := words(strings.Fields(test.line)...)
		spec := Resolve(args)
		var parts []string
		for k := range spec.NumKeys(len(args)) {
			parts = append(parts, fmt.Sprintf("%s", spec.AppendPart(nil, args, k)))
		}
		if got := strings.Join(parts, " "); got != test.want {
			t.Errorf("%s: %s", test.line, got)
		}
	}
	if mset := Lookup([]byte("mset")); mset.Accepts(4) || !mset.Accepts(5) || mset.Accepts(2) {
		t.Error("MSET wants a value for each key")
	}
}

func TestExec_GetAndSet_AllocateNothing(t *testing.T) {
	s := newStore(t)
	for _, line := range []string{
		"set key some-value", "get key", "set key value ex 100", "del key", "exists key", "expire key 100", "ttl key",
		"mget key", "strlen key",
	} {
		var c Call
		run(t, &c, s, "set key value")
		run(t, &c, s, line)
		allocs := testing.AllocsPerRun(200, func() {
			c.Out, c.Delta = c.Out[:0], c.Delta[:0]
			c.Spec = Lookup(c.Args[0])
			c.Exec(s)
		})
		if allocs != 0 {
			t.Errorf("%s allocates %v times", line, allocs)
		}
	}
}

func BenchmarkExec(b *testing.B) {
	for _, line := range []string{"get key", "set key 0123456789012345678901234567890123456789", "incr counter", "hset hash field value", "hget hash field"} {
		b.Run(strings.Fields(line)[0], func(b *testing.B) {
			s := newStore(b)
			c := Call{Args: words(strings.Fields(line)...)}
			b.ReportAllocs()
			for b.Loop() {
				c.Out, c.Delta = c.Out[:0], c.Delta[:0]
				c.Spec = Resolve(c.Args)
				c.Exec(s)
			}
		})
	}
}

// TestExec_Alone_WritersDoNotHash: a plain string that only one node has is not
// hashed before it is written, and the same is written.
func TestExec_Alone_WritersDoNotHash(t *testing.T) {
	s := newStore(t)
	c := Call{Alone: true}
	run(t, &c, s, "set k v")
	run(t, &c, s, "getset k vw")
	if c.Before != 0 {
		t.Errorf("the record was hashed: %x", c.Before)
	}
	if reply := run(t, &c, s, "get k"); reply != "$2\r\nvw\r\n" {
		t.Errorf("replied %q", reply)
	}
	c.Alone = false
	run(t, &c, s, "set k v")
	if c.Before == 0 {
		t.Error("the record was not hashed for the other copies")
	}
}
