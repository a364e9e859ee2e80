package oplog

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/dynomite-go/dynomite/node/datastore/disk/disktest"
)

// segments makes a closed log of a snapshot and one segment after it, and keeps
// the segment that the snapshot covers if asked.
func segments(t *testing.T) *disktest.Disk {
	t.Helper()
	d := disktest.New(nil)
	l, s, _ := mustStart(t, d, Always)
	for i := range 20 {
		do(l, s, fmt.Sprint("key", i), uint64(i))
		if i == 10 {
			if err := l.Rewrite(); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestLog_DamageInTheMiddle_IsRefusedWithFileAndOffset(t *testing.T) {
	for _, c := range []struct {
		name string
		file string
		off  int64
	}{
		{"before a mark", segmentName(2), int64(headerSize) + 30},
		{"segment's header", segmentName(2), 20},
		{"snapshot", dir + "/0000000000000001.snap", int64(headerSize) + 40},
		{"snapshot's header", dir + "/0000000000000001.snap", 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := segments(t)
			d.Corrupt(c.file, c.off)
			_, _, _, err := start(d, Always)
			var damage *DamageError
			if !errors.As(err, &damage) {
				t.Fatalf("Open: %v", err)
			}
			if damage.File != c.file || damage.Offset > c.off {
				t.Errorf("damage at %s %d, want %s %d or a little less", damage.File, damage.Offset, c.file, c.off)
			}
			if !strings.Contains(err.Error(), c.file) || !strings.Contains(err.Error(), "salvage") {
				t.Errorf("the error does not say what to do: %v", err)
			}
			// The lock was given back, and salvage gets in, headers excepted.
			_, s, report, err := start(d, Always, salvage)
			if strings.Contains(c.name, "header") {
				if err == nil {
					t.Error("salvage read a file without a header")
				}
				return
			}
			if err != nil {
				t.Fatalf("salvage: %v", err)
			}
			if len(report.Skipped) != 1 || report.Skipped[0].File != c.file || len(s.m) < 18 {
				t.Errorf("salvage: %d keys, report %+v", len(s.m), report)
			}
		})
	}
}

func TestLog_DamageAtTheEnd_IsTakenForATornTail(t *testing.T) {
	d := segments(t)
	d.Corrupt(segmentName(2), d.Size(segmentName(2))-1)
	_, _, report := mustStart(t, d, Always)
	if report.Cut.Bytes == 0 {
		t.Fatalf("report %+v", report)
	}
}

func TestLog_NewerFormat_IsRefused(t *testing.T) {
	d := segments(t)
	f, err := d.Open(segmentName(2))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{99}, int64(len(magic))); err != nil {
		t.Fatal(err)
	}
	_, _, _, err = start(d, Always, salvage)
	if err == nil || !strings.Contains(err.Error(), "newer version") || !strings.Contains(err.Error(), segmentName(2)) {
		t.Fatalf("Open: %v", err)
	}
}

func TestLog_MissingSegment_IsRefused(t *testing.T) {
	d := segments(t)
	if err := d.Remove(segmentName(2)); err != nil {
		t.Fatal(err)
	}
	_, _, _, err := start(d, Always)
	var damage *DamageError
	if !errors.As(err, &damage) || damage.File != segmentName(2) {
		t.Fatalf("Open: %v", err)
	}
}

func TestLog_ShortenedEarlierSegment_IsRefused(t *testing.T) {
	d := disktest.New(nil)
	l, s, _ := mustStart(t, d, Always)
	for i := range 10 {
		do(l, s, fmt.Sprint("key", i), 1)
		if err := l.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	// The snapshot does not come about, so both segments stay.
	d.Fail(func(op disktest.Op) error {
		if strings.HasSuffix(op.Name, ".snap.tmp") {
			return errors.New("no snapshot")
		}
		return nil
	})
	if err := l.Rewrite(); err == nil {
		t.Fatal("the rewrite succeeded")
	}
	do(l, s, "later", 1)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	d.Fail(nil)
	_, got, _ := mustStart(t, d.Restart(false), Always)
	if len(got.m) != 11 {
		t.Fatalf("replayed %v", got.m)
	}

	d = d.Restart(false)
	f, _ := d.Open(segmentName(1))
	// Cut a whole frame off: what is left reads well.
	first, _ := frameAt(t, f, int64(headerSize))
	if err := f.Truncate(int64(headerSize) + first); err != nil {
		t.Fatal(err)
	}
	_, _, _, err := start(d, Always)
	var damage *DamageError
	if !errors.As(err, &damage) || damage.File != segmentName(1) {
		t.Fatalf("Open: %v", err)
	}
}

func frameAt(t *testing.T, f interface {
	ReadAt([]byte, int64) (int, error)
}, off int64,
) (int64, []byte) {
	t.Helper()
	var head [frameHead]byte
	if _, err := f.ReadAt(head[:], off); err != nil {
		t.Fatal(err)
	}
	n, err := frameSize(head[:])
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, n)
	if _, err := f.ReadAt(b, off); err != nil {
		t.Fatal(err)
	}
	return int64(n), b
}

func FuzzReplay(f *testing.F) {
	d := disktest.New(nil)
	l, s, _, err := start(d, Always)
	if err != nil {
		f.Fatal(err)
	}
	for i := range 4 {
		do(l, s, fmt.Sprint("key", i), uint64(i))
		if err := l.Commit(); err != nil {
			f.Fatal(err)
		}
	}
	l.Close()
	h, _ := d.Open(segmentName(1))
	seed := make([]byte, d.Size(segmentName(1)))
	h.ReadAt(seed, 0)
	f.Add(seed)
	f.Add(seed[:len(seed)-3])
	f.Add(seed[:headerSize])
	f.Add([]byte{})
	f.Add(append(seed[:headerSize:headerSize], 0, 0, 0, 0x7f, 0, 0, 0, 0))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, change := range [][]func(*Config){nil, {salvage}} {
			d := disktest.New(nil)
			w, err := d.Create(segmentName(1))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.WriteAt(data, 0); err != nil {
				t.Fatal(err)
			}
			// Any bytes give a log or an error, and what gives a log once gives
			// the same again.
			l, s, _, err := start(d, Never, change...)
			if err != nil {
				continue
			}
			l.Close()
			l2, s2, report, err := start(d.Restart(false), Never, change...)
			if err != nil || len(s2.m) != len(s.m) || report.Cut.Bytes != 0 {
				t.Fatalf("second start: %v, %d keys after %d, report %+v", err, len(s2.m), len(s.m), report)
			}
			l2.Close()
		}
	})
}
