package frontend

import "github.com/dynomite-go/dynomite/node/internal/command"

// Router executes data commands.
type Router interface {
	// Run executes the commands of one connection and appends exactly one
	// reply for each to out, in order. It returns out. It is called by one
	// goroutine per connection, for many connections at once, with at most
	// [MaxGroup] commands. cmds and what they refer to are valid until it
	// returns. When out grows large, Run may hand it to [Session.Flush] between
	// two replies and go on with what comes back. Before it waits it calls
	// [Session.Alone].
	Run(s *Session, cmds []Request, out []byte) []byte
}

// Starter is a [Router] that need not wait.
type Starter interface {
	Router
	// Start begins the last group of a batch. It returns false, with nothing
	// done, if the group has to be given to Run. Otherwise it has called
	// [Session.Suspend], and whoever has the replies calls [Session.Finish],
	// once, perhaps before Start returns. cmds and what they refer to are valid
	// until then.
	Start(s *Session, cmds []Request) bool
}

// Request is one data command of a group. Its arity is checked.
type Request struct {
	// Spec describes the command; it is never nil.
	Spec *command.Spec
	// Args are the command's words, its name first, as the client spelt it.
	// They alias the connection's read buffer.
	Args [][]byte
}

// MaxGroup bounds the commands of one [Router.Run]: enough that a pipeline
// costs few rounds to the peers, and few enough that replies to a long pipeline
// start to leave before all of it is executed.
const MaxGroup = 1024

// flushBytes is how much output may gather before it is written in the middle
// of a batch. Writing earlier costs more system calls, later more memory.
const flushBytes = 512 << 10
