package gossip

import "fmt"

// What memberlist carries as a node's metadata: a format version, flags, and the
// user's Meta.
const (
	metaVersion = 1
	metaHead    = 2

	// flagLeaving is set just before a node leaves, as [messageLeaving] is
	// sent: memberlist tells its delegates that a node is gone, but not whether
	// it left or failed.
	flagLeaving byte = 1
)

func checkMeta(meta []byte) error {
	if len(meta) > MaxMeta {
		return fmt.Errorf("gossip: Meta has %d bytes, at most %d", len(meta), MaxMeta)
	}
	return nil
}

func encodeMeta(meta []byte, leaving bool) []byte {
	b := make([]byte, metaHead, metaHead+len(meta))
	b[0] = metaVersion
	if leaving {
		b[1] = flagLeaving
	}
	return append(b, meta...)
}

// decodeMeta copies the user's Meta out of b. Flags that are not known are left
// to newer versions.
func decodeMeta(b []byte) (meta []byte, leaving bool, err error) {
	if len(b) < metaHead {
		return nil, false, fmt.Errorf("gossip: metadata of %d bytes", len(b))
	}
	if b[0] != metaVersion {
		return nil, false, fmt.Errorf("gossip: metadata of version %d, known is %d", b[0], metaVersion)
	}
	return append([]byte(nil), b[metaHead:]...), b[1]&flagLeaving != 0, nil
}

// messageLeaving begins the one message of our own: a node's name follows, which
// is about to leave. Others are left to newer versions.
const messageLeaving byte = 1

func encodeLeaving(name string) []byte { return append([]byte{messageLeaving}, name...) }

func decodeLeaving(b []byte) (name string, ok bool) {
	if len(b) < 2 || b[0] != messageLeaving {
		return "", false
	}
	return string(b[1:]), true
}
