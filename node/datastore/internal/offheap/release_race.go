//go:build race

package offheap

// Returns says whether Release does anything on this system.
const Returns = true

// Release does what the system's would, as far as a program can tell.
func Release(b []byte) bool {
	clear(b)
	return true
}
