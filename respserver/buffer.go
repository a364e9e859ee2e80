package respserver

import "time"

// Sizes of buffers, per connection. An idle connection costs startBuffer and
// what Go takes for a goroutine, at most keepBuffer for each direction if it
// was busy before.
const (
	startBuffer = 4 << 10
	keepBuffer  = 16 << 10
	keepArgs    = 1 << 10  // slices, 24 bytes each
	maxRead     = 64 << 10 // more room makes reads no cheaper
	minRead     = 1 << 10  // less room is not worth a read

	// trimAfter is how long a buffer beyond these sizes stays without
	// being needed, as in Redis.
	trimAfter = 2 * time.Second
)

// usage remembers when a large buffer was last needed.
type usage struct {
	last  int64 // nanoseconds on the connection's clock
	large bool
}

// note records that used of size units were needed.
func (u *usage) note(used, size, keep int, now int64) {
	if size <= keep {
		u.large = false
	} else if !u.large || used > size/4 {
		u.large, u.last = true, now
	}
}

// stale reports that a large buffer is not needed anymore.
func (u *usage) stale(now int64) bool {
	return u.large && now-u.last >= int64(trimAfter)
}

// grow returns b with room for size bytes in all.
func grow(b []byte, size int) []byte {
	larger := make([]byte, len(b), size)
	copy(larger, b)
	return larger
}

// large reports whether a buffer waits to be trimmed.
func (c *Conn) large() bool { return c.queryUse.large || c.outUse.large || c.argsUse.large }

// trim drops large buffers that are not needed anymore. It is called between
// batches: nothing refers to args then.
func (c *Conn) trim(now int64) {
	if c.outUse.stale(now) {
		c.Out, c.outUse.large = nil, false
	}
	if c.argsUse.stale(now) {
		c.args, c.batch, c.argsUse.large = nil, nil, false
		c.parser.spans = append([]span(nil), c.parser.spans...)
	}
	if c.queryUse.stale(now) && c.end-c.start <= keepBuffer/4 {
		in := make([]byte, max(startBuffer, c.end-c.start))
		c.end = copy(in, c.in[c.start:c.end])
		c.in, c.start, c.queryUse.large = in, 0, false
		clear(c.args[:cap(c.args)]) // they point into the old buffer
	}
}

// makeRoom prepares c.in for a read. What waits in it moves to the front when
// that is cheap or necessary. A large argument gets its room by doubling as
// its bytes arrive, never by what its length announces, and at the end no more
// than it needs, so that it is read to its end and no further.
func (c *Conn) makeRoom() {
	if c.in == nil {
		c.in = make([]byte, startBuffer)
	}
	if c.overfull && len(c.in) < maxRead { // a pipeline: read more at once
		in := make([]byte, 2*len(c.in))
		c.end = copy(in, c.in[c.start:c.end])
		c.in, c.start, c.overfull = in, 0, false
	}
	waiting := c.end - c.start
	if c.start > 0 && (waiting < len(c.in)/4 || len(c.in)-c.end < minRead) {
		c.end = copy(c.in, c.in[c.start:c.end])
		c.start = 0
	}
	room, need := len(c.in)-c.end, c.parser.need()
	if room >= minRead || room > 0 && need > 0 && c.start+need <= len(c.in) {
		return
	}
	size := 2 * len(c.in) // start is 0 here
	if need > maxRead {
		size = min(max(size, maxRead), need)
	}
	c.in = grow(c.in[:c.end], size)
	c.in = c.in[:cap(c.in)]
}
