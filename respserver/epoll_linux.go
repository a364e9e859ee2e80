package respserver

import (
	"os"
	"syscall"
	"time"
	"unsafe"
)

// epoll is an epoll instance and an eventfd in it, the bell. The instance's
// own descriptor waits in Go's poller while nothing is ready: so a loop that
// sleeps occupies no thread, and one that is busy asks the kernel once per
// round and Go's scheduler never.
type epoll struct {
	fd     int
	bell   int
	file   *os.File
	raw    syscall.RawConn
	try    func(uintptr) bool
	n      int
	events [128]syscall.EpollEvent
}

func newEpoll() (*epoll, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := syscall.SetNonblock(fd, true); err != nil { // or Go would not poll it
		syscall.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	bell, _, errno := syscall.RawSyscall(syscall.SYS_EVENTFD2, 0, syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if errno != 0 {
		syscall.Close(fd)
		return nil, os.NewSyscallError("eventfd2", errno)
	}
	e := &epoll{fd: fd, bell: int(bell), file: os.NewFile(uintptr(fd), "epoll")}
	e.try = func(uintptr) bool { return e.ready() != 0 }
	if e.raw, err = e.file.SyscallConn(); err == nil {
		err = e.add(e.bell)
	}
	if err == nil {
		err = e.file.SetReadDeadline(time.Time{}) // fails when Go cannot poll it
	}
	if err != nil {
		e.close()
		return nil, err
	}
	return e, nil
}

// add lets fd be reported as long as it can be read.
func (e *epoll) add(fd int) error {
	return os.NewSyscallError("epoll_ctl", syscall.EpollCtl(e.fd, syscall.EPOLL_CTL_ADD, fd,
		&syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLRDHUP, Fd: int32(fd)}))
}

func (e *epoll) remove(fd int) {
	_ = syscall.EpollCtl(e.fd, syscall.EPOLL_CTL_DEL, fd, nil)
}

// ready puts what is ready into events and returns how many there are. It does
// not wait, so neither Go's scheduler nor its monitor needs to know of the call.
func (e *epoll) ready() int {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(e.fd),
		uintptr(unsafe.Pointer(&e.events[0])), uintptr(len(e.events)), 0, 0, 0)
	if errno != 0 {
		n = 0
	}
	e.n = int(n)
	return e.n
}

// wait returns when something is ready, or at the deadline of file.
func (e *epoll) wait() int {
	e.n = 0
	_ = e.raw.Read(e.try)
	return e.n
}

// ring makes the bell ready.
func (e *epoll) ring() {
	one := [8]byte{0: 1, 7: 1} // an amount above zero in either byte order
	_, _ = syscall.Write(e.bell, one[:])
}

// hush makes the bell not ready.
func (e *epoll) hush() {
	var b [8]byte
	_, _ = syscall.Read(e.bell, b[:])
}

func (e *epoll) close() {
	e.file.Close()
	syscall.Close(e.bell)
}
