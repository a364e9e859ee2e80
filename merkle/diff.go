package merkle

// Diff compares two sets that are both at hand, by an exchange between them,
// and gives the items that only the one and only the other has. Diff(a, b) is
// Diff(b, a) with the two lists in each other's place.
func Diff(ours, theirs Set, cfg Config) (here, there []Item, stats Stats, err error) {
	x, err := NewExchange(ours, cfg)
	if err != nil {
		return nil, nil, Stats{}, err
	}
	p := NewResponder(theirs, cfg.Key)
	for !x.Done() {
		request, err := x.Request()
		if err != nil {
			return here, there, x.Stats(), err
		}
		reply, err := p.Answer(request)
		if err != nil {
			return here, there, x.Stats(), err
		}
		if err := x.Reply(reply); err != nil {
			return here, there, x.Stats(), err
		}
		h, t := x.Take()
		here, there = append(here, h...), append(there, t...)
	}
	return here, there, x.Stats(), nil
}
