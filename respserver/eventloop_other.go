//go:build !linux

package respserver

import "time"

// eventLoop exists on Linux only; here every connection has its goroutine.
type eventLoop struct{ now time.Time }

func (*eventLoop) call(*Conn)    {}
func (*eventLoop) cut(*Conn)     {}
func (*eventLoop) release(*Conn) {}
func (*eventLoop) ring()         {}

func (*Conn) share() bool { return false }
func (*Conn) comeBack()   {}

// Only a loop looks at where a connection is.
const hereNow, awayNow int32 = 0, 1

func (c *Conn) writeDirect(b []byte) int { return c.direct.write(b) }
