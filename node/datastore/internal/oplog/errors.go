package oplog

import (
	"errors"
	"fmt"
)

// ErrClosed is returned by the methods of a closed log.
var ErrClosed = errors.New("the log is closed")

var errMissing = errors.New("the file is missing")

// DamageError says that a file of the log is damaged where no crash can have
// torn it.
type DamageError struct {
	// File is the path, Offset where the first bad frame begins.
	File   string
	Offset int64
	// Err is what is wrong there.
	Err error
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("%s is damaged at offset %d: %v; restore the file, or start with salvage to skip what cannot be read, "+
		"or move the directory away and let the other replicas fill an empty one", e.File, e.Offset, e.Err)
}

// Unwrap returns what is wrong.
func (e *DamageError) Unwrap() error { return e.Err }
