package coordinator

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/node/internal/command"
)

// ledger is what the stores of one test have in common: what their encodings
// and digests stand for, and what was executed.
type ledger struct {
	fault func(format string, args ...any) // takes what must not be

	mu      sync.Mutex
	records map[string]*modelRecord // by key and encoding
	texts   map[string]string       // by key and digest
	written map[string]*modelRecord // by key: the join of all deltas
	runs    map[string][]execution  // by the command's text
}

// execution is one execution of a command on a store.
type execution struct {
	node  int
	seen  *modelRecord
	delta *modelRecord // nil if nothing was written
	stamp datastore.Version
	now   int64 // the time that it saw
	reply string
}

func newLedger(fault func(string, ...any)) *ledger {
	return &ledger{
		fault: fault, records: map[string]*modelRecord{"empty": newModelRecord()}, texts: map[string]string{},
		written: map[string]*modelRecord{}, runs: map[string][]execution{},
	}
}

// learn notes what an encoding stands for: one and the same for ever.
func (l *ledger) learn(key, encoded []byte, r *modelRecord) {
	id := string(key) + "\x00" + string(encoded)
	if len(encoded) == 0 {
		id = "empty"
	}
	if old := l.records[id]; old == nil {
		l.records[id] = r
	} else if old.text() != r.text() {
		l.fault("key %s: one encoding of two records\n%s\n%s", key, old.text(), r.text())
	}
}

// digest notes what a digest stands for.
func (l *ledger) digest(key []byte, digest uint64, r *modelRecord) {
	id, text := fmt.Sprintf("%s\x00%x", key, digest), r.text()
	if old, ok := l.texts[id]; !ok {
		l.texts[id] = text
	} else if old != text {
		l.fault("key %s: one digest of two records\n%s\n%s", key, old, text)
	}
}

// twin is a store that executes every command on the model too, and compares.
// It serves one process of a node: its successor has another one with the same
// records, unless they were lost with the process.
type twin struct {
	datastore.Store
	*ledger
	node int
	dead bool
	recs map[string]*modelRecord
}

var errDead = errors.New("the process is dead")

func newTwin(l *ledger, node int, s datastore.Store, recs map[string]*modelRecord) *twin {
	return &twin{Store: s, ledger: l, node: node, recs: recs}
}

func (s *twin) kill() {
	s.mu.Lock()
	s.dead = true
	s.mu.Unlock()
}

func (s *twin) rec(key []byte) *modelRecord {
	if r := s.recs[string(key)]; r != nil {
		return r
	}
	return newModelRecord()
}

// holding is the record that the node holds now.
func (s *twin) holding(key string) *modelRecord {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rec([]byte(key))
}

// watched stands between a store and a command.
type watched struct {
	s     *twin
	call  *command.Call
	reply string
	now   int64
}

func (w *watched) look(v *datastore.View, run func()) {
	w.now = v.Now()
	key := w.call.Args[w.call.Spec.First]
	if got, want := viewText(v), w.s.rec(key).view(w.now); got != want {
		w.s.fault("node %d: key %s at %d shows %s, the model %s\n%s", w.s.node, key, w.now, got, want, w.s.rec(key).text())
	}
	from := len(w.call.Out)
	run()
	w.reply = string(w.call.Out[from:])
}

func (w *watched) Read(v *datastore.View) { w.look(v, func() { w.call.Read(v) }) }

func (w *watched) Update(v *datastore.View, d *datastore.Delta) {
	w.look(v, func() { w.call.Update(v, d) })
}

func words(args [][]byte) []string {
	var out []string
	for _, a := range args {
		out = append(out, string(a))
	}
	return out
}

// executed compares an execution with the model's and notes it.
func (s *twin) executed(key []byte, w *watched, stamp datastore.Version, wrote bool) *modelRecord {
	args := words(w.call.Args)
	seen := s.rec(key)
	reply, d := modelExecute(seen, stamp, w.now, w.call.Force, args)
	if reply != w.reply && (reply[0] != '-' || !strings.HasPrefix(w.reply, reply)) || wrote != (d != nil) {
		s.fault("node %d: %q on %q: replied %q and wrote %v, the model replies %q and wrote %v", s.node, args, seen.text(), w.reply, wrote, reply, d != nil)
		return nil
	}
	text := strings.Join(args, " ")
	s.runs[text] = append(s.runs[text], execution{node: s.node, seen: seen, delta: d, stamp: stamp, now: w.now, reply: w.reply})
	return d
}

func (s *twin) Update(key []byte, u datastore.Updater, dst []byte) (datastore.Update, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead {
		return datastore.Update{}, errDead
	}
	w := &watched{s: s, call: u.(*command.Call)}
	up, err := s.Store.Update(key, w, dst)
	if err != nil {
		return up, err
	}
	s.digest(key, up.Before, s.rec(key))
	d := s.executed(key, w, up.Stamp, up.Wrote)
	if d != nil {
		s.learn(key, up.Delta[len(dst):], d)
		s.recs[string(key)] = modelJoin(s.rec(key), d)
		all := s.written[string(key)]
		if all == nil {
			all = newModelRecord()
		}
		s.written[string(key)] = modelJoin(all, d)
	}
	return up, nil
}

func (s *twin) ReadDigest(key []byte, r datastore.Reader) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead {
		return 0, errDead
	}
	w := &watched{s: s, call: r.(*command.Call)}
	digest, err := s.Store.ReadDigest(key, w)
	if err == nil {
		s.digest(key, digest, s.rec(key))
		s.executed(key, w, datastore.Version{}, false)
	}
	return digest, err
}

func (s *twin) Merge(key, delta []byte, opt datastore.MergeOptions, dst []byte) (datastore.Answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead {
		return datastore.Answer{}, errDead
	}
	before := s.rec(key)
	a, err := s.Store.Merge(key, delta, opt, dst)
	if err != nil {
		return a, err
	}
	d := s.records[string(key)+"\x00"+string(delta)]
	if d == nil {
		s.fault("node %d: key %s: a delta that nobody wrote: %x", s.node, key, delta)
		return a, nil
	}
	s.recs[string(key)] = modelJoin(before, d)
	if len(a.Beat) > len(dst) {
		s.learn(key, a.Beat[len(dst):], before)
	}
	return a, nil
}

func (s *twin) Record(key, dst []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead {
		return dst, errDead
	}
	out, err := s.Store.Record(key, dst)
	if err == nil {
		s.learn(key, out[len(dst):], s.rec(key))
	}
	return out, err
}

func (s *twin) Digest(key []byte) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead {
		return 0, errDead
	}
	digest, err := s.Store.Digest(key)
	if err == nil {
		s.digest(key, digest, s.rec(key))
	}
	return digest, err
}

// Read is not used where several nodes are asked, but by a node asked for its own copy.
func (s *twin) Read(key []byte, r datastore.Reader) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead {
		return errDead
	}
	w := &watched{s: s, call: r.(*command.Call)}
	err := s.Store.Read(key, w)
	if err == nil {
		s.executed(key, w, datastore.Version{}, false)
	}
	return err
}

// join is what a queue of hints keeps of two deltas.
func (l *ledger) join(key, older, newer []byte) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	out, err := datastore.JoinDeltas(nil, older, newer)
	a, b := l.records[string(key)+"\x00"+string(older)], l.records[string(key)+"\x00"+string(newer)]
	if err != nil || a == nil || b == nil {
		l.fault("key %s: hints that nobody wrote: %x %x: %v", key, older, newer, err)
		return newer
	}
	l.learn(key, out, modelJoin(a, b))
	return out
}
