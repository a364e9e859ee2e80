package quorum

import (
	"fmt"
	"strings"
)

// Error says that a level was not met, and what is known of each owner.
type Error struct {
	// Level is what was asked for.
	Level Level
	// Need is the number of owners that had to win, Got that of those who did,
	// counted where the level needs them. Got is less than Need.
	Need, Got int
	// Won, Lost, Failed, Refused and Silent are the names of all owners, by
	// what was known when the request was given up.
	Won, Lost, Failed, Refused, Silent []string
	// MayHaveBeenApplied says of a write that it is or may come to be in some
	// owner's store, and then spreads to the others. If false, no owner has it
	// and it can safely be tried again. Of a read it says nothing.
	MayHaveBeenApplied bool
	// Cause is why it was given up: the context's error, or those of the owners.
	// It may be nil.
	Cause error
}

// Error names the level, the counts and every owner.
func (e *Error) Error() string {
	var known []string
	for _, answer := range []Answer{Won, Lost, Failed, Refused, Silent} {
		if names := *e.list(answer); len(names) > 0 {
			known = append(known, fmt.Sprintf("%v: %s", answer, strings.Join(names, ", ")))
		}
	}
	applied := "nothing was applied"
	if e.MayHaveBeenApplied {
		applied = "a write may have been applied"
	}
	text := fmt.Sprintf("quorum: %v got %d of %d (%s), %s", e.Level, e.Got, e.Need, strings.Join(known, "; "), applied)
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// list is the field that holds the names of the owners with this answer.
func (e *Error) list(answer Answer) *[]string {
	switch answer {
	case Won:
		return &e.Won
	case Lost:
		return &e.Lost
	case Failed:
		return &e.Failed
	case Refused:
		return &e.Refused
	}
	return &e.Silent
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// causes is errors.Join on one line, for logs.
type causes []error

func (c causes) Error() string {
	texts := make([]string, len(c))
	for i, err := range c {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}

func (c causes) Unwrap() []error { return c }

// orNil is c as an error, nil if there are none.
func (c causes) orNil() error {
	if len(c) == 0 {
		return nil
	}
	return c
}
