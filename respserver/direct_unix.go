//go:build unix

package respserver

import (
	"net"
	"syscall"
)

// direct writes to a socket what it takes at once. Most replies fit, and then
// nothing has to stand ready for a client that does not read: no timer to read
// ahead is armed and stopped for each of them.
type direct struct {
	raw  syscall.RawConn // nil where the connection is no plain socket
	call func(fd uintptr) bool
	b    []byte // the arguments of call, made once: a closure per write would be garbage
	n    int
}

// init is for a connection as it was accepted. One that embeds a socket may
// change what is written, to encrypt it perhaps: so the type has to be exact.
func (d *direct) init(conn net.Conn) {
	switch c := conn.(type) {
	case *net.TCPConn:
		d.use(c)
	case *net.UnixConn:
		d.use(c)
	}
}

func (d *direct) use(socket syscall.Conn) {
	raw, err := socket.SyscallConn()
	if err != nil {
		return
	}
	d.raw = raw
	d.call = func(fd uintptr) bool {
		d.n, _ = syscall.Write(int(fd), d.b)
		return true // whatever happened: do not wait
	}
}

// write returns how much of b was written; 0 when that takes waiting, or
// fails, or is not possible here.
func (d *direct) write(b []byte) int {
	if d.raw == nil {
		return 0
	}
	d.b, d.n = b, 0
	err := d.raw.Write(d.call)
	d.b = nil
	if err != nil {
		return 0
	}
	return max(d.n, 0)
}
