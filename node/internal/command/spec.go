package command

import "github.com/dynomite-go/dynomite/node/datastore"

// Spec describes one command or subcommand. The table is fixed when the
// program starts: nobody may change a Spec.
type Spec struct {
	// Name is in lower case; a subcommand's has its container's before it, as
	// in "client|id".
	Name string
	// Arity is the number of words, the name (and the subcommand's) included;
	// negative means that many or more.
	Arity int
	// Flags are what COMMAND INFO prints as flags.
	Flags Flags
	// First and Last are the positions of the first and the last key, Step the
	// distance from key to key. A negative Last counts from the end: -1 is the
	// last word. First is zero if there is no key.
	First, Last, Step int
	// Access says what the command does with its keys.
	Access Access
	// Notes explains an Access that is not the whole truth. Often empty.
	Notes string
	// Categories are the ACL categories beyond those that follow from Flags.
	Categories Categories
	// Tips are Redis's hints for proxies and clients.
	Tips []string

	// Group, Summary, Since and Complexity are documentation; Since is the version of
	// Redis that brought the command, or ours for a command of our own.
	Group, Summary, Since, Complexity string
	// Syntax is the arguments in the notation of syntax.go.
	Syntax string
	// Deprecated is the version that did so and Instead what to use; empty for
	// most.
	Deprecated, Instead string

	// Subcommands is not empty for a container such as CLIENT.
	Subcommands []*Spec

	// Keys says what part of the keys the command is about.
	Keys Keys
	// Join says how the replies for single keys combine, if Keys is KeyMany.
	Join Join
	// Looks says that the command looks at what is there before it writes, with
	// any options. SET looks with some of its options only: see LooksWith.
	Looks bool

	// looks refines Looks; nil for most.
	looks func(args [][]byte) bool
	// parse reads the words, before the store is touched. It returns false if
	// it has replied: with an error as a rule.
	parse func(*Call) bool
	// read or update executes the command; both are nil for a command that is
	// executed by somebody else.
	read   func(*Call, *datastore.View)
	update func(*Call, *datastore.View, *datastore.Delta)
}

// Keys is what part of the keys a command is about.
type Keys uint8

const (
	// KeyNone is about no key: the node answers (INFO, CONFIG, COMMAND).
	KeyNone Keys = iota
	// Connection is about the connection that it arrives on (CLIENT, HELLO).
	Connection
	// KeyOne is about the key at First. [Call.Exec] executes it.
	KeyOne
	// KeyMany is about the keys from First to Last, each on its own: it is cut
	// into commands of one key (see [Spec.AppendPart]), which Exec executes.
	KeyMany
	// KeySpace is about all keys (KEYS, SCAN, DBSIZE, FLUSHALL).
	KeySpace
)

// Join is how the replies to the parts of a command on several keys become
// one reply. An error among them is the reply whatever the Join; see [Combine].
type Join uint8

const (
	// JoinNone is for commands that have no parts.
	JoinNone Join = iota
	// JoinSum adds integers up (DEL, EXISTS).
	JoinSum
	// JoinArray strings the elements of arrays together in order (MGET).
	JoinArray
	// JoinOK is OK when all parts said so (MSET).
	JoinOK
)

// Write says whether the command may change data.
func (s *Spec) Write() bool { return s.Flags&Write != 0 }

// Keyed says whether the command names keys; then [Call.Exec] executes it, or
// each of its parts.
func (s *Spec) Keyed() bool { return s.First > 0 }

// Accepts says whether n words, the command's name included, fit its arity.
// A command on several keys asks for whole groups: MSET for a value per key.
func (s *Spec) Accepts(n int) bool {
	if s.Arity >= 0 {
		return n == s.Arity
	}
	return n >= -s.Arity && (s.Keys != KeyMany || (n-s.First)%s.Step == 0)
}

// LooksWith says whether the command looks at what is there before it writes
// with these words. It is Looks for all but SET.
func (s *Spec) LooksWith(args [][]byte) bool {
	return s.Looks || s.looks != nil && s.looks(args)
}

// NumKeys is how many keys a command with n words names.
func (s *Spec) NumKeys(n int) int {
	if s.First == 0 || n <= s.First {
		return 0
	}
	last := s.Last
	if last < 0 {
		last += n
	}
	return (last-s.First)/s.Step + 1
}

// AppendPart appends the words of the k-th single-key part of a command on
// several keys: its name, the key, and what belongs to the key. The words
// alias args. What comes is a whole command: MGET of one key replies an array
// of one.
func (s *Spec) AppendPart(dst, args [][]byte, k int) [][]byte {
	at := s.First + k*s.Step
	dst = append(dst, args[:s.First]...)
	return append(dst, args[at:at+s.Step]...)
}
