package respserver

import (
	"net"
	"syscall"
	"time"
	"unsafe"
)

// join finds a loop with room for one more connection, and counts it.
func (s *Server) join() *eventLoop {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return nil
	}
	if len(s.loops) == 0 && s.newLoop() == nil {
		return nil
	}
	now, least := time.Now(), s.loops[0]
	for _, l := range s.loops {
		if l.busyAt(now) < least.busyAt(now) && least.busyAt(now) >= overloaded {
			least = l
		}
	}
	least.size++
	return least
}

// share hands the connection to a loop if that is possible; then it is no
// longer the caller's.
func (c *Conn) share() bool {
	c.calm = 0 // if it fails, not again soon
	if !c.server.cfg.Share || !c.counted || c.readErr != nil || len(c.ahead.buf) > 0 {
		return false
	}
	switch c.net.(type) {
	case *net.TCPConn, *net.UnixConn, *socket:
	default:
		return false
	}
	l := c.server.join()
	if l == nil {
		return false
	}
	c.place.Lock()
	defer c.place.Unlock()
	fd, ok := detach(c.net)
	if !ok {
		c.server.mu.Lock()
		l.size--
		l.ring() // it may have been the last, and is there until mu is free
		c.server.mu.Unlock()
		return false
	}
	c.fd, c.home = fd, l
	c.net = &socket{local: c.local, remote: c.remote}
	l.call(c)
	return true
}

// writeDirect writes what the socket takes at once; 0 if that is nothing.
func (c *Conn) writeDirect(b []byte) int {
	if c.home == nil {
		return c.direct.write(b)
	}
	n, err := writeNow(c.fd, b)
	if err != nil {
		return 0
	}
	return n
}

// readNow and writeNow are read(2) and write(2) on a socket that does not
// block. They take too little time for Go's scheduler to be told.
func readNow(fd int, b []byte) (int, error)  { return call(syscall.SYS_READ, fd, b) }
func writeNow(fd int, b []byte) (int, error) { return call(syscall.SYS_WRITE, fd, b) }

func call(trap uintptr, fd int, b []byte) (int, error) {
	n, _, errno := syscall.RawSyscall(trap, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
