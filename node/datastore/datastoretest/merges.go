package datastoretest

import (
	"testing"

	"github.com/dynomite-go/dynomite/node/datastore"
)

func repeated(t *testing.T, b *bench) {
	s, o := b.store(1), b.store(2)
	delta := s.set("k", "v").Delta
	for range 3 {
		if ans := o.merge("k", delta, datastore.MergeOptions{}); !ans.Won || len(ans.Beat) != 0 || ans.Conflict {
			t.Fatalf("%+v", ans)
		}
		o.equal(s, "k")
	}
	add := s.update("n", func(_ *datastore.View, d *datastore.Delta) { d.Add(datastore.String, nil, 3) }).Delta
	for range 3 {
		o.merge("n", add, datastore.MergeOptions{})
	}
	o.wantShows("n", "string 3") // counted once
}

func lost(t *testing.T, b *bench) {
	s, o := b.store(1), b.store(2)
	old := s.set("k", "old")
	b.pass(10)
	newer := o.set("k", "newer")
	ans := o.merge("k", old.Delta, datastore.MergeOptions{})
	if ans.Won || len(ans.Beat) == 0 || ans.Newest.Less(newer.Stamp) {
		t.Fatalf("an older SET: %+v, the newer's stamp is %v", ans, newer.Stamp)
	}
	o.wantShows("k", "string newer")
	// Who lost learns by merging what beat it, and stamps above it.
	if !s.merge("k", ans.Beat, datastore.MergeOptions{}).Won {
		t.Error("what beat the delta did not win")
	}
	s.equal(o, "k")
	again := s.set("k", "again")
	if !newer.Stamp.Less(again.Stamp) || !o.merge("k", again.Delta, datastore.MergeOptions{}).Won {
		t.Errorf("the second try is stamped %v, the newer's stamp is %v", again.Stamp, newer.Stamp)
	}
}

func differs(t *testing.T, b *bench) {
	s, o := b.store(1), b.store(2)
	o.merge("k", s.set("k", "1").Delta, datastore.MergeOptions{})
	up := s.set("k", "2")
	ans := o.merge("k", up.Delta, datastore.MergeOptions{Check: true, Before: up.Before})
	if !ans.Won || ans.Differs || ans.Conflict || len(ans.Beat) != 0 {
		t.Fatalf("the record was what the executor saw: %+v", ans)
	}
	o.set("k", "concurrent")
	b.pass(1)
	up = s.set("k", "3")
	before := o.record("k")
	ans = o.merge("k", up.Delta, datastore.MergeOptions{Check: true, Before: up.Before})
	if !ans.Won || !ans.Differs || !ans.Conflict {
		t.Fatalf("a live value was replaced unseen: %+v", ans)
	}
	x := b.store(3)
	x.merge("k", ans.Beat, datastore.MergeOptions{})
	y := b.store(4)
	y.merge("k", before, datastore.MergeOptions{})
	x.equal(y, "k") // the answer carries the record as it was before
}

func malformed(t *testing.T, b *bench) {
	s := b.store(1)
	delta := s.set("k", "some value").Delta
	digest := s.digest("k")
	for n := range len(delta) {
		for _, bad := range [][]byte{delta[:n], append([]byte{0xff}, delta[:n]...)} {
			if len(bad) > 12 && bad[0] == delta[0] {
				continue // a shorter value
			}
			ans, err := s.s.Merge([]byte("k"), bad, datastore.MergeOptions{}, []byte("dst"))
			if err == nil {
				t.Fatalf("Merge of %x: %+v", bad, ans)
			}
			if _, err := s.s.Merge([]byte("new"), bad, datastore.MergeOptions{}, nil); err == nil {
				t.Fatalf("Merge of %x into nothing: no error", bad)
			}
		}
	}
	if s.digest("k") != digest || s.digest("new") != 0 || s.s.Len() != 1 {
		t.Error("bytes that are no delta changed something")
	}
}

func raises(t *testing.T, b *bench) {
	s, o := b.store(1), b.store(2)
	b.pass(60_000)
	ahead := o.set("k", "ahead")
	b.pass(-60_000) // this node's clock is behind
	s.merge("k", ahead.Delta, datastore.MergeOptions{})
	if up := s.set("k", "later"); !ahead.Stamp.Less(up.Stamp) {
		t.Errorf("stamp %v after %v was seen", up.Stamp, ahead.Stamp)
	}
	s.wantShows("k", "string later")
}
