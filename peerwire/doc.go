// Package peerwire carries framed requests and replies between the nodes of a
// cluster, over any [net.Conn].
//
// # Exported API (early version; signatures others may build on)
//
//	type Epoch struct{ Number, Hash uint64 }
//
//	type Request struct {
//		Kind     byte      // the application's own message kind
//		Epoch    Epoch     // of the sender's layout
//		Deadline time.Time // zero: none; travels as remaining time
//		Payload  []byte    // copied before Send returns, unless Frozen
//		Frozen   bool      // Payload is never modified again: large ones are sent without a copy
//	}
//
//	type PeerConfig struct {
//		Dial            func(ctx context.Context) (net.Conn, error) // required
//		Cluster, Node   string // our cluster name and node id, required
//		Remote          string // node id expected at the other end; "" accepts any
//		Conns           int    // connections kept, default 1
//		MaxQueueBytes, MaxPending, MaxMessageBytes int
//		PingInterval    time.Duration // 1 s
//		MissedPings     int           // 2
//		...
//		OnState         func(PeerState)
//	}
//	func NewPeer(cfg PeerConfig) (*Peer, error)
//	func (p *Peer) Start(ctx context.Context) error       // does not wait for the connection
//	func (p *Peer) Ready(ctx context.Context) error       // waits for the connection
//	func (p *Peer) Stop(ctx context.Context) error
//	func (p *Peer) Send(req Request, done func(reply []byte, err error)) // never blocks, done exactly once, never inside Send
//	func (p *Peer) Call(ctx context.Context, req Request) ([]byte, error)
//	func (p *Peer) Notify(req Request) error              // one-way
//	func (p *Peer) Responsive() bool
//	func (p *Peer) State() PeerState
//	func (p *Peer) Reconnect()                            // skips the backoff (gossip saw the node return)
//
//	type Error struct{ Peer string; Sent bool; Err error } // Sent: may have been executed
//	func Sent(err error) bool
//	var ErrQueueFull, ErrUnavailable, ErrDeadline, ErrLost, ErrTooLarge, ErrStopped, ErrReplyDropped error
//
//	type Handler interface{ Handle(req *Incoming) }       // on the reader goroutine, must not block
//	type HandlerFunc func(req *Incoming)
//	type Incoming struct{ Kind byte; OneWay bool; Payload []byte; Epoch Epoch; Deadline time.Time; From string }
//	func (in *Incoming) Reply(payload []byte)             // once, from any goroutine, copies
//	func (in *Incoming) Refuse()                          // not executed: the caller gets ErrUnavailable, Sent false
//	func (in *Incoming) Retain()                          // Payload becomes a copy that stays valid
//
//	type ServerConfig struct{ Handler Handler; Cluster, Node string; ... }
//	func NewServer(cfg ServerConfig) (*Server, error)
//	func (s *Server) ServeConn(conn net.Conn) error       // blocks until the connection ends
//	func (s *Server) Stop(ctx context.Context) error
//
//	type Magic [4]byte; var MagicPeer = Magic{'D','Y','N','W'}
//	func NewMux(l net.Listener, timeout time.Duration) *Mux
//	func (m *Mux) Handle(magic Magic, h func(net.Conn))    // before Serve; the conn replays its 4 bytes
//	func (m *Mux) Serve() error
//	func (m *Mux) Stop(ctx context.Context) error
//	func (m *Mux) Stats() MuxStats
package peerwire
