package command

import "math"

// options are the words behind the arguments of SET, GETEX and EXPIRE.
type options uint16

const (
	optNX options = 1 << iota
	optXX
	optGT
	optLT
	optGet
	optKeepTTL
	optPersist
	optEX
	optPX
	optEXAT
	optPXAT

	optTime    = optEX | optPX | optEXAT | optPXAT
	optSeconds = optEX | optEXAT
	optAgo     = optEX | optPX // counted from now
)

// setOption reads one option of SET.
func setOption(word []byte) options {
	switch {
	case len(word) < 2:
	case fold(word, "nx"):
		return optNX
	case fold(word, "xx"):
		return optXX
	case fold(word, "get"):
		return optGet
	case fold(word, "keepttl"):
		return optKeepTTL
	}
	return timeOption(word)
}

// timeOption reads the option that says when to expire.
func timeOption(word []byte) options {
	switch {
	case fold(word, "ex"):
		return optEX
	case fold(word, "px"):
		return optPX
	case fold(word, "exat"):
		return optEXAT
	case fold(word, "pxat"):
		return optPXAT
	}
	return 0
}

// parseSetOptions reads the options of SET.
func (c *Call) parseSetOptions(words [][]byte) bool {
	c.opt, c.when = 0, nil
	for i := 0; i < len(words); i++ {
		o := setOption(words[i])
		// An option may be said twice, but not with another of its family.
		clash := options(0)
		switch {
		case o == 0:
			return c.failed(errSyntax)
		case o == optNX:
			clash = optXX
		case o == optXX:
			clash = optNX
		case o == optKeepTTL:
			clash = optTime
		case o&optTime != 0:
			clash = (optTime | optKeepTTL) &^ o
		}
		if c.opt&clash != 0 {
			return c.failed(errSyntax)
		}
		if o&optTime != 0 {
			if i++; i == len(words) {
				return c.failed(errSyntax)
			}
			c.when = words[i]
		}
		c.opt |= o
	}
	return true
}

// parseGetOptions reads the options of GETEX.
func (c *Call) parseGetOptions(words [][]byte) bool {
	c.opt, c.when = 0, nil
	for i := 0; i < len(words); i++ {
		o := timeOption(words[i])
		if fold(words[i], "persist") {
			o = optPersist
		}
		if o == 0 || c.opt&(optTime|optPersist)&^o != 0 {
			return c.failed(errSyntax)
		}
		if o != optPersist {
			if i++; i == len(words) {
				return c.failed(errSyntax)
			}
			c.when = words[i]
		}
		c.opt |= o
	}
	return true
}

// deadline works out the time that c.when means for SET and its like. It must
// be positive, before and after now is added.
func (c *Call) deadline(now int64) (at int64, ok bool) {
	at, ok = c.integerArg(c.when)
	if !ok {
		return 0, false
	}
	seconds := c.opt&optSeconds != 0
	if at <= 0 || seconds && at > math.MaxInt64/1000 {
		c.failExpiry()
		return 0, false
	}
	if seconds {
		at *= 1000
	}
	if c.opt&optAgo != 0 {
		if at, ok = sum(at, now); !ok {
			c.failExpiry()
			return 0, false
		}
	}
	return at, true
}
