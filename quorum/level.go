package quorum

import (
	"fmt"
	"strings"
)

// Level says how many of a key's owners, and where, must answer before a request
// is acknowledged. The zero Level is none of them, so that "not set" can be told.
type Level uint8

const (
	// DCOne needs one owner in the local datacenter.
	DCOne Level = iota + 1
	// DCQuorum needs a majority of the owners in the local datacenter.
	DCQuorum
	// DCSafeQuorum needs as many as DCQuorum; the primary that asks has a term
	// besides, see Level.Safe.
	DCSafeQuorum
	// DCEachSafeQuorum needs a majority of the owners in every datacenter.
	DCEachSafeQuorum
)

var levelNames = [...]string{
	DCOne:            "DC_ONE",
	DCQuorum:         "DC_QUORUM",
	DCSafeQuorum:     "DC_SAFE_QUORUM",
	DCEachSafeQuorum: "DC_EACH_SAFE_QUORUM",
}

// ParseLevel reads a level as String writes it, in any case. The error names the
// text and the levels there are.
func ParseLevel(text string) (Level, error) {
	for level := DCOne; level <= DCEachSafeQuorum; level++ {
		if strings.EqualFold(text, levelNames[level]) {
			return level, nil
		}
	}
	return 0, fmt.Errorf("quorum: no level %q, there are %s", text, strings.Join(levelNames[DCOne:], ", "))
}

// String gives the name that Dynomite's users know, such as DC_QUORUM.
func (l Level) String() string {
	if !l.Valid() {
		return fmt.Sprintf("Level(%d)", uint8(l))
	}
	return levelNames[l]
}

// Valid reports whether the level is one of the four.
func (l Level) Valid() bool { return l >= DCOne && l <= DCEachSafeQuorum }

// Safe reports whether the level asks for more than counting: that the owners
// refuse who does not hold the range's newest term. Counting cannot show that;
// it is the asker's duty.
func (l Level) Safe() bool { return l == DCSafeQuorum || l == DCEachSafeQuorum }

// MarshalText is [Level.String] for encoders; the error is for a level that is
// none of the four.
func (l Level) MarshalText() ([]byte, error) {
	if !l.Valid() {
		return nil, fmt.Errorf("quorum: %v is no level", l)
	}
	return []byte(levelNames[l]), nil
}

// UnmarshalText is [ParseLevel] for decoders; on an error the level keeps its value.
func (l *Level) UnmarshalText(text []byte) error {
	parsed, err := ParseLevel(string(text))
	if err != nil {
		return err
	}
	*l = parsed
	return nil
}
