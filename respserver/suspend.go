package respserver

// Suspend says, within Serve, that the replies of this batch come later: the
// connection serves nothing more until Resume is called, once, by whichever
// goroutine has completed Out. So a handler that waits for other nodes keeps
// no goroutine waiting, its own or one that many connections share.
//
// Until Resume, requests and their arguments stay valid, and Out and Data
// belong to whoever is going to call it. Serve hands the batch over as its last
// action: after Suspend it touches nothing of c. Resume may come before Serve
// has returned. Flush may not be called in between. A panic of Serve after
// Suspend ends the connection without waiting for Resume.
func (c *Conn) Suspend() { c.suspended = true }

// Resume gives the connection back after Suspend; the replies in Out are
// written. It does not wait for the client.
func (c *Conn) Resume() {
	if c.met.Add(1) != 2 {
		return // the end of Serve goes on with it
	}
	c.met.Store(0)
	if c.home == nil {
		c.resumed <- struct{}{}
		return
	}
	c.comeBack()
}

// panicked is what met is after a panic: Resume does nothing.
const panicked = 1 << 20

// leave is called at the end of Serve for a suspended connection. It returns
// true if the connection is no longer the caller's, which is a loop's goroutine
// then. Otherwise Resume was called, and the replies are there.
func (c *Conn) leave() bool {
	c.suspended = false
	if !c.whole {
		c.met.Store(panicked)
		return false
	}
	mine := c.home == nil
	if !mine {
		c.where.Store(awayNow)
	}
	if c.met.Add(1) == 2 {
		c.met.Store(0)
		c.where.Store(hereNow)
		return false
	}
	if !mine {
		return true
	}
	<-c.resumed
	return false
}
