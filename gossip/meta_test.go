package gossip

import (
	"bytes"
	"testing"
)

func FuzzDecodeMeta(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{metaVersion})
	f.Add(encodeMeta([]byte("meta"), false))
	f.Add(encodeMeta(nil, true))
	f.Add([]byte{2, 0, 'x'})
	f.Fuzz(func(t *testing.T, b []byte) {
		meta, leaving, err := decodeMeta(b)
		if err != nil {
			if len(b) >= metaHead && b[0] == metaVersion {
				t.Errorf("our own version is refused: %v", err)
			}
			return
		}
		again, leaving2, err := decodeMeta(encodeMeta(meta, leaving))
		if err != nil || leaving2 != leaving || !bytes.Equal(again, meta) {
			t.Errorf("%q, %v became %q, %v, %v", meta, leaving, again, leaving2, err)
		}
	})
}
