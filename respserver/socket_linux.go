package respserver

import (
	"net"
	"os"
	"syscall"
)

// socket is a connection that is or was in a loop: a descriptor that package
// net knows nothing of. In the loop File is nil.
type socket struct {
	*os.File
	local, remote net.Addr
}

func (s *socket) LocalAddr() net.Addr  { return s.local }
func (s *socket) RemoteAddr() net.Addr { return s.remote }

// CloseWrite ends what the client reads.
func (s *socket) CloseWrite() error {
	raw, err := s.SyscallConn()
	if err != nil {
		return err
	}
	var cause error
	err = raw.Control(func(fd uintptr) { cause = syscall.Shutdown(int(fd), syscall.SHUT_WR) })
	if err == nil {
		err = os.NewSyscallError("shutdown", cause)
	}
	return err
}

// detach takes the descriptor of a connection away from Go's poller, which
// would wake up for it. conn is closed, the descriptor stays.
func detach(conn net.Conn) (fd int, ok bool) {
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return 0, false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return 0, false
	}
	err = raw.Control(func(old uintptr) {
		n, _, errno := syscall.RawSyscall(syscall.SYS_FCNTL, old, syscall.F_DUPFD_CLOEXEC, 0)
		fd, ok = int(n), errno == 0
	})
	if err != nil || !ok {
		return 0, false
	}
	conn.Close()
	return fd, true
}
