package oplog

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/dynomite-go/dynomite/node/datastore/disk/disktest"
)

// life runs a log until the disk crashes. It returns what was appended and what
// was committed by then.
func life(t *testing.T, d *disktest.Disk, rng *rand.Rand, policy Policy) (appended, committed map[string]uint64, err error) {
	l, s, _, err := start(d, policy)
	if err != nil {
		return nil, nil, err
	}
	committed = s.clone()
	defer func() { appended = s.clone() }()
	defer l.Close()
	for i := range 40 {
		key := fmt.Sprint("key", rng.IntN(12))
		s.mu.Lock()
		v := s.m[key] + 1
		s.mu.Unlock()
		do(l, s, key, v)
		switch rng.IntN(12) {
		case 0, 1, 2, 3, 4, 5:
			before := s.clone()
			if err := l.Commit(); err != nil {
				return nil, committed, err
			}
			committed = before
		case 6:
			if i > 5 && rng.IntN(3) == 0 {
				if err := l.Rewrite(); err != nil {
					return nil, committed, err
				}
			}
		}
	}
	before := s.clone()
	if err := l.Close(); err != nil {
		return nil, committed, err
	}
	return nil, before, nil
}

// TestLog_Crash_AtEveryOperation crashes at each operation on the disk, by
// SIGKILL and by power failure, several times in a row, and looks that nothing
// committed is lost and nothing appears that was never appended.
func TestLog_Crash_AtEveryOperation(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for _, policy := range []Policy{Always, EverySecond, Never} {
		for _, power := range []bool{false, true} {
			t.Run(fmt.Sprintf("policy %d, power %v", policy, power), func(t *testing.T) {
				crashes := 0
				for at := range 80 {
					rng := rand.New(rand.NewPCG(seed, uint64(at)))
					d := disktest.New(rng)
					floor, ceiling := map[string]uint64{}, map[string]uint64{}
					// The first crash falls on operation at, later ones anywhere.
					for generation := range 3 {
						n := at
						if generation > 0 {
							n = rng.IntN(60)
						}
						d.CrashAfter(n)
						appended, committed, err := life(t, d, rng, policy)
						if err != nil && !errors.Is(err, disktest.ErrCrashed) && !errors.Is(err, ErrClosed) {
							t.Fatalf("crash at %d: %v\n%v", n, err, d)
						}
						if err != nil {
							crashes++
						}
						for k, v := range appended {
							ceiling[k] = max(ceiling[k], v)
						}
						// What a generation found it need not keep, unless its
						// policy says so: after a power failure it may have
						// read what was not durable. Open syncs it, though.
						for k, v := range committed {
							floor[k] = max(floor[k], v)
						}
						d = d.Restart(power)
						if power && policy != Always {
							clear(floor)
						}
						l, s, _, err := start(d, policy)
						if err != nil {
							t.Fatalf("crash at %d, generation %d: Open: %v\n%v", n, generation, err, d)
						}
						got := s.clone()
						l.Close()
						d = d.Restart(false)
						for k, v := range floor {
							if got[k] < v {
								t.Fatalf("crash at %d, generation %d: %s is %d, committed was %d", n, generation, k, got[k], v)
							}
						}
						for k, v := range got {
							if v > ceiling[k] {
								t.Fatalf("crash at %d, generation %d: %s is %d, never appended above %d", n, generation, k, v, ceiling[k])
							}
						}
						floor = got
					}
				}
				if crashes < 60 {
					t.Errorf("only %d crashes happened", crashes)
				}
			})
		}
	}
}

// TestLog_TornTail_IsCutAndReported cuts the last segment at every length.
func TestLog_TornTail_IsCutAndReported(t *testing.T) {
	d := disktest.New(nil)
	l, s, _ := mustStart(t, d, Never)
	ends := map[int64]int{int64(headerSize): 0} // length of the file -> operations in it
	for i := range 8 {
		do(l, s, fmt.Sprint("key", i), uint64(i+1))
		if err := l.Commit(); err != nil {
			t.Fatal(err)
		}
		ends[d.Size(segmentName(1))] = i + 1
	}
	size := d.Size(segmentName(1))
	d = d.Restart(false)
	whole := 8
	for n := size - 1; n >= int64(headerSize); n-- {
		if ops, ok := ends[n+1]; ok {
			whole = ops - 1
		}
		f, err := d.Open(segmentName(1))
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Truncate(n); err != nil {
			t.Fatal(err)
		}
		l, _, report, err := start(d, Never)
		if err != nil {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
		if report.Operations != whole {
			t.Fatalf("cut to %d bytes: %d operations, want %d", n, report.Operations, whole)
		}
		_, clean := ends[n]
		if clean != (report.Cut.Bytes == 0) {
			t.Fatalf("cut to %d bytes: report %+v", n, report)
		}
		l.Close()
		if clean {
			continue
		}
		// What was torn is gone, so that the next operation follows at once.
		if got := d.Size(segmentName(1)); got != report.Cut.Offset {
			t.Fatalf("cut to %d bytes: the file has %d, the report says %d", n, got, report.Cut.Offset)
		}
		if f.Truncate(n) != nil {
			t.Fatal("truncate")
		}
	}
}

func TestLog_AppendsAfterATornTail_AreReplayed(t *testing.T) {
	d := fill(t, 5)
	f, _ := d.Open(segmentName(1))
	if err := f.Truncate(d.Size(segmentName(1)) - 3); err != nil {
		t.Fatal(err)
	}
	l, s, report := mustStart(t, d, Never)
	if report.Operations != 4 || report.Cut.Bytes == 0 {
		t.Fatalf("report %+v", report)
	}
	do(l, s, "later", 9)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_, got, report := mustStart(t, d, Never)
	if report.Operations != 5 || report.Cut.Bytes != 0 || got.m["later"] != 9 {
		t.Fatalf("report %+v, state %v", report, got.m)
	}
}
