package respserver

import (
	"errors"
	"fmt"
	"net"
	"time"
)

// Pauses after a failed accept, as in net/http: without them a process out of
// file descriptors would spin.
const (
	firstPause = 5 * time.Millisecond
	lastPause  = time.Second
)

// Serve accepts connections from l, which it closes at the end, and serves
// each on its own goroutine or, with Config.Share, many on one. It returns nil
// after Stop and an error when l was closed by somebody else or after a stop.
// Errors of single accepts are logged and tried again. A server may serve
// several listeners at a time.
func (s *Server) Serve(l net.Listener) error {
	defer l.Close()
	if !s.enter() {
		return fmt.Errorf("respserver: serve on a stopped server: %w", net.ErrClosed)
	}
	defer s.leave()
	s.mu.Lock()
	s.listeners[l] = struct{}{}
	if s.stopping {
		l.Close()
	}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.listeners, l)
	}()
	pause := firstPause
	for {
		conn, err := l.Accept()
		if err == nil {
			pause = firstPause
			if !s.enter() {
				conn.Close()
				return nil
			}
			go func() {
				c := s.newConn(conn)
				c.counted = true
				c.run()
			}()
			continue
		}
		if s.ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("respserver: accept: %w", err)
		}
		s.log.Warn("accept failed", "addr", l.Addr(), "err", err, "pause", pause)
		if !s.sleep(pause) {
			return nil
		}
		pause = min(2*pause, lastPause)
	}
}

// sleep reports false when the server stops meanwhile.
func (s *Server) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.ctx.Done():
		return false
	}
}
