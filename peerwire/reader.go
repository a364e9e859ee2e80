package peerwire

import "io"

const (
	// readFirst is the read buffer of a quiet connection, readMost the one of a
	// busy connection: a whole frame and as much again.
	readFirst = 16 << 10
	readMost  = 128 << 10
)

// frameReader reads frames through a buffer; frames alias it until the next fill.
type frameReader struct {
	r          io.Reader
	buf        []byte
	start, end int
	need       int // bytes that the next frame is known to have
}

// fill reads once, making room first. It fails with io.ErrUnexpectedEOF when the
// stream ends within a frame and with io.EOF when between two.
func (r *frameReader) fill() error {
	if r.buf == nil {
		r.buf = make([]byte, readFirst)
	}
	rest := r.end - r.start
	if r.end == len(r.buf) || r.start+r.need > len(r.buf) {
		to := r.buf
		// A buffer that was filled to the brim is too small for the traffic.
		if len(r.buf) < readMost {
			to = make([]byte, readMost)
		}
		copy(to, r.buf[r.start:r.end])
		r.buf, r.start, r.end = to, 0, rest
	} else if rest == 0 {
		r.start, r.end = 0, 0
	}
	n, err := r.r.Read(r.buf[r.end:])
	r.end += n
	if n > 0 {
		return nil // an error comes again
	}
	if err == io.EOF && rest > 0 {
		return io.ErrUnexpectedEOF
	}
	return err
}

// next decodes the next buffered frame; ok is false when more must be read.
func (r *frameReader) next(f *frame) (ok bool, err error) {
	n, need, err := decodeFrame(r.buf[r.start:r.end], f)
	if err != nil {
		return false, err
	}
	r.start += n
	r.need = need
	return n > 0, nil
}
