//go:build unix && !race

package offheap

import "syscall"

// Map returns n bytes of zeroed memory. n should be a multiple of the page
// size; the caller gives the same slice to Unmap.
func Map(n int) ([]byte, error) {
	return syscall.Mmap(-1, 0, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
}

// Unmap returns memory from Map to the system. Touching it afterwards ends the
// process.
func Unmap(b []byte) {
	// The only error is a slice that Map did not return: a misuse.
	if err := syscall.Munmap(b); err != nil {
		panic("offheap: unmap of memory that was not mapped: " + err.Error())
	}
}
