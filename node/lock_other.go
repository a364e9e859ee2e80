//go:build !unix

package node

import "os"

// lockFile opens the file; this system offers no lock that ends with the
// process, so two processes on one directory are not noticed.
func lockFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
}
