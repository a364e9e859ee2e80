// Package peerwire carries requests and replies between the nodes of a cluster,
// over any [net.Conn]: TCP, TLS, or a pipe in a test.
//
// It is made for one thing: very many small requests and now and then a huge
// one, between nodes that come and go. Requests are pipelined and written in
// batches, huge ones are cut into frames that leave room for the small ones,
// queues are bounded, and whoever asked is always told, once, what is known of
// his request.
//
// # Asking
//
// A [Peer] is another node as seen from here. It dials, and dials again:
//
//	p, err := peerwire.NewPeer(peerwire.PeerConfig{
//		Dial:    func(ctx context.Context) (net.Conn, error) { return dialer.DialContext(ctx, "tcp", addr) },
//		Cluster: "prod", Node: "node-1", Remote: "node-2",
//	})
//	p.Start(ctx)
//	...
//	p.Send(peerwire.Request{Kind: write, Deadline: deadline, Payload: delta},
//		func(reply []byte, err error) { ... })
//
// [Peer.Send] never blocks. Its callback comes exactly once, never within Send,
// and must not block; the reply is valid until it returns. [Peer.Call] is the
// same for those who can wait, and [Peer.Notify] sends what needs no reply.
//
// # Answering
//
// A [Server] hands requests to a [Handler] on the goroutine that reads their
// connection. A handler that needs time calls [Incoming.Retain] and replies
// later, from any goroutine:
//
//	s, err := peerwire.NewServer(peerwire.ServerConfig{
//		Cluster: "prod", Node: "node-2",
//		Handler: peerwire.HandlerFunc(func(in *peerwire.Incoming) { in.Reply(in.Payload) }),
//	})
//	mux := peerwire.NewMux(listener, 0)
//	mux.Handle(peerwire.MagicPeer, func(c net.Conn) { s.ServeConn(c) })
//	go mux.Serve()
//
// [Mux] splits the connections of a listener by their first 4 bytes, so that
// others (gossip, say) can use the same port.
//
// # What an error says
//
// Every failure is an [*Error] whose Sent tells what matters: false means that
// the request has not been executed and never will be, so it can safely go
// elsewhere; true means that nobody here knows.
//
//	ErrUnavailable   no connection, or the server refused            Sent false
//	ErrQueueFull     the peer is slower than its load: shed it       Sent false
//	ErrTooLarge      larger than either side accepts                 Sent false
//	ErrDeadline      no reply in time          Sent as it was when time was up
//	ErrLost          the connection ended                            Sent true
//	ErrReplyDropped  executed, the reply did not fit in the queue    Sent true
//	ErrStopped       this Peer is stopped                            Sent false
//
// A request that is still queued when its deadline passes, or of which only a
// part has been written, is taken back: Sent is false, and the server drops what
// it has. A Peer without connection fails requests at once.
//
// # Order
//
// On one connection, requests of at most [MaxFrame] bytes are handled in the
// order of Send. A larger one is handled when its last frame has come, and
// smaller ones pass it. Replies come in any order.
//
// # Health
//
// Every PingInterval the other end is asked for a sign of life, of which every
// byte is one. After MissedPings intervals without any, [Peer.Responsive] turns
// false: that is how a process that is stopped, or a cut cable, is noticed, while
// the requests keep their own deadlines. After CutAfter the connection is closed
// and dialed anew. [PeerConfig].OnState is told of changes.
//
// Deadlines travel as remaining time, so that clocks need not agree; time in our
// queue is subtracted, time on the network is not. A server that is told that its
// process stood still takes what it reads for as old as its last read, until a ping
// of its own is answered. One timer goroutine per Peer looks at deadlines, at most
// every 5 ms.
//
// # The wire
//
// Each side begins with a [Preface]: magic, version, a hash of the cluster's
// name, the largest message that it accepts, its node id. Then come frames:
//
//	version type flags code | payload length | id | payload
//	   1     1    1     1          4           8    at most 64 KiB
//
// The first frame of a message also has, before the payload, its total length
// (4), remaining milliseconds (4), epoch number (8) and epoch hash (8). All
// integers are big-endian. Large messages take turns, 4 frames between every
// 128 KiB of small ones. A receiver allows 64 unfinished messages, of together
// twice its largest message, and allocates for a message as its bytes come in.
// There is no checksum: TCP has one, and TLS a better one.
//
// Whatever breaks these rules ends the connection; the other end is told why if
// it still reads. A frame of a newer version is refused ([ErrVersion]).
//
// # Costs
//
// A small request copies its payload once on either side and allocates nothing
// but its 128-byte [Incoming], in groups of 32, at the server; Call allocates the
// reply that it returns. A connection holds two goroutines on either side, a
// Peer one more, and up to about half a megabyte of buffers once it has been
// busy. On two cores of a small cloud machine, client and server in one process
// over loopback, 150-byte requests: 50,000 a second one after the other, one
// million with 50 in flight, two and a half million with 500.
//
// # What it is not
//
// No encryption and no authentication: give it TLS connections, and let
// [ServerConfig].Admit compare the certificate with the node id. No streaming, no
// compression, no service definitions. Nothing is retried: only the caller knows
// whether that is safe.
package peerwire
