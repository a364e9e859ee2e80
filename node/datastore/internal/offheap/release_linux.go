//go:build linux && !race

package offheap

import "syscall"

// Returns says whether Release does anything on this system.
const Returns = true

// Release tells the system that the contents of b, whole pages of memory from
// Map, are not needed. The memory stays mapped and reads as zeros when it is
// touched again. It says whether the system took the pages back.
func Release(b []byte) bool {
	return syscall.Madvise(b, syscall.MADV_DONTNEED) == nil
}
