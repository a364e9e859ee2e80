package oplog

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/dynomite-go/dynomite/node/datastore/disk"
)

// Report says what Open found.
type Report struct {
	// Operations is how many were replayed, and Bytes the length of the files.
	Operations int
	Bytes      int64
	// Cut tells of a torn end that was cut off: Cut.Bytes is zero if there was
	// none.
	Cut Lost
	// Skipped lists what salvage left out.
	Skipped []Lost
}

// Lost is a stretch of a file that was not replayed.
type Lost struct {
	// File is its path.
	File string
	// Offset is where it began, and Bytes how long it was.
	Offset, Bytes int64
	// Err says why it could not be read.
	Err error
}

// replayer reads what the directory holds.
type replayer struct {
	cfg    *Config
	apply  func(kind Kind, key, body []byte) error
	report Report
	frame  []byte
}

// file is one file under replay.
type file struct {
	name string
	f    disk.File
	size int64
	header
	ops   uint64
	ended bool
	good  int64 // where the frames that were read end
	bad   error // what is wrong there
}

func (r *replayer) open(name string, kind uint32, seq uint64) (*file, error) {
	f, err := r.cfg.FS.Open(name)
	if err != nil {
		return nil, err
	}
	p := &file{name: name, f: f}
	if p.size, err = f.Size(); err != nil {
		f.Close()
		return nil, err
	}
	head := make([]byte, min(p.size, int64(headerSize)))
	if _, err := f.ReadAt(head, 0); err != nil && err != io.EOF {
		f.Close()
		return nil, err
	}
	p.header, err = decodeHeader(head)
	if err == nil && (p.kind != kind || p.seq != seq) {
		err = fmt.Errorf("the header says that it is file %d of type %d", p.seq, p.kind)
	}
	if err != nil {
		f.Close()
		if errors.Is(err, errNewer) {
			return nil, fmt.Errorf("%s was %w", name, err)
		}
		return nil, &DamageError{File: name, Err: err}
	}
	r.report.Bytes += p.size
	return p, nil
}

// read applies the frames from offset from on, until the end or a bad one.
func (r *replayer) read(p *file, from int64) error {
	in := bufio.NewReaderSize(io.NewSectionReader(p.f, from, p.size-from), 1<<20)
	p.good, p.bad = from, nil
	for p.good < p.size {
		var head [frameHead]byte
		if _, err := io.ReadFull(in, head[:]); err == io.ErrUnexpectedEOF {
			p.bad = errShort
			return nil
		} else if err != nil {
			return err
		}
		n, err := frameSize(head[:])
		if err != nil {
			p.bad = err
			return nil
		}
		if int64(n) > p.size-p.good {
			p.bad = errShort
			return nil
		}
		r.frame = append(slices.Grow(r.frame[:0], n), head[:]...)[:n]
		if _, err := io.ReadFull(in, r.frame[frameHead:]); err != nil {
			return err
		}
		kind, key, body, err := decodeFrame(r.frame)
		if err != nil {
			p.bad = err
			return nil
		}
		if err := r.frameRead(p, kind, key, body); err != nil {
			if errors.Is(err, errFrame) {
				p.bad = err
				return nil
			}
			return err
		}
		p.good += int64(n)
	}
	return nil
}

func (r *replayer) frameRead(p *file, kind Kind, key, body []byte) error {
	switch kind {
	case mark:
		return nil
	case end:
		if !r.cfg.Salvage && (len(body) != 8 || binary.LittleEndian.Uint64(body) != p.ops) {
			return fmt.Errorf("%w: the count at the end is wrong", errFrame)
		}
		p.ended = true
		return nil
	}
	p.ops++
	r.report.Operations++
	if err := r.apply(kind, key, body); err != nil {
		return &DamageError{File: p.name, Offset: p.good, Err: err}
	}
	return nil
}

// all reads a file to its end. A bad frame is skipped when salvaging, and is an
// error otherwise.
func (r *replayer) all(p *file) error {
	from := int64(headerSize)
	for {
		if err := r.read(p, from); err != nil {
			return err
		}
		if p.bad == nil {
			return nil
		}
		if !r.cfg.Salvage {
			return &DamageError{File: p.name, Offset: p.good, Err: p.bad}
		}
		next, err := p.resume(p.good + 1)
		if err != nil {
			return err
		}
		r.report.Skipped = append(r.report.Skipped, Lost{p.name, p.good, next - p.good, p.bad})
		from = next
	}
}

// resume finds the first frame at or after off whose checksum matches, or the
// end of the file.
func (p *file) resume(off int64) (int64, error) {
	rest, err := p.rest(off)
	if err != nil {
		return 0, err
	}
	// Garbage that reads as the length of a huge frame costs its checksum at
	// each byte, so frames of more than that are not looked for.
	const longest = 16 << 20
	for i := range rest {
		if n, err := frameSize(rest[i:]); err == nil && n <= min(len(rest)-i, longest) {
			if _, _, _, err := decodeFrame(rest[i : i+n]); err == nil {
				return off + int64(i), nil
			}
		}
	}
	return p.size, nil
}

func (p *file) rest(off int64) ([]byte, error) {
	if off >= p.size {
		return nil, nil
	}
	b := make([]byte, p.size-off)
	if _, err := p.f.ReadAt(b, off); err != nil && err != io.EOF {
		return nil, err
	}
	return b, nil
}

// torn says whether what is wrong at p.good may be the work of a crash: no mark
// behind it says that the disk had more than that.
func (p *file) torn() (bool, error) {
	rest, err := p.rest(p.good)
	if err != nil {
		return false, err
	}
	const before = frameHead + 1 + 1 // of the id, in a mark
	for i := 0; ; {
		j := bytes.Index(rest[i:], p.id[:])
		if j < 0 {
			return true, nil
		}
		i += j
		if i >= before {
			f := rest[i-before:]
			if n, err := frameSize(f); err == nil && n <= len(f) {
				kind, _, body, err := decodeFrame(f[:n])
				if err == nil && kind == mark && len(body) == 8 && int64(binary.LittleEndian.Uint64(body)) > p.good {
					return false, nil
				}
			}
		}
		i++
	}
}

// replay applies everything that the directory holds and returns the last
// segment, cut to its good frames and ready for more; nil if there is none.
func (r *replayer) replay() (*segment, int64, error) {
	l, err := r.cfg.tidy()
	if err != nil {
		return nil, 0, err
	}
	var older int64
	for _, seq := range l.snaps {
		p, err := r.open(r.cfg.path(seq, snapExt), typeSnap, seq)
		if err != nil {
			return nil, 0, err
		}
		err = r.all(p)
		if err == nil && !p.ended && !r.cfg.Salvage {
			err = &DamageError{File: p.name, Offset: p.good, Err: errShort}
		}
		if err = errors.Join(err, p.f.Close()); err != nil {
			return nil, 0, err
		}
		older += p.size
	}
	prevLen := uint64(noLength)
	for i, seq := range l.logs {
		p, err := r.open(r.cfg.path(seq, logExt), typeLog, seq)
		if err != nil {
			return nil, 0, err
		}
		if prevLen != noLength && p.prevLen != noLength && p.prevLen != prevLen && !r.cfg.Salvage {
			p.f.Close()
			return nil, 0, &DamageError{File: r.cfg.path(seq-1, logExt), Offset: int64(min(prevLen, p.prevLen)), Err: errShort}
		}
		prevLen = uint64(p.size)
		if i == len(l.logs)-1 {
			s, err := r.last(p)
			if err != nil {
				p.f.Close()
			}
			return s, older, err
		}
		if err := errors.Join(r.all(p), p.f.Close()); err != nil {
			return nil, 0, err
		}
		older += p.size
	}
	return nil, older, nil
}

// last replays the last segment and cuts a torn end off.
func (r *replayer) last(p *file) (*segment, error) {
	if err := r.read(p, int64(headerSize)); err != nil {
		return nil, err
	}
	if p.bad != nil {
		torn, err := p.torn()
		if err != nil {
			return nil, err
		}
		if !torn {
			if !r.cfg.Salvage {
				return nil, &DamageError{File: p.name, Offset: p.good, Err: p.bad}
			}
			// What was read is read again: harmless, and rare.
			if err := r.all(p); err != nil {
				return nil, err
			}
		} else {
			r.report.Cut = Lost{p.name, p.good, p.size - p.good, p.bad}
			if err := p.f.Truncate(p.good); err != nil {
				return nil, err
			}
			p.size = p.good
		}
	}
	// What an earlier process had written but not synced, this one answers for.
	if err := p.f.Sync(); err != nil {
		return nil, err
	}
	return &segment{f: p.f, seq: p.seq, id: p.id, size: p.size}, nil
}
