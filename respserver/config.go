package respserver

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Defaults of Config and Limits. The limits are those of Redis 7:
// proto-max-bulk-len, client-query-buffer-limit, PROTO_INLINE_MAX_SIZE, the
// hard limit of client-output-buffer-limit pubsub, tcp-keepalive.
const (
	defaultMaxArgs   = 1 << 20
	defaultMaxBulk   = 512 << 20
	defaultMaxQuery  = 1 << 30
	defaultMaxOutput = 1 << 30
	defaultMaxPush   = 32 << 20
	defaultMaxInline = 64 << 10

	// defaultMaxBatch keeps the replies of one batch near what a socket
	// takes at once, and its arguments within the processor's cache.
	defaultMaxBatch         = 1024
	defaultWriteTimeout     = 30 * time.Second
	defaultHandshakeTimeout = 10 * time.Second
	defaultKeepAlive        = 300 * time.Second

	// minLine is the shortest MaxInline that still holds every legal
	// length line.
	minLine = 32
)

// Limits bounds what one connection may use. A zero field means its default;
// all are bytes but MaxArgs.
type Limits struct {
	MaxArgs   int // arguments of one request; default 1,048,576
	MaxBulk   int // one argument; default 512 MB
	MaxQuery  int // one request with its framing, and requests read ahead; default 1 GB
	MaxOutput int // Conn.Out at the end of a batch or at Flush; default 1 GB
	MaxPush   int // frames given to Conn.Push and not yet written; default 32 MB
	MaxInline int // a line: an inline request or a length; default 64 KB, at least 32
}

// Config describes a server. Only Handler is required.
type Config struct {
	// Handler executes the requests of all connections.
	Handler Handler
	// Limits bounds each connection.
	Limits Limits
	// RequireAuth makes connections start untrusted: see Conn.Trusted.
	RequireAuth bool
	// IdleTimeout ends a connection that sent nothing for so long. Zero
	// means never. Conn.SetIdleTimeout overrides it.
	IdleTimeout time.Duration
	// WriteTimeout ends a connection whose client takes none of the next
	// 256 KB of its replies for so long (up to a quarter longer). Zero
	// means 30 s, negative means never.
	WriteTimeout time.Duration
	// HandshakeTimeout bounds the handshake of TLS connections. Zero means
	// 10 s, negative means never.
	HandshakeTimeout time.Duration
	// KeepAlive is the idle time before TCP probes, which follow at a third
	// of it, thrice. Zero means 300 s as in Redis, negative leaves
	// connections as the listener made them.
	KeepAlive time.Duration
	// MaxBatch is the largest number of requests in one call of
	// Handler.Serve. Zero means 1024.
	MaxBatch int
	// Share lets plain sockets be served by few goroutines instead of one
	// each, where the system can (Linux); see the package's documentation.
	// In return the handler calls Conn.Alone in Serve before it waits for
	// anything or works for long: what it holds up is not its own
	// connection only.
	Share bool
	// Begin and End, if set, are called around the turns of connections that
	// share a goroutine: Begin before the first Serve of a round, End after
	// the last one, and before a connection waits that called Conn.Alone. So a
	// handler can gather what the requests of many clients make it send
	// elsewhere. Rounds of several goroutines overlap.
	Begin, End func()
	// Logger receives panics, cut off clients and accept errors. Nil
	// means discard.
	Logger *slog.Logger
}

// Validate reports the first field that no server can work with.
func (c Config) Validate() error {
	if c.Handler == nil {
		return errors.New("respserver: Config.Handler is nil")
	}
	for _, f := range []struct {
		name  string
		value int
	}{
		{"Limits.MaxArgs", c.Limits.MaxArgs},
		{"Limits.MaxBulk", c.Limits.MaxBulk},
		{"Limits.MaxQuery", c.Limits.MaxQuery},
		{"Limits.MaxOutput", c.Limits.MaxOutput},
		{"Limits.MaxPush", c.Limits.MaxPush},
		{"Limits.MaxInline", c.Limits.MaxInline},
		{"MaxBatch", c.MaxBatch},
		{"IdleTimeout", int(c.IdleTimeout)},
	} {
		if f.value < 0 {
			return fmt.Errorf("respserver: Config.%s is negative (%d)", f.name, f.value)
		}
	}
	if m := c.Limits.MaxInline; m != 0 && m < minLine {
		return fmt.Errorf("respserver: Config.Limits.MaxInline is %d, need at least %d", m, minLine)
	}
	return nil
}

// withDefaults replaces zero fields.
func (c Config) withDefaults() Config {
	set := func(field *int, value int) {
		if *field == 0 {
			*field = value
		}
	}
	set(&c.Limits.MaxArgs, defaultMaxArgs)
	set(&c.Limits.MaxBulk, defaultMaxBulk)
	set(&c.Limits.MaxQuery, defaultMaxQuery)
	set(&c.Limits.MaxOutput, defaultMaxOutput)
	set(&c.Limits.MaxPush, defaultMaxPush)
	set(&c.Limits.MaxInline, defaultMaxInline)
	set(&c.MaxBatch, defaultMaxBatch)
	wait := func(field *time.Duration, value time.Duration) {
		if *field == 0 {
			*field = value
		}
	}
	wait(&c.WriteTimeout, defaultWriteTimeout)
	wait(&c.HandshakeTimeout, defaultHandshakeTimeout)
	wait(&c.KeepAlive, defaultKeepAlive)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}
