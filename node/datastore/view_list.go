package datastore

import "slices"

// eachElement calls fn for each element in list order.
func (v *View) eachElement(fn func(value []byte) bool) {
	elements := v.elements()
	v.order = v.order[:0]
	for i := range elements {
		if v.cuts[List].Less(elements[i].id) {
			v.order = append(v.order, i)
		}
	}
	// The sort is stable, and the elements come sorted by id.
	slices.SortStableFunc(v.order, func(i, j int) int {
		switch a, b := elements[i].pos, elements[j].pos; {
		case a < b:
			return -1
		case a > b:
			return 1
		}
		return 0
	})
	for _, i := range v.order {
		if !fn(elements[i].value) {
			return
		}
	}
}

// element finds an element by its id, nil if there is none.
func (v *View) element(id Version) *element {
	elements := v.elements()
	i, ok := slices.BinarySearchFunc(elements, id, func(x element, id Version) int { return x.id.Compare(id) })
	if !ok {
		return nil
	}
	return &elements[i]
}

func (v *View) intervals() []interval {
	if v.large != nil {
		return v.large.intervals
	}
	return v.small.intervals
}

func (v *View) elements() []element {
	if v.large != nil {
		return v.large.elements
	}
	return v.small.elements
}
