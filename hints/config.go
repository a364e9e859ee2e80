package hints

import (
	"errors"
	"fmt"
	"time"
)

// Sync is when a log is synced to the disk, by the names of Redis's appendfsync.
type Sync uint8

const (
	// EverySecond syncs what was written within a second. A hint survives the
	// end of the process at once, and a power failure a second later.
	EverySecond Sync = iota
	// Always syncs in each Commit.
	Always
	// No leaves it to the operating system.
	No
)

// Defaults of Config.
const (
	// DefaultMaxBytes is 256 MiB: some millions of small writes, delivered in
	// seconds on a local network.
	DefaultMaxBytes = 256 << 20
	// DefaultWindow is the three hours that Cassandra keeps hints.
	DefaultWindow = 3 * time.Hour
	// DefaultSegmentBytes is 16 MiB: few files, and little to move when a
	// segment is mostly dead.
	DefaultSegmentBytes = 16 << 20
	// DefaultMaxRecord is 16 MiB; of something larger the range is marked.
	DefaultMaxRecord = 16 << 20
)

// Config says what a Log is. Self is required.
type Config struct {
	// Self is the id of the node that writes. Files of another are refused.
	Self string
	// FS holds the files; nil means Memory.
	FS FS
	// Sync is when Commit syncs.
	Sync Sync
	// Join appends to dst the join of two deltas of key, the older first, so
	// that the log keeps one per key; nil keeps each. An error keeps both. It is
	// called with the log locked: it must not call the log.
	Join func(dst, key, older, newer []byte) ([]byte, error)
	// MaxBytes bounds what is queued for one node, framing included; default
	// DefaultMaxBytes.
	MaxBytes int64
	// Window is how long a delta is kept, and a second at most beyond that; default
	// DefaultWindow, below zero for ever.
	Window time.Duration
	// SegmentBytes is when a new file is begun; default DefaultSegmentBytes.
	SegmentBytes int64
	// MaxRecord bounds one record, framing included; default DefaultMaxRecord.
	MaxRecord int
}

// Validate says what is wrong with the configuration, naming the field.
func (c Config) Validate() error {
	switch {
	case c.Self == "":
		return errors.New("hints: Self is empty")
	case len(c.Self) > maxID:
		return fmt.Errorf("hints: Self has %d bytes, at most %d fit", len(c.Self), maxID)
	case c.Sync > No:
		return fmt.Errorf("hints: Sync is %d, none of the three", c.Sync)
	case c.MaxBytes < 0:
		return fmt.Errorf("hints: MaxBytes is %d, below zero", c.MaxBytes)
	case c.SegmentBytes < 0:
		return fmt.Errorf("hints: SegmentBytes is %d, below zero", c.SegmentBytes)
	case c.MaxRecord < 0 || c.MaxRecord > 1<<30:
		return fmt.Errorf("hints: MaxRecord is %d, not between 0 and 1 GiB", c.MaxRecord)
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.FS == nil {
		c.FS = Memory()
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = DefaultMaxBytes
	}
	if c.Window == 0 {
		c.Window = DefaultWindow
	}
	if c.SegmentBytes == 0 {
		c.SegmentBytes = DefaultSegmentBytes
	}
	if c.MaxRecord == 0 {
		c.MaxRecord = DefaultMaxRecord
	}
	return c
}
