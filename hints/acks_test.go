package hints

import (
	"fmt"
	"testing"
)

// However many records are done with at once, those who read it understand it.
func TestAcks_OfMillionsAtOnce_AreRead(t *testing.T) {
	fs := Memory()
	l, _ := open(t, Config{FS: fs})
	add(t, l, "b", "k1", "x")
	add(t, l, "b", "k2", "y")
	if err := l.Commit(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Next("b", 1); err != nil {
		t.Fatal(err)
	}
	ids := make([]uint64, DefaultMaxRecord/8+1000) // as if there had been so many records
	for i := range ids {
		ids[i] = uint64(i) + 1000
	}
	ids[len(ids)-1] = 1
	l.mu.Lock()
	q := l.queues["b"]
	q.drop(q.byID[1])
	q.settleAcks(ids)
	l.mu.Unlock()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l, rec := open(t, Config{FS: fs})
	if rec.Unclean || rec.Cut+rec.Damaged+len(rec.Refused) > 0 || rec.Records != 1 {
		t.Errorf("%+v", rec)
	}
	wantTexts(t, l, "b", "k2=y")
}

// What was acknowledged in one call, or expired, is written in records of a
// bounded size, and in as many segments as that takes.
func TestAcks_OfManyAtOnce_AreRecordsOfBoundedSize(t *testing.T) {
	fs := Memory()
	cfg := Config{FS: fs, SegmentBytes: maxAcks * 8}
	l, _ := open(t, cfg)
	if err := l.Append("b", 1, []byte("first"), nil); err != nil { // it keeps the rest from being trimmed
		t.Fatal(err)
	}
	const many = 2*maxAcks + 10
	for i := range many {
		add(t, l, "b", fmt.Sprint(i), "")
	}
	rs, err := l.Next("b", 1<<30)
	if err != nil || len(rs) != many+1 {
		t.Fatalf("%d records, %v", len(rs), err)
	}
	var ids []uint64
	for _, r := range rs[1:] {
		ids = append(ids, r.ID)
	}
	before := len(l.queues["b"].segments)
	l.Ack("b", ids...)
	if n := len(l.queues["b"].segments) - before; n < 1 {
		t.Errorf("acks of %d bytes went into one segment, which is full with %d", 8*many, cfg.SegmentBytes)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, e := range entries(t, fs) {
		if n := len(e.acks) / 8; e.kind == kindAcks {
			told += n
			if n > maxAcks {
				t.Errorf("a record of %d acks", n)
			}
		}
	}
	if told != many {
		t.Errorf("%d acks, want %d", told, many)
	}
	l, rec := open(t, cfg)
	if rec.Unclean || rec.Cut+rec.Damaged+len(rec.Refused) > 0 || rec.Records != 1 {
		t.Errorf("%+v", rec)
	}
	wantTexts(t, l, "b", "first=")
}

// entries are what stands in the segments of b, in their order.
func entries(t *testing.T, fs FS) (out []entry) {
	l := newLog(Config{Self: "self", FS: fs}.withDefaults())
	salt := newQueue(l, "b").salt
	for seq := range uint64(100) {
		_, b, err := l.readAll(segmentName("b", seq), 1<<30)
		if err != nil {
			continue
		}
		_, at, err := readHeader(b, "self")
		if err != nil {
			t.Fatal(err)
		}
		for at < len(b) {
			body, size, _, err := unframe(b[at:], salt, len(b))
			if err != nil {
				t.Fatal(err)
			}
			e, err := decode(body)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, e)
			at += size
		}
	}
	return out
}

// Whatever is configured, a reader takes bodies of DefaultMaxRecord and more.
func TestAcks_TheLargestRecordIsFarBelowWhatIsRead(t *testing.T) {
	if size := len(appendAcks(appendFrame(nil), make([]uint64, maxAcks))); size > DefaultMaxRecord/100 || size > DefaultSegmentBytes/100 {
		t.Errorf("acks of %d bytes", size)
	}
}
