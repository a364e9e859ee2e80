//go:build unix && !solaris && !aix && !illumos

package disk

import (
	"fmt"
	"os"
	"syscall"
)

// lock takes the file for this process; the kernel gives it back however the
// process ends.
func lock(f *os.File) error {
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("disk: %s is locked, probably by another process that is running: %w", f.Name(), err)
	}
	return nil
}
