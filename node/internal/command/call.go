package command

import (
	"math/rand/v2"

	"github.com/dynomite-go/dynomite/node/datastore"
)

// Call executes commands, one after the other. A connection keeps one: its
// buffers are used again, so that the common commands allocate nothing. The
// zero value is ready. It is used by one goroutine at a time and must not be
// copied once used.
//
// The caller sets Args, Spec and Proto, takes Out and Delta from the last
// call or from elsewhere, and calls [Call.Exec].
type Call struct {
	// Args are the words of the command, its name first. Its number of words
	// need not be checked. Exec changes nothing in them and keeps nothing of
	// them.
	Args [][]byte
	// Spec is the command, found with [Resolve].
	Spec *Spec
	// Proto is the version of RESP that Out is written in: 3, anything else
	// means 2.
	Proto int
	// Force makes DEL and UNLINK write that the key is gone even if they do
	// not see it: at quorum levels somebody else may hold what this store does
	// not.
	Force bool
	// WantDigest makes commands that only read set Before too.
	WantDigest bool
	// Alone says that nobody else has a copy: a writing command need not set
	// Before.
	Alone bool
	// Rand is what HRANDFIELD draws from; nil means the runtime's source.
	Rand *rand.Rand

	// Out is what the reply is appended to. It grows by exactly one reply.
	Out []byte
	// Delta is what the encoded delta is appended to, if there is one.
	Delta []byte

	// Touched says whether the store was asked. A command that is wrong by
	// itself is answered before.
	Touched bool
	// Looked says that what was replied or written depends on what the key
	// showed. It is false for SET without options, whatever is there.
	Looked bool
	// Missing says that there was no key.
	Missing bool
	// Wrote says whether there is a delta.
	Wrote bool
	// Stamp is the version that a writing command ran at; zero if the store
	// was not asked to write.
	Stamp datastore.Version
	// Before is the digest of the record as a writing command saw it, zero if
	// none was held. Only set if Touched, for a writer that is not Alone or if
	// WantDigest is set.
	Before uint64

	state
}

// state is what parsing leaves for the execution of the same command.
type state struct {
	opt    options
	when   []byte // the word that says when to expire; nil if none
	n, m   int64
	cursor uint64
	// scratch
	buf   []byte
	index []int
	spans []span
}

var (
	_ datastore.Reader  = (*Call)(nil)
	_ datastore.Updater = (*Call)(nil)
)

// Exec executes the command on its key in s and appends the reply to Out. It
// may be called again with the same words, for instance after what other
// replicas wrote was merged; nothing of the call before is remembered, but its
// reply is still in Out unless the caller cut it off.
//
// An error is the store's. There is no reply then, and what is in Delta is of
// no use.
func (c *Call) Exec(s datastore.Store) error {
	spec := c.Spec
	c.Touched, c.Looked, c.Wrote, c.Missing = false, false, false, false
	c.Stamp, c.Before = datastore.Version{}, 0
	if !spec.Accepts(len(c.Args)) {
		c.Out = AppendArity(c.Out, spec)
		return nil
	}
	if spec.parse != nil && !spec.parse(c) {
		return nil
	}
	from := len(c.Out)
	switch {
	case spec.update != nil:
		c.Touched, c.Looked = true, spec.LooksWith(c.Args)
		up, err := s.Update(c.Args[spec.First], c, c.Delta)
		if err != nil {
			c.Out = c.Out[:from]
			return err
		}
		c.Delta, c.Wrote, c.Stamp, c.Before = up.Delta, up.Wrote, up.Stamp, up.Before
	case spec.read != nil:
		c.Touched, c.Looked = true, true
		var err error
		if key := c.Args[spec.First]; c.WantDigest {
			c.Before, err = s.ReadDigest(key, c)
		} else {
			err = s.Read(key, c)
		}
		if err != nil {
			c.Out = c.Out[:from]
			return err
		}
	default:
		c.fail("ERR the command '" + spec.Name + "' is about no single key")
	}
	return nil
}

// Read implements [datastore.Reader]; it is for stores to call.
func (c *Call) Read(v *datastore.View) {
	c.Missing = v.Kind() == datastore.None
	c.Spec.read(c, v)
}

// Update implements [datastore.Updater]; it is for stores to call.
func (c *Call) Update(v *datastore.View, d *datastore.Delta) {
	c.Missing = v.Kind() == datastore.None
	if c.Alone {
		d.WithoutBefore()
	}
	c.Spec.update(c, v, d)
}
