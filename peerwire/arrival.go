package peerwire

import "time"

// arrival knows since when what a server reads may have waited. A process that
// stood still finds requests in its socket that came any time since it last
// read, and their remaining time is counted from then: else it would execute
// what the client gave up long ago. The pings of a client make it read often, so
// a long time between two reads gives it away. What is behind the pong to a ping
// sent after that is young again: it left after the ping had come.
type arrival struct {
	limit time.Duration // between two reads
	last  time.Time     // when the last one returned
	since time.Time     // zero if what is read is young
	ping  uint64        // whose pong ends that
}

// read notes that a read returned, and says whether a ping is to be sent.
func (a *arrival) read(now time.Time) (ask bool) {
	last := a.last
	a.last = now
	if !a.since.IsZero() || last.IsZero() || now.Sub(last) <= a.limit {
		return false
	}
	a.since = last
	a.ping++
	return true
}

func (a *arrival) pong(id uint64) {
	if id == a.ping {
		a.since = time.Time{}
	}
}

// at is the earliest time at which what is read now may have come.
func (a *arrival) at() time.Time {
	if a.since.IsZero() {
		return a.last
	}
	return a.since
}
