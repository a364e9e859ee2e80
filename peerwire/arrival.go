package peerwire

import "time"

// arrival knows since when what a server reads may have waited. A process that
// stood still finds requests in its socket that came any time since it last
// read, and their remaining time is counted from then: else it would execute
// what the client gave up long ago. What is behind the pong to a ping sent after
// that is young again: it left after the ping had come.
type arrival struct {
	stops func() uint64 // see ServerConfig
	seen  uint64        // of these
	last  time.Time     // when the last read returned
	since time.Time     // zero if what is read is young
	ping  uint64        // the last one; its pong ends that
}

func newArrival(stops func() uint64) arrival {
	if stops == nil {
		stops = func() uint64 { return 0 }
	}
	return arrival{stops: stops, seen: stops(), last: time.Now()}
}

// read notes that a read returned, and says whether a ping is to be sent.
func (a *arrival) read(now time.Time) (ask bool) {
	last := a.last
	a.last = now
	stops := a.stops()
	if stops == a.seen {
		return false
	}
	a.seen = stops
	if a.since.IsZero() {
		a.since = last
	}
	a.ping++ // the pong to an older one may have waited as well
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
