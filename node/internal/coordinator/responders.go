package coordinator

import (
	"sync"

	"github.com/dynomite-go/dynomite/merkle"
)

// responders answer what other nodes compare: one request of a node at a time,
// for each may cost a scan.
type responders struct {
	mu sync.Mutex
	by map[string]*responder
}

// responder remembers the last sketch that it made for a node, which is a scan
// less if the node asks for more of it.
type responder struct {
	mu     sync.Mutex
	set    merkle.Set
	answer *merkle.Responder
}

func (r *responders) of(node string) *responder {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.by == nil {
		r.by = map[string]*responder{}
	}
	one := r.by[node]
	if one == nil {
		one = &responder{}
		r.by[node] = one
	}
	return one
}

func (r *responders) answer(node string, set merkle.Set, key merkle.Key, request []byte) ([]byte, error) {
	if _, ok := set.(*digests); !ok {
		return merkle.NewResponder(set, key).Answer(request)
	}
	one := r.of(node)
	one.mu.Lock()
	defer one.mu.Unlock()
	if one.set != set {
		one.set, one.answer = set, merkle.NewResponder(set, key)
	}
	return one.answer.Answer(request)
}
