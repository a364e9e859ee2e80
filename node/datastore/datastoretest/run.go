package datastoretest

import (
	"hash/fnv"
	"sync/atomic"
	"testing"

	"github.com/dynomite-go/dynomite/node/datastore"
)

// Setup is what a store under test is to be opened with.
type Setup struct {
	// Clock stamps what the store writes, and tells it the time.
	Clock *datastore.Clock
	// Token places keys.
	Token func(key []byte) uint64
	// DigestKey keys the digests.
	DigestKey uint64
}

// Open opens an empty store. The suite closes it.
type Open func(t *testing.T, s Setup) datastore.Store

// Run tests the stores that open returns.
func Run(t *testing.T, open Open) {
	for _, c := range []struct {
		name string
		test func(*testing.T, *bench)
	}{
		{"MissingKey_ShowsNothing", missingKey},
		{"Update_IsShownAndReported", update},
		{"Update_ThatOnlyLooks_WritesNothing", looking},
		{"Update_AppendsToDst", appending},
		{"Update_Panic_LeavesTheStoreUsable", panicking},
		{"Expiry_PassesWithTime", expiry},
		{"Merge_MakesReplicasEqual", converge},
		{"Merge_Repeated_ChangesNothing", repeated},
		{"Merge_Lost_CarriesWhatBeatIt", lost},
		{"Merge_Checked_Differs", differs},
		{"Merge_Malformed_ChangesNothing", malformed},
		{"Merge_RaisesTheClock", raises},
		{"Record_IsADelta", record},
		{"Kinds_AllAreKept", kinds},
		{"Sizes_AllAreKept", sizes},
		{"Scan_IsOrderedAndComplete", scan},
		{"Scan_NeverSplitsEqualTokens", scanEqual},
		{"Scan_Range", scanRange},
		{"ResetRange_KillsItsRangeOnly", resetRange},
		{"MergeReset_LosesToNewerRecords", mergeReset},
		{"Len_CountsWhatExists", length},
		{"Concurrent_IncrementsAddUp", concurrent},
		{"Commit_And_Close", closing},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &bench{t: t, open: open}
			b.wall.Store(1_700_000_000_000)
			c.test(t, b)
		})
	}
}

// bench is what a test works with: stores of several nodes in one time.
type bench struct {
	t    *testing.T
	open Open
	wall atomic.Int64
}

// token gives keys that begin with "=" one token, which others have too.
func token(key []byte) uint64 {
	if len(key) > 0 && key[0] == '=' {
		return 0xab << 50
	}
	h := fnv.New64a()
	h.Write(key)
	x := h.Sum64()
	x ^= x >> 32
	return x * 0xd6e8feb86659fd93
}

// store opens the store of a node.
func (b *bench) store(node uint32) *store {
	clock := datastore.NewClock(node, b.wall.Load)
	s := b.open(b.t, Setup{Clock: clock, Token: token, DigestKey: 0x5eed})
	b.t.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.t.Errorf("Close: %v", err)
		}
	})
	return &store{b.t, s, clock}
}

func (b *bench) pass(ms int64) { b.wall.Add(ms) }
