package slab

import (
	"unsafe"

	"github.com/dynomite-go/dynomite/node/datastore/internal/offheap"
)

const (
	pageShift  = 14 // 16 KiB: 120 slots of the commonest size, 136 bytes
	pageSize   = 1 << pageShift
	maxOrder   = 4 // a block is 16 pages, 256 KiB: four of the largest slots
	blockPages = 1 << maxOrder
	blockSize  = blockPages * pageSize

	// A reference is the page's number and the offset in it in units of 8.
	unitShift = 3
	unitBits  = pageShift - unitShift
	unitMask  = 1<<unitBits - 1
	// maxPages is what is left of 32 bits: 32 GiB in one slab.
	maxPages = 1 << (32 - unitBits)

	// maxChunk bounds what is mapped at once: enough that a store of a
	// terabyte stays below the 65,530 mappings that Linux allows.
	maxChunk = 256 << 20
)

// page is the table entry of one page. A free run or a run of slots keeps its
// fields in the entry of its first page, its head; base, head and class are in
// every page's.
type page struct {
	base       unsafe.Pointer
	head       uint32
	next, prev uint32 // neighbours in a list of free runs or of a class's runs
	used       uint16 // slots in use
	fresh      uint16 // slots handed out at least once; those beyond are untouched
	free       uint16 // first free slot below fresh, plus one; 0 is none
	class      uint8
	order      uint8
	state      uint8
	bucket     uint8
	touched    bool // the page was in a run since it was clean
}

const (
	pageBody  = iota // not the head of a run
	pageFree         // head of a free run
	pageSlots        // head of a run of slots
	pageDrain        // head of the run that compaction is emptying
)

// arena hands out runs of 1<<order pages.
type arena struct {
	pages  []page // entry 0 is unused, so that a zero reference means none
	chunks [][]byte
	// free holds the heads of the lists of free runs by order.
	free [maxOrder + 1]uint32
	// freePages counts pages in free, touched those that may be resident, be
	// they free or in use.
	freePages, touched int
	mapped             int
}

func (a *arena) run(order uint8) (uint32, bool) {
	o := order
	for o <= maxOrder && a.free[o] == 0 {
		o++
	}
	if o > maxOrder {
		if !a.grow() {
			return 0, false
		}
		o = maxOrder
	}
	p := a.free[o]
	a.unlink(&a.free[o], p)
	a.freePages -= 1 << o
	for o > order {
		o--
		a.putFree(p+1<<o, o)
	}
	h := &a.pages[p]
	h.state, h.order = pageSlots, order
	for i := p; i < p+1<<order; i++ {
		pg := &a.pages[i]
		pg.head = p
		if !pg.touched {
			pg.touched = true
			a.touched++
		}
	}
	return p, true
}

// release takes a run back and fuses it with its free buddies.
func (a *arena) release(p uint32) {
	o := a.pages[p].order
	a.pages[p].state = pageBody
	for o < maxOrder {
		b := p ^ 1<<o
		if h := &a.pages[b]; h.state != pageFree || h.order != o {
			break
		}
		a.unlink(&a.free[o], b)
		a.freePages -= 1 << o
		a.pages[b].state = pageBody
		p = min(p, b)
		o++
	}
	a.putFree(p, o)
	if a.excess() > 0 {
		a.giveBack(p)
	}
}

// excess is how many more free pages are resident than a quarter of those in
// use, and a block: so many may wait for their next use.
func (a *arena) excess() int {
	used := a.inUse()
	return a.touched - used - used/4 - blockPages
}

// giveBack gives the memory of a free run back to the system.
func (a *arena) giveBack(p uint32) {
	n := uint32(1) << a.pages[p].order
	touched := 0
	for _, pg := range a.pages[p : p+n] {
		if pg.touched {
			touched++
		}
	}
	if touched == 0 || !offheap.Release(unsafe.Slice((*byte)(a.pages[p].base), n<<pageShift)) {
		return
	}
	a.touched -= touched
	for i := range n {
		a.pages[p+i].touched = false
	}
}

// tidy gives back free runs that were within bounds when they were freed, and
// are not any more.
func (a *arena) tidy() {
	for p := uint32(blockPages); p < uint32(len(a.pages)) && a.excess() > 0; p++ {
		if a.pages[p].state == pageFree {
			a.giveBack(p)
		}
	}
}

// inUse is the number of pages in runs of slots.
func (a *arena) inUse() int { return a.mapped>>pageShift - a.freePages }

func (a *arena) putFree(p uint32, o uint8) {
	h := &a.pages[p]
	h.state, h.order = pageFree, o
	a.link(&a.free[o], p)
	a.freePages += 1 << o
}

// grow maps a chunk of about a quarter of what is mapped.
func (a *arena) grow() bool {
	if len(a.pages) == 0 {
		// Blocks are aligned to their size in the table, so that a buddy is
		// one bit away; the first block is given up for the zero reference.
		a.pages = make([]page, blockPages)
	}
	n := min(max(a.mapped/4/blockSize, 1)*blockSize, maxChunk)
	if len(a.pages)+n>>pageShift > maxPages {
		return false
	}
	chunk, err := offheap.Map(n)
	if err != nil {
		return false
	}
	a.chunks = append(a.chunks, chunk)
	a.mapped += n
	first := uint32(len(a.pages))
	for off := 0; off < n; off += pageSize {
		a.pages = append(a.pages, page{base: unsafe.Pointer(&chunk[off])})
	}
	for p := uint32(len(a.pages)); p > first; {
		p -= blockPages
		a.putFree(p, maxOrder)
	}
	return true
}

func (a *arena) reset() {
	for _, c := range a.chunks {
		offheap.Unmap(c)
	}
	*a = arena{}
}

func (a *arena) link(list *uint32, p uint32) {
	h := &a.pages[p]
	h.prev, h.next = 0, *list
	if *list != 0 {
		a.pages[*list].prev = p
	}
	*list = p
}

func (a *arena) unlink(list *uint32, p uint32) {
	h := &a.pages[p]
	if h.prev != 0 {
		a.pages[h.prev].next = h.next
	} else {
		*list = h.next
	}
	if h.next != 0 {
		a.pages[h.next].prev = h.prev
	}
	h.next, h.prev = 0, 0
}
