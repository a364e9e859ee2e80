package command

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "seed of the random commands; 0 means a fresh one")
	countFlag = flag.Int("commands", 50_000, "how many random commands are compared")
)

// TestDifferential_RandomCommands_RepliesEqualRedis runs one random stream of
// commands on a redis-server and on a store of ours.
func TestDifferential_RandomCommands_RepliesEqualRedis(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d (run again with -seed=%d)", seed, seed)
	for proto := 2; proto <= 3; proto++ {
		t.Run(fmt.Sprintf("RESP%d", proto), func(t *testing.T) {
			g := &generator{Rand: rand.New(rand.NewPCG(seed, uint64(proto)))}
			p := newPair(t, proto)
			for i := range *countFlag / 2 {
				if g.IntN(300) == 0 {
					p.lapse(g)
				}
				p.compare(g.command())
				if i%1000 == 999 {
					p.compareAll()
				}
			}
			p.compareAll()
			p.checkVariety()
		})
	}
}

// pair is the two sides of the comparison.
type pair struct {
	t       *testing.T
	redis   *redis
	local   *local
	history [][]string
	drawn   map[string]int // per command
	passed  map[string]int // without an error
}

func newPair(t *testing.T, proto int) *pair {
	p := &pair{
		t: t, redis: startRedis(t), local: newLocal(t, proto),
		drawn: make(map[string]int), passed: make(map[string]int),
	}
	p.redis.do("HELLO", strconv.Itoa(proto))
	return p
}

// compare runs a command on both sides.
func (p *pair) compare(args []string) {
	p.t.Helper()
	p.history = append(p.history, args)
	name := strings.ToLower(args[0])
	p.drawn[name]++
	if name == "hscan" {
		p.compareScan(args)
		return
	}
	want, got := parseReply(p.t, p.redis.do(args...)), parseReply(p.t, p.local.do(args...))
	if want.kind != '-' {
		p.passed[name]++
	}
	switch name {
	case "hkeys", "hvals", "keys":
		want, got = want.sorted(1), got.sorted(1)
	case "hgetall":
		want, got = want.sorted(2), got.sorted(2)
	case "ttl", "expiretime":
		got = near(want, got, 2)
	case "pttl", "pexpiretime":
		got = near(want, got, 2000)
	case "hrandfield":
		p.compareRandom(args, want, got)
		return
	case "object":
		// How Redis holds a value depends on its history; but not whether there
		// is one.
		if want.kind == got.kind && want.null == got.null {
			return
		}
	}
	if want.String() != got.String() {
		p.fail(args, want, got)
	}
}

// near returns want instead of got if both are times and differ by no more than by:
// the two sides look at the clock one after the other.
func near(want, got reply, by int) reply {
	a, errA := strconv.Atoi(want.text)
	b, errB := strconv.Atoi(got.text)
	if errA == nil && errB == nil && a >= 0 && b >= 0 && max(a-b, b-a) <= by {
		return want
	}
	return got
}

// compareScan compares whole walks: the cursors are nobody's business.
func (p *pair) compareScan(args []string) {
	p.t.Helper()
	if len(args) < 3 || args[2] != "0" {
		want, got := parseReply(p.t, p.redis.do(args...)), parseReply(p.t, p.local.do(args...))
		if want.kind == '-' || got.kind == '-' {
			if want.String() != got.String() {
				p.fail(args, want, got)
			}
		}
		return
	}
	want, got := walk(p.t, p.redis.do, args), walk(p.t, p.local.do, args)
	if want != got {
		p.t.Fatalf("%q\nredis: %s\nours:  %s\n%s", args, want, got, p.tail(args))
	}
}

// walk follows the cursor to its end and returns what was seen.
func walk(t *testing.T, do func(...string) []byte, args []string) string {
	args = slices.Clone(args)
	seen := make(map[string]string)
	for {
		r := parseReply(t, do(args...))
		if r.kind == '-' {
			return r.String()
		}
		list := r.list[1].list
		for i := 0; i+1 < len(list); i += 2 {
			seen[list[i].text] = list[i+1].text
		}
		if args[2] = r.list[0].text; args[2] == "0" {
			return fmt.Sprint(seen)
		}
	}
}

// compareRandom compares the shape of a reply of random fields, and whether
// ours are fields of the hash with their values, and different if they must be.
func (p *pair) compareRandom(args []string, want, got reply) {
	p.t.Helper()
	if want.kind == '-' || want.null || want.kind != '*' {
		if want.kind != got.kind || want.null != got.null || want.kind == '-' && want.text != got.text {
			p.fail(args, want, got)
		}
		return
	}
	if got.kind != '*' || len(got.list) != len(want.list) {
		p.fail(args, want, got)
	}
	hash := make(map[string]string)
	all := parseReply(p.t, p.redis.do("HGETALL", args[1])).texts()
	for i := 0; i+1 < len(all); i += 2 {
		hash[all[i]] = all[i+1]
	}
	list := got.list
	if len(args) == 4 && p.local.call.Proto == 3 {
		list = nil
		for _, element := range got.list {
			list = append(list, element.list...)
		}
	}
	step := len(args) - 2
	seen := make(map[string]bool)
	for i := 0; i < len(list); i += step {
		field := list[i].text
		value, ok := hash[field]
		if !ok || step == 2 && list[i+1].text != value || seen[field] && args[2][0] != '-' {
			p.fail(args, want, got)
		}
		seen[field] = true
	}
}

func (p *pair) fail(args []string, want, got reply) {
	p.t.Helper()
	p.t.Fatalf("%q\nredis: %s\nours:  %s\n%s", args, want, got, p.tail(args))
}

// tail is what was done before to the key of a command.
func (p *pair) tail(args []string) string {
	if len(args) < 2 {
		return ""
	}
	var b strings.Builder
	b.WriteString("before:")
	related := slices.DeleteFunc(slices.Clone(p.history), func(past []string) bool {
		return !slices.Contains(past, args[1]) && past[0] != "flushall"
	})
	for _, past := range related[max(0, len(related)-12):] {
		line := fmt.Sprintf("%q", past)
		fmt.Fprintf(&b, "\n\t%.300s", line)
	}
	return b.String()
}

// checkVariety makes sure that the comparison was not one of errors.
func (p *pair) checkVariety() {
	p.t.Helper()
	drawn, passed := 0, 0
	for name, n := range p.drawn {
		if name == "nosuch" || name == "client" || name == "hscan" {
			continue
		}
		drawn, passed = drawn+n, passed+p.passed[name]
		if n >= 100 && p.passed[name] < n/20 {
			p.t.Errorf("%s replied an error %d times of %d", name, n-p.passed[name], n)
		}
	}
	if passed < drawn/2 {
		p.t.Errorf("of %d commands %d replied an error", drawn, drawn-passed)
	}
}

// lapse lets a key expire on both sides and waits until it has.
func (p *pair) lapse(g *generator) {
	key := g.key()
	p.compare([]string{"PEXPIRE", key, "1"})
	for {
		want, got := p.redis.do("EXISTS", key), p.local.do("EXISTS", key)
		if string(want) == ":0\r\n" && string(got) == ":0\r\n" {
			return
		}
	}
}

// compareAll compares everything that is there.
func (p *pair) compareAll() {
	p.t.Helper()
	p.compare([]string{"KEYS", "*"})
	for _, key := range keys {
		p.compare([]string{"TYPE", key})
		p.compare([]string{"PEXPIRETIME", key})
		p.compare([]string{"GET", key})
		p.compare([]string{"HGETALL", key})
	}
	if len(p.history) > 20_000 {
		p.history = slices.Clone(p.history[len(p.history)-10_000:])
	}
}
