//go:build unix

package peerwire

import (
	"net"
	"syscall"
	"unsafe"
)

// direct writes to a socket what it takes at once, without waking anybody. It
// takes too little time for Go's scheduler to be told of the system call.
type direct struct {
	raw  syscall.RawConn
	call func(fd uintptr) bool
	b    []byte // the arguments of call, made once: a closure per write would be garbage
	n    int
}

// newDirect returns nil where conn is no plain socket.
func newDirect(conn net.Conn) *direct {
	if r, ok := conn.(*replayed); ok {
		conn = r.Conn // it adds to reads only
	}
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	d := &direct{raw: raw}
	d.call = func(fd uintptr) bool {
		n, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, fd,
			uintptr(unsafe.Pointer(unsafe.SliceData(d.b))), uintptr(len(d.b)))
		if errno == 0 {
			d.n = int(n)
		}
		return true // whatever happened: do not wait
	}
	return d
}

// write returns how much of b was written: 0 when that takes waiting, or fails.
func (d *direct) write(b []byte) int {
	d.b, d.n = b, 0
	_ = d.raw.Write(d.call)
	d.b = nil
	return d.n
}
