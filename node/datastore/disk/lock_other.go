//go:build !unix || solaris || aix || illumos

package disk

import "os"

// lock does nothing where the standard library has no file locks: two processes
// on one directory are the operator's fault there.
func lock(*os.File) error { return nil }
