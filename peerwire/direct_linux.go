package peerwire

import (
	"io"
	"net"
	"os"
	"syscall"
	"unsafe"
)

// direct reads from a socket, and writes to it what it takes at once without
// waking anybody. The system calls take too little time for Go's scheduler to be
// told of them. One goroutine may read while another one writes.
type direct struct {
	raw syscall.RawConn
	in  transfer
	out transfer
}

// transfer is one direction: a system call and its arguments, made once, for a
// closure per call would be garbage.
type transfer struct {
	call  func(fd uintptr) bool
	b     []byte
	n     int
	errno syscall.Errno
}

func (t *transfer) do(trap, fd uintptr) {
	n, _, errno := syscall.RawSyscall(trap, fd, uintptr(unsafe.Pointer(unsafe.SliceData(t.b))), uintptr(len(t.b)))
	if t.errno = errno; errno == 0 {
		t.n = int(n)
	}
}

// newDirect returns nil where conn is no plain socket. One that embeds a socket
// may change what is read and written, to encrypt it perhaps: so the type has to
// be exact.
func newDirect(conn net.Conn) *direct {
	if r, ok := conn.(*replayed); ok {
		conn = r.Conn // it adds to reads only
	}
	var raw syscall.RawConn
	var err error
	switch c := conn.(type) {
	case *net.TCPConn:
		raw, err = c.SyscallConn()
	case *net.UnixConn:
		raw, err = c.SyscallConn()
	}
	if raw == nil || err != nil {
		return nil
	}
	d := &direct{raw: raw}
	d.out.call = func(fd uintptr) bool {
		d.out.do(syscall.SYS_WRITE, fd)
		return true // whatever happened: do not wait
	}
	d.in.call = func(fd uintptr) bool {
		for {
			d.in.do(syscall.SYS_READ, fd)
			switch d.in.errno {
			case syscall.EINTR:
			case syscall.EAGAIN:
				return false // wait
			default:
				return true
			}
		}
	}
	return d
}

// write returns how much of b was written: 0 when that takes waiting, or fails.
func (d *direct) write(b []byte) int {
	d.out.b, d.out.n = b, 0
	_ = d.raw.Write(d.out.call)
	d.out.b = nil
	return d.out.n
}

// Read waits for something to read, as the connection's own Read does.
func (d *direct) Read(b []byte) (int, error) {
	d.in.b, d.in.n = b, 0
	err := d.raw.Read(d.in.call)
	d.in.b = nil
	switch {
	case err != nil:
		return 0, err
	case d.in.errno != 0:
		return 0, os.NewSyscallError("read", d.in.errno)
	case d.in.n == 0 && len(b) > 0:
		return 0, io.EOF
	}
	return d.in.n, nil
}

// reader is what is read from once the prefaces are exchanged.
func reader(conn net.Conn, d *direct) io.Reader {
	if d == nil {
		return conn
	}
	return d
}
