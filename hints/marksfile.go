package hints

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io/fs"
	"slices"
)

// A file of marks is: header, number of ranges, from and to of each, crc32c.
func appendMarks(dst []byte, q *queue) []byte {
	dst = appendHeader(dst, q.log.cfg.Self, q.node)
	from := len(dst)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(q.dirty)))
	for _, r := range q.dirty {
		dst = binary.BigEndian.AppendUint64(dst, r.From)
		dst = binary.BigEndian.AppendUint64(dst, r.To)
	}
	return binary.BigEndian.AppendUint32(dst, crc32.Update(q.salt, castagnoli, dst[from:]))
}

// readMarks takes the marks of a file. Of what it does not understand the
// queue's whole space is marked, or that of all.
func (r *recovery) readMarks(name string) error {
	l, rec := r.log, r.rec
	f, b, err := l.readAll(name, 2*maxID+64+16*maxRanges)
	if err != nil {
		rec.refuse(name, err)
		return nil
	}
	f.Close()
	node, at, err := readHeader(b, l.cfg.Self)
	if err != nil {
		return r.withoutHeader(name, b, err)
	}
	if name != marksName(node) {
		rec.refuse(name, errForeign)
		return nil
	}
	q, err := l.queue(node)
	if err != nil {
		rec.refuse(name, err)
		return nil
	}
	q.named = true
	if b = b[at:]; len(b) < 8 || crc32.Update(q.salt, castagnoli, b[:len(b)-4]) != binary.BigEndian.Uint32(b[len(b)-4:]) ||
		int(binary.BigEndian.Uint32(b)) != (len(b)-8)/16 {
		rec.Damaged++
		q.mark([]Range{All})
		return nil
	}
	for b = b[4 : len(b)-4]; len(b) >= 16; b = b[16:] {
		r := Range{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
		q.dirty = q.dirty.add(r)
	}
	return nil
}

// writeMarks makes the marks of a queue durable, but for the file's name.
func (l *Log) writeMarks(q *queue) error {
	name := marksName(q.node)
	if len(q.dirty) == 0 {
		if err := l.cfg.FS.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	if err := l.writeFile(name+tempSuffix, appendMarks(nil, q), true); err != nil {
		return err
	}
	return l.cfg.FS.Rename(name+tempSuffix, name)
}

func (l *Log) writeFile(name string, b []byte, sync bool) error {
	f, err := l.cfg.FS.Create(name)
	if err != nil {
		return err
	}
	if _, err = f.WriteAt(b, 0); err == nil && sync {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// takeNames lists the queues for which nothing on the disk tells that there are
// such. After an unclean stop that is all that is known of their marks.
func (l *Log) takeNames() (out []naming) {
	for _, q := range l.unnamed {
		if q.naming = false; q.gone || q.named || len(q.segments) > 0 {
			continue
		}
		q.named = true
		out = append(out, naming{q: q, marks: appendMarks(nil, q)})
		name := marksName(q.node)
		l.forgotten = slices.DeleteFunc(l.forgotten, func(n string) bool { return n == name })
	}
	l.unnamed = nil
	return out
}

func (l *Log) writeName(n naming) error {
	return l.writeFile(marksName(n.q.node), n.marks, l.cfg.Sync != No)
}

func (l *Log) settleName(n naming) {
	if n.err != nil {
		n.q.named = false // the next mark tries again
		l.fail(n.q.node, n.err)
		return
	}
	l.newNames = true
	l.newly = append(l.newly, n.q)
	if n.q.gone {
		l.forgotten = append(l.forgotten, marksName(n.q.node))
	}
}
