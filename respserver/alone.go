package respserver

// calmBatches is how many batches in a row must have been served without
// waiting before a connection shares a goroutine: so many that moving it,
// some ten system calls, is little beside them.
const calmBatches = 32

// Alone says that Serve is about to wait, or to work for so long that other
// clients would notice: from here on the connection has a goroutine of its own,
// until it has been calm for a while. Call it in Serve before anything of that
// kind; it costs next to nothing when nothing is to be done. Without
// Config.Share it has no effect. Flush and Watch call it when they must.
func (c *Conn) Alone() {
	c.calm = 0
	if c.home != nil {
		c.home.release(c)
	}
}

// serve calls the handler with the batch.
func (c *Conn) serve() { c.server.cfg.Handler.Serve(c, c.batch) }
