package coordinator

// What another node executes: it is asked once, and a write that it may have
// executed is never sent again.

func (b *batch) askExec(i int) {
	b.askExecOf(i, b.ops[i].executor)
}

// askExecOf asks a node beside the executor, or the executor.

func (b *batch) askExecOf(i, node int) {
	o := &b.ops[i]
	o.execs++
	f := b.out.frame(b, node, KindExec)
	if len(f.ops) == 0 {
		f.buf = appendExecHead(f.buf, b.call.Proto, b.read, b.write)
	}
	f.buf = appendExecCommand(f.buf, o.args)
	f.add(i, o.tries)
}

// unexecuted deals with an operation whose executor did not answer: it goes
// to the next one if it was never sent or only looks; the outcome of a write
// that was sent is unknown, and it is never sent again blindly.
func (b *batch) unexecuted(i int, err error, sent bool) {
	o := &b.ops[i]
	if o.done {
		return
	}
	o.err = err
	if o.execs--; !o.spec.Write() && (o.execs > 0 || o.ran) {
		return // somebody else executes it as well
	}
	o.tries++
	if !sent || !o.spec.Write() {
		if p := o.position(o.executor); p >= 0 {
			o.spent |= 1 << p
		}
		if next := b.c.executorExcept(b.cl, o); next >= 0 && o.tries <= o.nlocal && b.c.now().Before(b.deadline) {
			o.executor = next
			if next == b.cl.Self {
				b.takeOver(i)
				return
			}
			b.askExec(i)
			return
		}
		o.out = b.c.appendShortfall(o.out[:0], b.cl, o)
	} else {
		o.applied = true
		b.c.count.unknown.Add(1)
		o.out = appendUnknown(o.out[:0], b.cl, o, err)
	}
	b.end(o)
}

// takeOver makes this node the executor of operation i, whose primary is gone:
// a change that calls for caution, known here or not.
func (b *batch) takeOver(i int) {
	o := &b.ops[i]
	switch {
	case b.looksFirst(o):
		b.look(i)
	case b.firsts == 0:
		b.execute(i)
	} // else it is executed with the others, in order
}
