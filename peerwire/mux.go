package peerwire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Mux lets several protocols share a listener: it reads the first 4 bytes of
// each connection and hands it to the handler of that [Magic].
type Mux struct {
	listener net.Listener
	timeout  time.Duration
	handlers map[Magic]func(net.Conn)

	accepted, unknown, silent atomic.Uint64

	wg      sync.WaitGroup // Serve, and connections that are being sniffed
	mu      sync.Mutex
	stopped bool
	sniffed map[net.Conn]struct{}
}

// MuxStats counts what a [Mux] did.
type MuxStats struct {
	Accepted uint64 // connections
	Unknown  uint64 // of these, closed because nobody handles their magic
	Silent   uint64 // of these, closed because the magic did not come in time
}

// DefaultSniffTimeout is how long a connection has for its first 4 bytes, a TLS
// handshake included: a SYN that is sent again takes 1 and then 2 seconds.
const DefaultSniffTimeout = 5 * time.Second

// NewMux makes a Mux on l; it owns l from now on. A timeout of 0 means
// [DefaultSniffTimeout]. It starts nothing.
func NewMux(l net.Listener, timeout time.Duration) *Mux {
	if timeout <= 0 {
		timeout = DefaultSniffTimeout
	}
	return &Mux{
		listener: l,
		timeout:  timeout,
		handlers: make(map[Magic]func(net.Conn)),
		sniffed:  make(map[net.Conn]struct{}),
	}
}

// Handle registers the handler of a magic, before Serve. The handler owns the
// connection, which still begins with its 4 bytes; it runs in a goroutine of its
// own and may take as long as it likes. The connection has a method NetConn that
// returns the accepted one, such as a *tls.Conn.
func (m *Mux) Handle(magic Magic, handler func(net.Conn)) { m.handlers[magic] = handler }

// Serve accepts connections until Stop, then returns nil, or until the listener
// fails.
func (m *Mux) Serve() error {
	m.mu.Lock()
	if m.stopped {
		m.mu.Unlock()
		return nil
	}
	m.wg.Add(1)
	m.mu.Unlock()
	defer m.wg.Done()
	for {
		conn, err := m.listener.Accept()
		if err != nil {
			m.mu.Lock()
			stopped := m.stopped
			m.mu.Unlock()
			if stopped {
				return nil
			}
			var ne net.Error
			if errors.As(err, &ne) && ne.Timeout() {
				continue
			}
			if retry(err) {
				// Out of file descriptors, most likely: those in use must end first.
				time.Sleep(acceptPause)
				continue
			}
			return fmt.Errorf("peerwire: accept: %w", err)
		}
		m.accepted.Add(1)
		m.mu.Lock()
		if m.stopped {
			m.mu.Unlock()
			conn.Close()
			return nil
		}
		m.sniffed[conn] = struct{}{}
		m.wg.Add(1)
		m.mu.Unlock()
		go m.sniff(conn)
	}
}

// acceptPause keeps Serve from spinning while the process is out of files.
const acceptPause = 50 * time.Millisecond

// retry reports errors of Accept that pass.
func retry(err error) bool {
	var t interface{ Temporary() bool }
	return errors.As(err, &t) && t.Temporary()
}

// sniff finds the handler of a connection and becomes its goroutine.
func (m *Mux) sniff(conn net.Conn) {
	var magic Magic
	conn.SetReadDeadline(time.Now().Add(m.timeout))
	_, err := io.ReadFull(conn, magic[:])
	if err == nil {
		err = conn.SetReadDeadline(time.Time{})
	}
	handler := m.handlers[magic]
	m.mu.Lock()
	delete(m.sniffed, conn)
	stopped := m.stopped
	m.mu.Unlock()
	m.wg.Done()
	switch {
	case err != nil:
		m.silent.Add(1)
	case handler == nil:
		m.unknown.Add(1)
	case !stopped:
		handler(&replayed{Conn: conn, first: magic[:]})
		return
	}
	conn.Close()
}

// Stats returns the counters.
func (m *Mux) Stats() MuxStats {
	return MuxStats{Accepted: m.accepted.Load(), Unknown: m.unknown.Load(), Silent: m.silent.Load()}
}

// Stop closes the listener and the connections that have not said yet what they
// are for, and waits for Serve. Connections that were handed to a handler are
// the handler's to end: stop the Mux first, then the servers behind it. Twice,
// or without Serve, is fine.
func (m *Mux) Stop(ctx context.Context) error {
	m.mu.Lock()
	m.stopped = true
	for conn := range m.sniffed {
		conn.Close()
	}
	m.mu.Unlock()
	m.listener.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.wg.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// replayed is a connection whose first bytes were read already.
type replayed struct {
	net.Conn
	first []byte
}

// NetConn returns the connection itself.
func (c *replayed) NetConn() net.Conn { return c.Conn }

func (c *replayed) Read(b []byte) (int, error) {
	if len(c.first) > 0 {
		n := copy(b, c.first)
		c.first = c.first[n:]
		return n, nil
	}
	return c.Conn.Read(b)
}
