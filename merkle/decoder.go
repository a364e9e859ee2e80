package merkle

import (
	"fmt"
	"slices"

	"github.com/dynomite-go/dynomite/hashkit"
)

// Decoder finds the items that two sets do not share from the differences of
// their symbols, as they come:
//
//	for i := 0; !d.Done(); i++ {
//		err := d.Push(theirs[i].Minus(ours[i]))
//	}
//
// A symbol that holds a single item gives it away. The item is taken out of the
// other symbols that it is part of, which leaves some of them with a single
// item. With d differences that ends after about 1.35 d symbols, up to 1.72 d
// and some more where d is small. It takes 32 bytes for a symbol, 40 for an
// item found. It is not safe for concurrent use.
type Decoder struct {
	key     sipKey
	symbols []Symbol
	found   []recovered
	// waiting is a heap by the next index: who will be part of a later symbol.
	waiting []reached
	lonely  []int // indices of symbols that may hold a single item
	left    int   // symbols that hold something
}

type recovered struct {
	item Item
	hash uint64
	sign int64 // 1: only there, -1: only here
}

// reached is how far an item found has been taken out.
type reached struct {
	mapping
	found int
}

// NewDecoder is for symbols that were made with the same key and salt.
func NewDecoder(key Key, salt uint64) *Decoder {
	return &Decoder{key: key.derive(forItems, salt)}
}

// Push takes the next symbols: what they have without what we have. An error
// wraps [ErrDamaged]: no two sets have such symbols. The decoder is of no use then.
func (d *Decoder) Push(differences ...Symbol) error {
	d.symbols = slices.Grow(d.symbols, len(differences))
	for _, s := range differences {
		index := len(d.symbols)
		if index >= maxIndex {
			return fmt.Errorf("%w: more than %d symbols", ErrDamaged, maxIndex)
		}
		for len(d.waiting) > 0 && d.waiting[0].at == int64(index) {
			f := &d.found[d.waiting[0].found]
			s.toggle(f.item, f.hash, -f.sign)
			d.waiting[0].next()
			d.sink()
		}
		d.symbols = append(d.symbols, s)
		if s != (Symbol{}) {
			d.left++
			d.lonely = append(d.lonely, index)
		}
		if err := d.peel(); err != nil {
			return err
		}
	}
	return nil
}

// peel takes out items until no symbol gives one away.
func (d *Decoder) peel() error {
	for len(d.lonely) > 0 {
		index := d.lonely[len(d.lonely)-1]
		d.lonely = d.lonely[:len(d.lonely)-1]
		s := d.symbols[index]
		if s.Count != 1 && s.Count != -1 || s.Check != d.key.pair(s.Token, s.Digest) {
			continue
		}
		// Each item is in symbol 0 and in later ones, so there are never more
		// items than symbols. Without this bound symbols that were made up could
		// keep us busy for ever.
		if len(d.found) >= len(d.symbols) {
			return fmt.Errorf("%w: %d symbols hold more items than that", ErrDamaged, len(d.symbols))
		}
		f := recovered{Item{hashkit.Token(s.Token), s.Digest}, s.Check, s.Count}
		m := mappingOf(f.hash)
		for m.at < int64(len(d.symbols)) {
			at := &d.symbols[m.at]
			was := *at == (Symbol{})
			at.toggle(f.item, f.hash, -f.sign)
			switch is := *at == (Symbol{}); {
			case is && !was:
				d.left--
			case was && !is:
				d.left++
			}
			if at.Count == 1 || at.Count == -1 {
				d.lonely = append(d.lonely, int(m.at))
			}
			m.next()
		}
		if d.symbols[index] == s {
			return fmt.Errorf("%w: symbol %d holds an item that does not belong there", ErrDamaged, index)
		}
		d.found = append(d.found, f)
		d.wait(reached{m, len(d.found) - 1})
	}
	return nil
}

// Done is true when the symbols so far are explained by what was found, and
// nothing is left over. Symbol 0 holds every item, so nothing is missing then.
func (d *Decoder) Done() bool { return len(d.symbols) > 0 && d.left == 0 }

// Len is the number of symbols so far.
func (d *Decoder) Len() int { return len(d.symbols) }

// Found appends the items found to two slices, in no order: those that only we
// have, and those that only they have.
func (d *Decoder) Found(here, there []Item) ([]Item, []Item) {
	for _, f := range d.found {
		if f.sign < 0 {
			here = append(here, f.item)
		} else {
			there = append(there, f.item)
		}
	}
	return here, there
}

// wait puts an item into the heap.
func (d *Decoder) wait(r reached) {
	d.waiting = append(d.waiting, r)
	for i := len(d.waiting) - 1; i > 0; {
		up := (i - 1) / 2
		if d.waiting[up].at <= d.waiting[i].at {
			return
		}
		d.waiting[up], d.waiting[i] = d.waiting[i], d.waiting[up]
		i = up
	}
}

// sink restores the heap after its first has gone on.
func (d *Decoder) sink() {
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(d.waiting); child++ {
			if d.waiting[child].at < d.waiting[least].at {
				least = child
			}
		}
		if least == i {
			return
		}
		d.waiting[i], d.waiting[least] = d.waiting[least], d.waiting[i]
		i = least
	}
}
