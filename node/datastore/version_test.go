package datastore

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestVersion_PartsAndText(t *testing.T) {
	v := At(1<<40, 7, 9)
	if v.Millis() != 1<<40 || v.Counter() != 7 || v.Node != 9 || v.String() != "1099511627776.7@9" {
		t.Errorf("%v has parts %d, %d", v, v.Millis(), v.Counter())
	}
	if e := End(5); e != (Version{Time: 5<<16 | 0xffff, Node: math.MaxUint32}) || !At(5, math.MaxUint16, 3).Less(e) || !e.Less(At(6, 0, 0)) {
		t.Errorf("End(5) is %v", e)
	}
	if At(-1, 0, 0) != (Version{}) || End(math.MaxInt64).Millis() != 1<<48-1 || !(Version{}).IsZero() || v.IsZero() {
		t.Error("times out of range are not clipped")
	}
}

func TestVersion_Pred_IsNextBelow(t *testing.T) {
	for _, x := range []struct{ v, want Version }{
		{At(5, 3, 2), At(5, 3, 1)},
		{At(5, 3, 0), At(5, 2, math.MaxUint32)},
		{At(5, 0, 0), End(4)},
		{Version{}, Version{}},
	} {
		if got := x.v.Pred(); got != x.want {
			t.Errorf("Pred(%v) = %v, want %v", x.v, got, x.want)
		}
	}
}

func TestVersion_BytesHaveTheOrderOfVersions(t *testing.T) {
	var vs []Version
	for range 50 {
		vs = append(vs, Version{Time: rand.Uint64() >> rand.IntN(64), Node: rand.Uint32() >> rand.IntN(32)})
	}
	slices.SortFunc(vs, Version.Compare)
	for i := range vs {
		b := vs[i].Append(nil)
		if len(b) != versionSize || loadVersion(b) != vs[i] {
			t.Fatalf("%v encodes to %x", vs[i], b)
		}
		if i == 0 || vs[i] == vs[i-1] {
			continue
		}
		if p := vs[i-1].Append(nil); bytes.Compare(p, b) >= 0 || !vs[i-1].Less(vs[i]) || vs[i].Compare(vs[i-1]) <= 0 {
			t.Errorf("%v and %v", vs[i-1], vs[i])
		}
	}
}

func TestKind_String_IsRedisType(t *testing.T) {
	for k, want := range map[Kind]string{None: "none", String: "string", Hash: "hash", Set: "set", ZSet: "zset", List: "list", 77: "unknown"} {
		if k.String() != want {
			t.Errorf("%d is %s, want %s", k, k, want)
		}
	}
}
