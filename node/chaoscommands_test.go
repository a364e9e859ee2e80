package node_test

import (
	"errors"
	"fmt"
	"time"
)

// command does one command, and writes into the book what it says.
func (x *chaos) command() {
	kind := "snh"[x.rng.IntN(3)]
	key := fmt.Sprintf("%c%d", kind, x.rng.IntN(6))
	b := x.books[key]
	if b == nil {
		b = newBook()
		x.books[key] = b
	}
	now := time.Now()
	b.during(now, now)
	if x.rng.IntN(60) == 0 {
		x.flush()
		return
	}
	switch op := x.rng.IntN(10); {
	case op == 0:
		x.del(key, b)
	case op == 1:
		if kind != 'n' && x.skew == nil { // a book has no expiry for counters, and no clock but its own
			x.expire(key, b)
		}
	case op == 2:
		x.read(key, b)
	case kind == 's':
		x.set(key, b)
	case kind == 'n':
		x.incr(key, b)
	case x.rng.IntN(3) == 0:
		x.hdel(key, b)
	default:
		x.hset(key, b)
	}
}

func (x *chaos) flush() {
	start := time.Now()
	_, err := x.try("FLUSHALL")
	if errors.Is(err, errAway) {
		return
	}
	for _, b := range x.books {
		if err == nil {
			b.removed()
			continue
		}
		b.during(start, time.Now())
		b.perhapsRemoved()
	}
}

func (x *chaos) del(key string, b *book) {
	start := time.Now()
	reply, err := x.try("DEL", key)
	if errors.Is(err, errAway) {
		return
	}
	b.during(start, time.Now())
	switch {
	case err != nil:
		b.perhapsRemoved()
	case fmt.Sprint(reply) == "1":
		b.removed()
	default:
		b.gone()
	}
}

// ttl is so short that most keys expire during the history.
func (x *chaos) ttl() time.Duration {
	return time.Duration(500+x.rng.IntN(5000)) * time.Millisecond
}

func (x *chaos) expire(key string, b *book) {
	start, ttl := time.Now(), x.ttl()
	reply, err := x.try("PEXPIRE", key, ttl.Milliseconds())
	if errors.Is(err, errAway) {
		return
	}
	b.during(start, time.Now())
	switch {
	case err != nil:
		b.removal, b.vanish = true, true
	case fmt.Sprint(reply) == "1":
		b.expiryUnsure()
		b.may = append(b.may, start.Add(ttl))
	}
}

func (x *chaos) set(key string, b *book) {
	x.value++
	start, v, ttl := time.Now(), fmt.Sprint("v", x.value), time.Duration(0)
	args := []any{"SET", key, v}
	if x.rng.IntN(4) == 0 && x.skew == nil {
		ttl = x.ttl()
		args = append(args, "PX", ttl.Milliseconds())
	}
	_, err := x.try(args...)
	if errors.Is(err, errAway) {
		return
	}
	if err != nil {
		b.during(start, time.Now())
		b.perhapsWritten("", v)
		b.expiryUnsure()
		if ttl > 0 {
			b.removal, b.vanish = true, true
		}
		return
	}
	b.removed()
	b.written("", v, b.removal)
	switch took := time.Since(start); {
	case ttl == 0:
	case took < 100*time.Millisecond:
		b.expires = start.Add(ttl)
	default: // another try of it may have set it later
		b.may = []time.Time{start.Add(ttl)}
	}
}

func (x *chaos) incr(key string, b *book) {
	reply, err := x.try("INCR", key)
	switch {
	case errors.Is(err, errAway):
	case err != nil:
		b.to++
		b.increments++
	default:
		b.from++
		b.to++
		x.right(key, b.wrongCount(reply))
	}
}

func (x *chaos) anyField() string { return fmt.Sprint("f", x.rng.IntN(4)) }

func (x *chaos) hset(key string, b *book) {
	x.value++
	start, f, v := time.Now(), x.anyField(), fmt.Sprint("v", x.value)
	_, err := x.try("HSET", key, f, v)
	if errors.Is(err, errAway) {
		return
	}
	sure := b.during(start, time.Now())
	if err != nil {
		b.perhapsWritten(f, v)
		return
	}
	b.written(f, v, !sure)
}

func (x *chaos) hdel(key string, b *book) {
	start, f := time.Now(), x.anyField()
	_, err := x.try("HDEL", key, f)
	if errors.Is(err, errAway) {
		return
	}
	b.during(start, time.Now())
	if err != nil {
		b.field(f)[""], b.removal = true, true
		return
	}
	b.fieldGone(f)
}

func (x *chaos) read(key string, b *book) {
	start, f := time.Now(), ""
	args := []any{"GET", key}
	if key[0] == 'h' {
		f = x.anyField()
		args = []any{"HGET", key, f}
	}
	v, err := x.try(args...)
	if err != nil {
		return
	}
	b.during(start, time.Now())
	if key[0] == 'n' {
		x.right(key, b.wrongCount(v))
		return
	}
	x.right(key, b.wrong(f, v))
}
