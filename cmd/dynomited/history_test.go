//go:build unix

package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A history knows what a key can hold. One client writes the key, one command
// after the other, so that what was acknowledged leaves no choice. A command
// whose outcome is unknown may have been applied, may be applied later, at any
// time, or never: from then on there are several possibilities, which replies
// narrow down again. A reply that fits none of them is a violation.

// state is what a key holds. It is comparable, so that states form sets.
type state struct {
	exists bool
	value  string // of a string; a hash's fields as encodeFields writes them
	lo, hi int64  // bounds of the expiry in Unix ms; 0, 0 if there is none
}

// span is a time in Unix ms that is known to lie between two.
type span struct{ from, to int64 }

// lenience is how far the server's clock may be from ours. Clocks of one
// machine are the same; a node's logical one may be a little ahead.
const lenience = 250

// at is what s may have become at a time within now: it is gone after its
// expiry.
func (s state) at(now span) []state {
	switch {
	case s.lo == 0 || s.lo > now.to+lenience:
		return []state{s}
	case s.hi+lenience < now.from:
		return []state{{}}
	}
	return []state{s, {}}
}

// operation is a command on one key.
type operation struct {
	verb         string
	field, value string
	n            int64 // increment; or expiry: ms for PX and EXPIRE, Unix ms for PXAT and PEXPIREAT
}

// args is the command as it is sent.
func (o operation) args(key string) []any {
	switch o.verb {
	case "SET":
		return []any{"SET", key, pad(o.value)}
	case "SET PX":
		return []any{"SET", key, pad(o.value), "PX", o.n}
	case "SET PXAT":
		return []any{"SET", key, pad(o.value), "PXAT", o.n}
	case "EXPIRE":
		return []any{"EXPIRE", key, o.n / 1000}
	case "PEXPIREAT", "INCRBY":
		return []any{o.verb, key, o.n}
	case "HSET":
		return []any{"HSET", key, o.field, pad(o.value)}
	case "HDEL":
		return []any{"HDEL", key, o.field}
	}
	return []any{o.verb, key} // DEL, PERSIST, INCR, GET, HGETALL
}

func (o operation) String() string {
	return strings.TrimSpace(fmt.Sprint(o.args("")...))
}

// apply is the command's effect on s, and its reply, if it is executed within
// now.
func (o operation) apply(s state, now span) (state, string) {
	switch o.verb {
	case "SET":
		return state{exists: true, value: o.value}, "OK"
	case "SET PX":
		return state{true, o.value, now.from + o.n, now.to + o.n}, "OK"
	case "SET PXAT":
		return state{true, o.value, o.n, o.n}, "OK"
	case "GET", "HGETALL":
		return s, shown(s)
	case "DEL":
		return state{}, count(s.exists)
	case "EXPIRE", "PEXPIREAT":
		if !s.exists {
			return s, "0"
		}
		if s.lo, s.hi = o.n, o.n; o.verb == "EXPIRE" {
			s.lo, s.hi = now.from+o.n, now.to+o.n
		}
		return s, "1"
	case "PERSIST":
		had := s.lo != 0
		s.lo, s.hi = 0, 0
		return s, count(had)
	case "INCR", "INCRBY":
		by := max(o.n, 1)
		old, _ := strconv.ParseInt(s.value, 10, 64)
		s.exists, s.value = true, strconv.FormatInt(old+by, 10)
		return s, s.value
	}
	fields := decodeFields(s.value)
	_, had := fields[o.field]
	reply := count(!had)
	if o.verb == "HSET" {
		fields[o.field] = o.value
	} else { // HDEL
		reply = count(had)
		delete(fields, o.field)
	}
	if len(fields) == 0 {
		return state{}, reply
	}
	s.exists, s.value = true, encodeFields(fields)
	return s, reply
}

func count(yes bool) string {
	if yes {
		return "1"
	}
	return "0"
}

func shown(s state) string {
	if !s.exists {
		return absent
	}
	return s.value
}

// absent is the reply of GET and HGETALL for a key that does not exist.
const absent = "(nil)"

// history is what one key can hold.
type history struct {
	branches map[branch]bool
	unknown  []unknownOp
	weak     bool // replies tell what the command did, and no more
	log      []string
}

// branch is one possibility: a state, and which of the commands with an
// unknown outcome have been applied on the way to it.
type branch struct {
	state
	applied uint8
}

// unknownOp is a command that may be applied at any time after it was sent.
type unknownOp struct {
	operation
	sent int64
}

// mostUnknown is how many unknown outcomes a key is written with; after that
// the possibilities are too many to check much.
const mostUnknown = 3

func newHistory(weak bool) history {
	return history{branches: map[branch]bool{{}: true}, weak: weak}
}

func (h *history) note(format string, args ...any) {
	const most = 60
	if len(h.log) >= most {
		h.log = slices.Delete(h.log, 1, 2)
	}
	h.log = append(h.log, fmt.Sprintf(format, args...))
}

// acknowledged takes a command's reply.
func (h *history) acknowledged(o operation, reply string, during span) error {
	h.close(during.to) // an unknown one may have been applied since the last reply
	next := map[branch]bool{}
	var expected []string
	for b := range h.branches {
		for _, s := range b.at(during) {
			after, want := o.apply(s, during)
			switch {
			case h.weak:
				// The owner that answered may lack what another one
				// acknowledged before it died: it may find nothing to change.
				if reply == "0" && o.verb != "HSET" {
					after = s
				}
			case want != reply:
				expected = append(expected, want)
				continue
			}
			next[branch{after, b.applied}] = true
		}
	}
	h.note("%s %v -> %s", stamp(during.to), o, abbreviate(reply))
	if len(next) == 0 {
		slices.Sort(expected)
		return fmt.Errorf("%v answered %s; possible was %s", o, abbreviate(reply), abbreviate(strings.Join(slices.Compact(expected), " or ")))
	}
	h.branches = next
	h.close(during.to)
	return nil
}

// unsure takes a command whose outcome is unknown.
func (h *history) unsure(o operation, during span, why string) {
	h.note("%s %v -> unknown (sent %s): %s", stamp(during.to), o, stamp(during.from), why)
	if o.verb == "GET" || o.verb == "HGETALL" {
		return
	}
	h.unknown = append(h.unknown, unknownOp{o, during.from})
	h.close(during.to)
}

// close adds what comes of the unknown commands, in every order, up to now.
func (h *history) close(now int64) {
	open := slices.Collect(maps.Keys(h.branches))
	for len(open) > 0 {
		b := open[len(open)-1]
		open = open[:len(open)-1]
		for i, u := range h.unknown {
			if b.applied&(1<<i) != 0 {
				continue
			}
			during := span{u.sent, now}
			for _, s := range b.at(during) {
				after, _ := u.apply(s, during)
				next := branch{after, b.applied | 1<<i}
				if !h.branches[next] {
					h.branches[next] = true
					open = append(open, next)
				}
			}
		}
	}
}

// certain says that the outcome of every command is known.
func (h *history) certain() bool { return len(h.unknown) == 0 }

// sight is a copy of a key as a node shows it.
type sight struct {
	exists  bool
	value   string
	expires int64 // PEXPIRETIME: Unix ms, -1 none, -2 no key
}

// check says whether the copy, seen within now, is possible.
func (h *history) check(c sight, now span) error {
	h.close(now.to)
	var possible []string
	for b := range h.branches {
		for _, s := range b.at(now) {
			if s.exists == c.exists && s.value == c.value && s.expiresAt(c.expires) {
				return nil
			}
			possible = append(possible, s.String())
		}
	}
	slices.Sort(possible)
	return fmt.Errorf("holds %s; possible is %s", abbreviate(fmt.Sprintf("%+v", c)), strings.Join(slices.Compact(possible), " or "))
}

func (s state) expiresAt(ms int64) bool {
	switch {
	case !s.exists:
		return ms == -2
	case s.lo == 0:
		return ms == -1
	}
	return s.lo-lenience <= ms && ms <= s.hi+lenience
}

func (s state) String() string {
	switch {
	case !s.exists:
		return "nothing"
	case s.lo == 0:
		return abbreviate(s.value)
	}
	return fmt.Sprintf("%s until %s to %s", abbreviate(s.value), stamp(s.lo), stamp(s.hi))
}

func stamp(ms int64) string { return time.UnixMilli(ms).Format("15:04:05.000") }

func abbreviate(s string) string {
	const most = 300
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}

// encodeFields writes fields in the order of their names.
func encodeFields(fields map[string]string) string {
	var b strings.Builder
	for _, f := range slices.Sorted(maps.Keys(fields)) {
		b.WriteString(f + "=" + fields[f] + ";")
	}
	return b.String()
}

func decodeFields(s string) map[string]string {
	fields := map[string]string{}
	for _, part := range strings.Split(s, ";") {
		if f, v, ok := strings.Cut(part, "="); ok {
			fields[f] = v
		}
	}
	return fields
}

// pad makes the value that is stored of the one that histories know: a number
// after a star is the length that it has.
func pad(v string) string {
	name, length, ok := strings.Cut(v, "*")
	if !ok {
		return v
	}
	n, _ := strconv.Atoi(length)
	return v + "|" + strings.Repeat(name+".", n/(len(name)+1))
}

// shorten undoes pad, and shows a value that pad did not make.
func shorten(v string) string {
	short, _, ok := strings.Cut(v, "|")
	if !ok {
		return v
	}
	if pad(short) != v {
		return "damaged:" + v
	}
	return short
}

func TestHistory_AcknowledgedLeavesNoChoice(t *testing.T) {
	h := newHistory(false)
	for _, step := range []struct {
		op    operation
		reply string
	}{
		{operation{verb: "GET"}, absent},
		{operation{verb: "SET", value: "a"}, "OK"},
		{operation{verb: "GET"}, "a"},
		{operation{verb: "PEXPIREAT", n: 1e15}, "1"},
		{operation{verb: "PERSIST"}, "1"},
		{operation{verb: "DEL"}, "1"},
		{operation{verb: "DEL"}, "0"},
		{operation{verb: "INCR"}, "1"},
		{operation{verb: "INCRBY", n: 5}, "6"},
		{operation{verb: "SET PX", value: "b", n: 100}, "OK"},
	} {
		if err := h.acknowledged(step.op, step.reply, span{1e12, 1e12 + 1}); err != nil {
			t.Fatal(err)
		}
		if len(h.branches) != 1 {
			t.Fatalf("after %v: %v", step.op, h.branches)
		}
	}
	for _, bad := range []sight{
		{true, "b", 1e12 + 100},          // it has expired
		{true, "6", -1}, {false, "", -1}, // an old value; a key without a key
	} {
		if h.check(bad, span{1e12 + 1000, 1e12 + 1001}) == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
	if err := h.check(sight{expires: -2}, span{1e12 + 1000, 1e12 + 1001}); err != nil {
		t.Error(err)
	}
	if h.acknowledged(operation{verb: "GET"}, "b", span{1e12 + 1000, 1e12 + 1001}) == nil {
		t.Error("a read of an expired value was taken")
	}
}

func TestHistory_UnknownIsAppliedAnyTimeOrNever(t *testing.T) {
	during := span{1e12, 1e12 + 1}
	h := newHistory(false)
	must := func(o operation, reply string) {
		t.Helper()
		if err := h.acknowledged(o, reply, during); err != nil {
			t.Fatal(err)
		}
	}
	must(operation{verb: "HSET", field: "f", value: "1"}, "1")
	h.unsure(operation{verb: "HSET", field: "g", value: "2"}, during, "")
	must(operation{verb: "HSET", field: "f", value: "3"}, "0")
	for _, fine := range []string{"f=3;", "f=3;g=2;"} {
		if err := h.check(sight{true, fine, -1}, during); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"f=1;", "f=1;g=2;", "g=2;"} {
		if h.check(sight{true, bad, -1}, during) == nil {
			t.Errorf("%s was taken", bad)
		}
	}
	// A deletion that found one field or two says nothing of when; the field
	// may still come.
	must(operation{verb: "DEL"}, "1")
	if err := h.check(sight{true, "g=2;", -1}, during); err != nil {
		t.Error(err)
	}
	// Now it has come, and cannot come again.
	must(operation{verb: "HGETALL"}, "g=2;")
	must(operation{verb: "HDEL", field: "g"}, "1")
	if h.check(sight{true, "g=2;", -1}, during) == nil {
		t.Error("one command was taken to be applied twice")
	}
	// What it sets to expire lives from whenever it is applied.
	h = newHistory(false)
	h.unsure(operation{verb: "SET PX", value: "a", n: 100}, during, "")
	during = span{2e12, 2e12 + 1}
	must(operation{verb: "GET"}, "a")
}

func TestHistory_CountsUnknownIncrementsAsAnInterval(t *testing.T) {
	during := span{1e12, 1e12 + 1}
	h := newHistory(false)
	for i := range 5 {
		if err := h.acknowledged(operation{verb: "INCR"}, strconv.Itoa(i+1), during); err != nil {
			t.Fatal(err)
		}
	}
	h.unsure(operation{verb: "INCR"}, during, "")
	h.unsure(operation{verb: "INCRBY", n: 10}, during, "")
	for v, possible := range map[string]bool{"4": false, "5": true, "6": true, "7": false, "15": true, "16": true, "17": false} {
		if err := h.check(sight{true, v, -1}, during); (err == nil) != possible {
			t.Errorf("%s: %v", v, err)
		}
	}
	// A reply that can only be right if the first was applied settles it.
	if err := h.acknowledged(operation{verb: "INCR"}, "7", during); err != nil {
		t.Fatal(err)
	}
	if h.check(sight{true, "6", -1}, during) == nil || h.check(sight{true, "17", -1}, during) != nil {
		t.Error("the reply narrowed nothing down")
	}
	if h.acknowledged(operation{verb: "INCR"}, "7", during) == nil {
		t.Error("one number was given out twice and taken")
	}
}

func TestHistory_PaddedValuesShowDamage(t *testing.T) {
	v := pad("w1.7*70000")
	if len(v) < 70000 || shorten(v) != "w1.7*70000" {
		t.Errorf("%d bytes become %s", len(v), abbreviate(shorten(v)))
	}
	if got := shorten(v[:len(v)-1]); !strings.HasPrefix(got, "damaged:") {
		t.Errorf("a cut value became %s", got)
	}
}
