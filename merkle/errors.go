package merkle

import "errors"

var (
	// ErrDamaged marks bytes or symbols that no honest side with our key and
	// our version sends: damage on the way, another key, a bug, or an attack. Whoever
	// sent them should be counted and rested from. Nothing was changed: the same request
	// can be sent again.
	ErrDamaged = errors.New("merkle: damaged or forged")
	// ErrTooLong ends an exchange after [Config.MaxRoundTrips]. What was found
	// is true; [Exchange.Remaining] is what has not been looked at.
	ErrTooLong = errors.New("merkle: too many round trips")
)
