package respserver

import "testing"

// A connection that comes back cannot end, and its loop with it, before it has
// rung: the bell's descriptor may be somebody else's then.
func TestComeBack_TheLoopStaysUntilItIsCalled(t *testing.T) {
	h := newHeld()
	_, addr := start(t, Config{Share: true, Handler: hooks{serve: h.serve}})
	c := dial(t, addr)
	warmUp(t, c)
	send(t, c, request("wait"))
	conn := <-h.came
	l := conn.home
	if l == nil {
		t.Fatal("the connection is not in a loop")
	}
	waitFor(t, func() bool { return conn.met.Load() == 1 }) // Serve has returned
	l.mu.Lock()                                             // so that the call has not ended yet
	large := string(AppendBulk(nil, make([]byte, writeChunk)))
	h.do <- func(c *Conn) {
		c.Out = append(c.Out, large...)
		c.Resume()
	}
	waitFor(t, func() bool { return conn.where.Load() == called })
	free := conn.place.TryLock()
	if free {
		conn.place.Unlock()
	}
	l.mu.Unlock()
	if free {
		t.Error("the loop may let the connection go while it is being called")
	}
	expect(t, c, large)
}
