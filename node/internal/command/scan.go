package command

// Scan is what SCAN is asked for.
type Scan struct {
	Cursor uint64
	// Count is how many keys to look at, about; it is positive.
	Count int64
	// Pattern is what keys have to match; nil for all. It aliases the words.
	Pattern []byte
	// Type is what TYPE has to answer for them, in any case; nil for all. It
	// aliases the words.
	Type []byte
}

// ParseScan reads the words of SCAN. err is the text of the error to reply;
// empty if there is none.
func ParseScan(args [][]byte) (s Scan, err string) {
	var ok bool
	if s.Cursor, ok = parseCursor(args[1]); !ok {
		return s, errCursor
	}
	return s, s.options(args[2:], true)
}

// options reads the words behind the cursor; TYPE is only for keys.
func (s *Scan) options(words [][]byte, keys bool) (err string) {
	s.Count = 10
	for i := 0; i < len(words); i += 2 {
		if i+1 == len(words) {
			return errSyntax
		}
		value := words[i+1]
		switch {
		case fold(words[i], "count"):
			var ok bool
			if s.Count, ok = parseInt(value); !ok {
				return errNotInteger
			}
			if s.Count < 1 {
				return errSyntax
			}
		case fold(words[i], "match"):
			s.Pattern = pattern(value)
		case keys && fold(words[i], "type"):
			s.Type = value
		default:
			return errSyntax
		}
	}
	return ""
}

// Matches says whether a key, or a field, matches the pattern.
func (s *Scan) Matches(key []byte) bool { return s.Pattern == nil || Match(s.Pattern, key) }

// OfType says whether keys of a kind with this name are asked for.
func (s *Scan) OfType(name string) bool { return s.Type == nil || fold(s.Type, name) }

// KeysPattern is the pattern of KEYS as [Scan] has it.
func KeysPattern(args [][]byte) Scan {
	return Scan{Pattern: pattern(args[1])}
}

// pattern is a client's word as [Scan.Pattern]: nil if it is a lone star, which
// is not asked for so that an empty key is found too.
func pattern(word []byte) []byte {
	if string(word) == "*" {
		return nil
	}
	return word
}

// ParseFlush checks the words of FLUSHALL and FLUSHDB. err is the text of the
// error to reply; empty if there is none.
func ParseFlush(args [][]byte) (err string) {
	if len(args) == 1 || len(args) == 2 && (fold(args[1], "async") || fold(args[1], "sync")) {
		return ""
	}
	return errSyntax
}
