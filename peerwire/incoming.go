package peerwire

import (
	"sync/atomic"
	"time"
)

// Incoming is a request, or a one-way message, that has arrived.
type Incoming struct {
	// Kind is the application's message type.
	Kind byte
	// OneWay says that no reply is expected; Reply and Refuse do nothing.
	OneWay bool
	// Epoch is the sender's layout.
	Epoch Epoch
	// Deadline is when the sender stops waiting, by this node's clock; zero for
	// never. Time that the message spent on the network is not known and not
	// counted, but for what it waited for us: see [ServerConfig].Stops.
	Deadline time.Time
	// From is the sender's node id.
	From string
	// Payload is valid until Handle returns, unless Retain was called.
	Payload []byte

	id   uint64
	conn *serverConn
	over atomic.Bool
}

// Reply answers the request, copying payload. It may be called from any
// goroutine, during Handle or later; the first Reply or Refuse counts and the
// others do nothing. Every request needs one: until then it occupies memory and
// keeps [Server.Stop] waiting. After the connection is gone it does nothing.
func (in *Incoming) Reply(payload []byte) { in.answer(statusOK, payload) }

// Refuse tells the sender that the request was not executed and will not be: it
// gets [ErrUnavailable] with Sent false and may go elsewhere.
func (in *Incoming) Refuse() { in.answer(statusRefused, nil) }

// Retain makes Payload a copy that stays valid after Handle. Call it within
// Handle only.
func (in *Incoming) Retain() {
	in.Payload = append(make([]byte, 0, len(in.Payload)), in.Payload...)
}

func (in *Incoming) answer(status byte, payload []byte) {
	if in.OneWay || in.over.Swap(true) {
		return
	}
	in.conn.reply(in.id, status, payload)
}
