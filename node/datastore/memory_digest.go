package datastore

// ReadDigest implements Store.
func (m *Memory) ReadDigest(key []byte, r Reader) (uint64, error) {
	s, err := m.enter(key)
	if err != nil {
		return 0, err
	}
	defer s.exit()
	// The digest first: what r is shown is scratch of the engine.
	var digest uint64
	switch cut := s.cut(s.at.token); {
	case !s.at.found:
	case s.at.large != nil:
		digest = s.engine.ldigest(s.at.large, key, cut)
	default:
		digest = s.engine.digest(key, s.at.rec, cut)
	}
	r.Read(s.view(m.clock.Now()))
	return digest, nil
}
