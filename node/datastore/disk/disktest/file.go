package disktest

import "io"

// file is an open file; it outlives its name.
type file struct {
	d    *Disk
	f    *inode
	name string
}

func (h *file) ReadAt(p []byte, off int64) (int, error) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if h.d.crashed {
		return 0, ErrCrashed
	}
	if off >= int64(len(h.f.data)) {
		return 0, io.EOF
	}
	n := copy(p, h.f.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (h *file) WriteAt(p []byte, off int64) (int, error) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	dying, err := h.d.begin(Op{Kind: "write", Name: h.name, Size: len(p)})
	if err != nil {
		if !dying {
			return 0, err
		}
		p = p[:len(p)/2]
	}
	if len(p) > 0 {
		w := write{off, append([]byte(nil), p...)}
		h.f.data = w.apply(h.f.data)
		h.f.unsynced = append(h.f.unsynced, w)
	}
	return len(p), err
}

func (h *file) Truncate(size int64) error {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if _, err := h.d.begin(Op{Kind: "truncate", Name: h.name}); err != nil {
		return err
	}
	w := write{off: size}
	h.f.data = w.apply(h.f.data)
	h.f.unsynced = append(h.f.unsynced, w)
	return nil
}

func (h *file) Sync() error {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if _, err := h.d.begin(Op{Kind: "sync", Name: h.name}); err != nil {
		return err
	}
	h.f.synced = append(h.f.synced[:0], h.f.data...)
	h.f.unsynced = nil
	return nil
}

func (h *file) Size() (int64, error) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if h.d.crashed {
		return 0, ErrCrashed
	}
	return int64(len(h.f.data)), nil
}

// Close takes nothing with it: what was not synced stays unsynced.
func (h *file) Close() error { return nil }
