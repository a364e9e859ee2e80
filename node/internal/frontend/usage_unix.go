//go:build unix

package frontend

import (
	"syscall"
	"time"
)

// cpuTime is the processor time of this process.
func cpuTime() (sys, user time.Duration) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, 0
	}
	return time.Duration(u.Stime.Nano()), time.Duration(u.Utime.Nano())
}
