package peerwire

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// message is what the test knows of one that it put into an outbox.
type message struct {
	id        uint64
	payload   []byte
	place     place
	stream    *stream
	withdrawn bool
}

// TestOutboxInbox_RandomTraffic drives both ends of a direction through random
// puts, withdrawals and writes. Whatever was not withdrawn arrives once and
// whole, whatever was never does, small ones keep their order, and the sender
// never exceeds what the receiver allows.
func TestOutboxInbox_RandomTraffic(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		const maxMessage = 8 * MaxFrame
		out := outbox{maxMessage: maxMessage, stamp: true}
		in := inbox{max: maxMessage}
		var sent []*message
		arrived := make(map[uint64][]byte)
		lastSmall := -1
		write := func() {
			under, ended := len(out.streams), false
			c := out.take(time.Duration(r.IntN(1000)) * time.Second)
			if c == nil {
				return
			}
			if len(c.buf) > 2*chunkBytes+streamFrames*(MaxFrame+firstLen)+100*headerLen {
				t.Fatalf("seed %d: %d bytes in one write", seed, len(c.buf))
			}
			streams := make(map[uint64]int)
			for b := c.buf; len(b) > 0; {
				var f frame
				n, _, err := decodeFrame(b, &f)
				if err != nil || n == 0 {
					t.Fatalf("seed %d: frame: %v", seed, err)
				}
				b = b[n:]
				id := f.id
				switch f.typ {
				case frameVoid:
					continue
				case frameAbort:
					in.drop(id)
					continue
				}
				if f.flags != flagFirst|flagLast {
					streams[id]++
					ended = ended || f.last()
				}
				whole, err := in.add(&f, func(*frame) bool { return true })
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				if !whole {
					continue
				}
				if arrived[id] != nil {
					t.Fatalf("seed %d: message %d arrived twice", seed, id)
				}
				arrived[id] = append([]byte{0}, f.payload...)
				if len(f.payload) <= MaxFrame {
					if int(id) < lastSmall {
						t.Fatalf("seed %d: message %d came after %d", seed, id, lastSmall)
					}
					lastSmall = int(id)
				}
			}
			// Nobody gets two turns while another waits for one.
			if under >= streamFrames && !ended {
				for id, n := range streams {
					if n > 1 {
						t.Fatalf("seed %d: message %d had %d of %d turns, and %d are under way", seed, id, n, streamFrames, under)
					}
				}
			}
			out.written(c)
		}
		for i := range 400 {
			switch k := r.IntN(10); {
			case k < 6:
				m := &message{id: uint64(i), payload: make([]byte, 1+r.IntN(2000))}
				if k < 2 {
					m.payload = make([]byte, MaxFrame+1+r.IntN(maxMessage-MaxFrame))
				}
				m.payload[len(m.payload)-1] = byte(i)
				f := frame{typ: frameRequest, id: m.id}
				due := dueMillis(time.Duration(r.IntN(2)) * time.Hour)
				if len(m.payload) <= MaxFrame {
					m.place = out.putSmall(&f, due, m.payload)
				} else {
					m.stream = out.putStream(f, due, m.payload)
				}
				sent = append(sent, m)
			case k == 6 && len(sent) > 0:
				m := sent[max(0, len(sent)-1-r.IntN(50))]
				if m.withdrawn {
					break
				}
				if m.stream != nil {
					m.withdrawn = out.withdrawStream(m.stream)
				} else {
					m.withdrawn = out.withdraw(m.place)
				}
				if m.withdrawn == (arrived[m.id] != nil) {
					t.Fatalf("seed %d: message %d was withdrawn: %v, arrived: %v", seed, m.id, m.withdrawn, arrived[m.id] != nil)
				}
			case k > 6:
				write()
			}
		}
		for !out.empty() {
			write()
		}
		if out.bytes() != 0 || out.streamTotals != 0 {
			t.Errorf("seed %d: %d bytes and %d of streams are left in an empty outbox", seed, out.bytes(), out.streamTotals)
		}
		if len(in.partial) != 0 || in.totals != 0 {
			t.Errorf("seed %d: %d messages and %d bytes are left in the inbox", seed, len(in.partial), in.totals)
		}
		for _, m := range sent {
			switch got := arrived[m.id]; {
			case m.withdrawn && got != nil:
				t.Errorf("seed %d: message %d was withdrawn and arrived", seed, m.id)
			case !m.withdrawn && (got == nil || !bytes.Equal(got[1:], m.payload)):
				t.Errorf("seed %d: message %d of %d bytes arrived as %d", seed, m.id, len(m.payload), len(got)-1)
			}
		}
	}
}

// TestOutbox_ManyLarge_WithinTheReceiversLimits: very many and very large
// messages wait for their turn.
func TestOutbox_ManyLarge_WithinTheReceiversLimits(t *testing.T) {
	for _, size := range []int{MaxFrame + 1, 40 * MaxFrame} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			const max = 40 * MaxFrame
			out, in := outbox{maxMessage: max}, inbox{max: max}
			payload := make([]byte, size)
			for id := range uint64(200) {
				out.putStream(frame{typ: frameReply, id: id}, 0, payload)
			}
			whole := 0
			for {
				c := out.take(0)
				if c == nil {
					break
				}
				for b := c.buf; len(b) > 0; {
					var f frame
					n, _, err := decodeFrame(b, &f)
					if err != nil {
						t.Fatal(err)
					}
					b = b[n:]
					if f.last() {
						whole++
					}
					ok, err := in.add(&f, func(*frame) bool { return false })
					if err != nil {
						t.Fatal(err)
					}
					if ok {
						t.Fatal("a message that nobody wants came out")
					}
				}
				out.written(c)
			}
			if whole != 200 || len(in.partial) != 0 {
				t.Errorf("%d came, %d are incomplete", whole, len(in.partial))
			}
		})
	}
}
