// Package respserver speaks Redis's protocol to clients: it accepts
// connections, reads requests in RESP or typed inline, hands them in batches
// to a Handler, and writes the replies, in RESP2 or RESP3. What the commands
// mean is the handler's business.
//
// # Use
//
//	type handler struct{}
//
//	func (handler) Open(c *respserver.Conn) error { return nil }
//	func (handler) Close(c *respserver.Conn)      {}
//
//	func (handler) Serve(c *respserver.Conn, batch []respserver.Command) {
//		for _, cmd := range batch {
//			c.Out = respserver.AppendBulk(c.Out, cmd.Args[0])
//		}
//	}
//
//	server, err := respserver.New(respserver.Config{Handler: handler{}})
//	...
//	go server.Serve(listener) // TCP, Unix, or tls.NewListener's
//	...
//	err = server.Stop(ctx)
//
// The example at the end is a small key-value server.
//
// # Batches
//
// Each connection has one goroutine, at first and by default:
//
//	read all there is -> parse -> Serve(batch) -> write Out -> read ...
//
// A client that pipelines finds its requests in one batch and its replies in
// one write. In steady state nothing is allocated: arguments lie in the read
// buffer, and are valid only until Serve returns. Two rules follow for
// handlers: copy what is kept, and append exactly one reply per request, in
// order. Config.MaxBatch bounds a batch; a reply too large to be collected may
// be written in parts with Conn.Flush.
//
// A handler that waits (as BLPOP does) holds up its own connection only. While
// it waits, Conn.Watch lets it learn that the client went away.
//
// # Replies that come later
//
// A handler that needs others for its replies may call Conn.Suspend and return.
// Whoever has the replies then, on whatever goroutine, appends them and calls
// Conn.Resume, which writes them there and then if the socket takes them. No
// goroutine waits in between.
//
// # Many connections on one goroutine
//
// With Config.Share, connections that are plain sockets move to an event loop
// once 32 batches in a row were served without waiting (Linux):
//
//	      +------------ epoll: which clients sent something? ------------+
//	      v                                                               |
//	Begin -> read, parse, Serve, write -> the same for the next one -> End
//
// That saves the scheduler's part of a small request: a loop that has something
// to do never goes to sleep between two clients. In return a handler calls
// Conn.Alone before it waits or works for long. The connection then keeps the
// goroutine, another one goes on with the loop, and the connection comes back
// when it has been calm for a while. There is one loop as long as it is not
// busy all the time, and at most as many as processors.
//
// # Framing
//
// The parser goes over the input once, however it is cut into reads, and
// remembers where it was. A large argument is read to where it will be used;
// its buffer grows as bytes arrive, not by the length that was announced.
// What is accepted and what is refused, with which words, is that of Redis 7,
// byte for byte, as the recorded replies in testdata show. After a protocol
// error the replies to the requests before it are sent, then the error, then
// the connection is closed. There are four deliberate differences:
//
//   - Limits.MaxArgs is 1,048,576 as in Redis 6; Redis 7 takes any int.
//   - A request larger than Limits.MaxQuery gets an error; Redis only closes
//     the connection. It gets it as soon as its lengths say so.
//   - A NUL byte in an inline request is a byte; in Redis it hangs the
//     connection.
//   - A line is too long when it is longer than MaxInline; in Redis that also
//     depends on how it was cut into packets.
//
// # Who may use how much
//
// Per connection the input is bounded by Limits.MaxQuery, replies by
// Limits.MaxOutput, pushed frames by Limits.MaxPush, and time by the timeouts
// of Config. Where the server wants a password (Config.RequireAuth), a client
// that did not give it yet has requests of at most 10 arguments of 16 KB.
// Buffers that grew are given back two seconds after their last use; an idle
// connection costs about 4 KB and a goroutine, and keeps at most 16 KB each way
// from busier times. The number of connections is the handler's to bound, by an
// error from Open: Server.Len counts.
//
// A client that does not read is cut off: after Config.WriteTimeout when
// replies are written, at Limits.MaxPush when frames are pushed. It never
// delays anybody else: Conn.Push only leaves its frames for the connection's
// own goroutine. But a client may write a long pipeline before it reads the
// first reply, as many libraries do. Both sides would wait for each other, so
// while a write waits, requests are read ahead, up to Limits.MaxQuery.
//
// # Panics
//
// A panic in the handler is logged with its stack, the client gets
// "-ERR internal error", its connection is closed, and everybody else goes on.
//
// # Ends
//
// Server.Stop closes the listeners, wakes idle connections and closes them,
// waits for running batches and writes their replies. Whatever ends a
// connection, Handler.Close is called once for each Open that returned nil.
// When the server ends a connection after a reply (QUIT, an error, Stop) it
// closes its sending side first and reads on for up to 250 ms: closing a
// socket with unread input would take back replies that the client has not
// read yet.
//
// # Writing replies
//
// The Append functions write RESP. Those whose form depends on the protocol
// take it as an argument, usually Conn.Proto. A handler that agrees to
// HELLO 3 calls Conn.SetProto(3) before it appends the reply.
package respserver
