package hints

import (
	"bytes"
	"testing"
)

// FuzzDecode: any bytes are a record or an error, and a record is encoded as
// it was.
func FuzzDecode(f *testing.F) {
	f.Add(appendDelta(nil, 1, 2, 3, []byte("key"), []byte("delta")))
	f.Add(appendBundle(nil, 1, 2, []Range{{3, 4}, {9, 9}}, []byte("bundle")))
	f.Add(appendAcks(nil, []uint64{1, 2}))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := decode(b)
		if err != nil || e.kind == kindAcks || e.kind == kindFiller {
			return
		}
		again, err := decode(encode(e))
		if err != nil || again.id != e.id || !bytes.Equal(again.key, e.key) || !bytes.Equal(again.delta, e.delta) {
			t.Fatalf("%x became %+v, %v", b, again, err)
		}
	})
}

func encode(e entry) []byte {
	if e.kind == kindBundle {
		return appendBundle(nil, e.id, e.at, e.ranges, e.delta)
	}
	return appendDelta(nil, e.id, e.at, e.ranges[0].From, e.key, e.delta)
}

// FuzzOpen: a segment of any bytes neither panics nor is delivered in silence:
// whoever lost something by it is marked, or the stop counts as unclean.
func FuzzOpen(f *testing.F) {
	whole := appendHeader(nil, "self", "b")
	q := newQueue(newLog(Config{Self: "self"}), "b")
	from := len(whole)
	whole = appendDelta(appendFrame(whole), 1, 2, 3, []byte("key"), []byte("delta"))
	rest := append([]byte(nil), whole[from:]...)
	sealFrame(rest, 0, q.salt)
	whole = append(whole[:from], rest...)
	f.Add(whole)
	f.Add(whole[:len(whole)-3])
	f.Add(append(append([]byte(nil), whole...), rest...))
	f.Add(whole[:20])
	f.Fuzz(func(t *testing.T, b []byte) {
		fs := Memory()
		name := segmentName("b", 1)
		file, _ := fs.Create(name)
		file.WriteAt(b, 0)
		l, rec, err := Open(Config{Self: "self", FS: fs, Window: -1})
		if err != nil {
			t.Fatal(err)
		}
		records, err := l.Next("b", 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if len(records) != rec.Records {
			t.Fatalf("%d records were found, %d came", rec.Records, len(records))
		}
		if (rec.Cut > 0 || rec.Damaged > 0 || len(rec.Refused) > 0) && !rec.Unclean && len(l.Dirty("b")) == 0 {
			t.Fatalf("%+v, and nobody is marked", rec)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
