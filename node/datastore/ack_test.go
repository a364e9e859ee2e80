package datastore

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// quorum is three replicas, of which any two are a majority. Whoever
// coordinates a command has one other replica answer it, and executes again
// what did not win.
type quorum struct {
	t   *testing.T
	rng *rand.Rand
	rs  []*replica
	log []string
}

func newQuorum(t *testing.T, rng *rand.Rand, f form, skew int64) *quorum {
	q := &quorum{t: t, rng: rng}
	for i := range 3 {
		q.rs = append(q.rs, newReplica(t, f, uint32(i+1), rng.Int64N(2*skew+1)-skew))
	}
	return q
}

// other is a replica that is not q.rs[i].
func (q *quorum) other(i int) *replica { return q.rs[(i+1+q.rng.IntN(2))%3] }

func blind(c oCommand) bool {
	return c.op == "SET" || c.op == "SETEX" || c.op == "DEL" || c.op == "STORE"
}

// do runs a command until a majority has it. Commands that look before they
// write join a majority's records first.
func (q *quorum) do(wall int64, c oCommand) (v Version, reply string) {
	q.t.Helper()
	i := q.rng.IntN(3)
	r := q.rs[i]
	c = c.concrete(r.now(wall))
	if !blind(c) {
		r.merge(q.other(i).whole())
	}
	o := q.other(i)
	for range 5 {
		digest := r.h.digest()
		var d *odelta
		if c.op == "DEL" {
			// Deletes nothing that it would have to see.
			v, d = r.delete(wall)
		} else {
			v, reply, d = r.do(wall, c)
		}
		q.log = append(q.log, fmt.Sprintf("%v on %d acknowledged by %d: %v %s", v, i+1, o.h.e.clock.Node(), c, reply))
		if d == nil {
			return v, reply
		}
		before := o.whole()
		was := o.h.digest()
		ans := o.mergeChecked(d, digest)
		if ans.Differs != (was != digest && string(before.b) != string(d.b)) {
			q.t.Fatalf("Differs is %v; the digests are %x and %x", ans.Differs, was, digest)
		}
		if ans.Conflict && !ans.Differs {
			q.t.Fatal("Conflict without Differs")
		}
		if ans.Newest.Compare(oMax(o.o.versions()...)) < 0 || ans.Newest.Compare(v) < 0 {
			q.t.Fatalf("Newest is %v, held is %s", ans.Newest, o.o.text())
		}
		if ans.Won && !ans.Differs {
			if len(ans.Beat) > 0 {
				q.t.Fatal("nothing beat it, but something is said to have")
			}
			return v, reply
		}
		r.h.e.clock.Observe(ans.Newest)
		if len(ans.Beat) > 0 {
			r.merge(&odelta{o: decodeORec(q.t, ans.Beat), b: ans.Beat})
		}
		if ans.Differs {
			// The record as it was is all there.
			if got, want := r.o.text(), oJoin(r.o, before.o).text(); got != want {
				q.t.Fatalf("joined what differs\n got %s\nwant %s", got, want)
			}
		}
		if ans.Won {
			return v, reply
		}
		// If the delta still stands next to what is said to have beaten it,
		// then it was not beaten: the owner lacks something. It gets it.
		if r.merge(d).Won {
			o.merge(r.whole())
			return v, reply
		}
	}
	q.t.Fatalf("%v is beaten again and again\n%v", c, q.log)
	return v, reply
}

// delete writes a reset whether or not there is something to delete.
func (r *replica) delete(wall int64) (Version, *odelta) {
	r.wall = wall
	up := r.h.update(deleter{})
	o := newORec()
	o.reset, o.rs = up.Stamp, up.Stamp
	r.o = oJoin(r.o, o)
	r.compare()
	return up.Stamp, &odelta{o: o, b: slices.Clone(up.Delta)}
}

type deleter struct{}

func (deleter) Update(_ *View, d *Delta) { d.Delete() }

// mergeChecked merges with a digest to compare.
func (r *replica) mergeChecked(d *odelta, digest uint64) Answer {
	r.t.Helper()
	r.o = oJoin(r.o, d.o)
	ans := r.h.merge(d.b, MergeOptions{Check: true, Before: digest})
	r.compare()
	return ans
}

// read joins what two replicas hold.
func (q *quorum) read() *oRec {
	i := q.rng.IntN(3)
	return oJoin(q.rs[i].o, q.other(i).o)
}

// TestAnswer_MajorityWon_NextMajorityShowsIt compares commands that majorities
// acknowledge, one after the other, with a Redis. With skewed clocks there
// are no expiries: no two nodes agree on when one has passed.
func TestAnswer_MajorityWon_NextMajorityShowsIt(t *testing.T) {
	plain := []oCommand{
		{op: "SET", val: "5"},
		{op: "SET", val: "x"},
		{op: "DEL"},
		{op: "INCRBY", by: 1},
		{op: "INCRBY", by: 4},
		{op: "EDIT", val: "8"},
		{op: "HSET", key: "f", val: "1"},
		{op: "HSET", key: "g", val: "b"},
		{op: "HDEL", key: "f"},
		{op: "HINCRBY", key: "f", by: 2},
		{op: "HMSET", key: "h", val: "3", by: 4},
		{op: "HDEL", key: "h1"},
		{op: "STORE", key: "f", val: "2", by: 4},
		{op: "SADD", key: "a"},
		{op: "SADD", key: "b"},
		{op: "SREM", key: "a"},
		{op: "RPUSH", key: "p"},
		{op: "LPUSH", key: "q"},
		{op: "LPOP"},
		{op: "RPOP"},
		{op: "LSET", val: "z"},
		{op: "LREM", key: "p"},
	}
	expiring := slices.Concat(plain, []oCommand{
		{op: "EXP", by: 2}, {op: "EXP", by: 5}, {op: "EXP", by: 3, val: "v"}, {op: "EXP", by: -1}, {op: "PERSIST"}, {op: "SETK", val: "k"},
	})
	for _, f := range forms {
		t.Run(f.String()+"/skewed and expiring", func(t *testing.T) {
			seeded(t, 80*time.Millisecond, func(t *testing.T, rng *rand.Rand) {
				q, wall := newQuorum(t, rng, f, 3), int64(10)
				for range 2 + rng.IntN(6) {
					wall += 1 + pick(rng, steps)
					c := pick(rng, expiring)
					v, reply := q.do(wall, c)
					if r := q.read().at(v.Millis()); !shows(r, c, reply) {
						t.Fatalf("after %v at %v, replied %q, a majority shows %s\n%v", c, v, reply, r.text(), q.log)
					}
				}
			})
		})
		for _, x := range []struct {
			name string
			menu []oCommand
			skew int64
		}{{"skewed", plain, 3}, {"expiring", expiring, 0}} {
			t.Run(f.String()+"/"+x.name, func(t *testing.T) {
				seeded(t, 150*time.Millisecond, func(t *testing.T, rng *rand.Rand) {
					q, redis := newQuorum(t, rng, f, x.skew), &oRedis{}
					m := pick(rng, [][]oCommand{x.menu, x.menu[:6], slices.Concat(x.menu[5:13], x.menu[22:]), slices.Concat(x.menu[16:], x.menu[:3])})
					wall := int64(10)
					for range 2 + rng.IntN(6) {
						wall += 1 + pick(rng, steps)
						c := pick(rng, m)
						v, reply := q.do(wall, c)
						want := redis.do(v.Millis(), c.concrete(wall))
						if !blind(c) && reply != want {
							t.Fatalf("%v replied %q, Redis %q\n%v", c, reply, want, q.log)
						}
						if got, want := q.read().view(v.Millis()), redis.view(v.Millis()); got != want {
							t.Fatalf("after %v at %v a majority shows %s, Redis %s\n%v", c, v, got, want, q.log)
						}
					}
				})
			})
		}
	}
}

// shows says whether the effect of a command is seen.
func shows(r *oRec, c oCommand, reply string) bool {
	num := func(k Kind, f string) string {
		val, ok := r.num(k, f)
		if r.kind() != k || !ok {
			return "absent"
		}
		return val
	}
	if reply == oWrongType || reply == "ERR" {
		return true
	}
	switch c.op {
	case "SET", "SETK", "EDIT":
		return num(String, "") == c.val
	case "DEL":
		return r.kind() == None
	case "INCRBY":
		return num(String, "") == reply
	case "HINCRBY":
		return num(Hash, c.key) == reply
	case "HSET", "STORE":
		return num(Hash, c.key) == c.val
	case "HMSET":
		return num(Hash, c.key+"0") == c.val
	case "HDEL":
		return num(Hash, c.key) == "absent"
	case "SREM":
		return num(Set, c.key) == "absent"
	case "SADD":
		return num(Set, c.key) == ""
	case "RPUSH", "LPUSH":
		return slices.ContainsFunc(r.order(), func(id Version) bool { return r.el[id].val == c.key })
	case "PERSIST":
		return r.kind() == None || r.expAt == 0
	}
	return true
}
