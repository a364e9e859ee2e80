// Package frontend is the face that clients see: it implements
// [respserver.Handler], answers what concerns the connection or the server,
// and hands commands on data to a [Router].
//
// # A batch
//
// The RESP server hands over what one read brought, as a batch of commands.
// Frontend walks it in order:
//
//	SET a 1 | GET a | CLIENT ID | MGET a b | FOO | PING
//	`--- group ---´   `here---´   `group-´  `- here ---´
//
// Consecutive data commands make a group, which goes to [Router.Run] as a
// whole, so that the router can send one frame per peer. Connection and server
// commands (PING, CLIENT, INFO, ...) are answered in between. An unknown
// command, or one with too few arguments, gets Redis's error and never reaches
// the router. Replies keep the order of the commands; CLIENT REPLY OFF and
// SKIP drop them on the way out, whoever wrote them. Nothing is allocated per
// command in steady state.
//
// # What it knows and what it is told
//
// Connections, names, statistics per command and errors by their prefix are
// counted here and read with [Frontend.Snapshot]. Everything else that INFO
// shows comes from functions in [Facts], every one optional. CONFIG GET and
// SET work on one table of [Parameter] values: the built-in ones plus those of
// the [Config], which replace a built-in one of the same name.
//
// # Texts
//
// Reply shapes and error texts are those of redis-server 7.0; clients match on
// them. [RedisVersion], which HELLO and INFO announce, is of the 7.2 line
// because clients choose features by it; CLIENT SETINFO and NO-TOUCH, which
// came with 7.2, are there.
//
// Where it departs from Redis, it does so to keep a promise:
//
//   - CLIENT TRACKING is accepted with OPTIN only and CLIENT CACHING YES is
//     refused together with the command behind it, because no invalidation
//     messages are sent yet: no client can come to believe that a key of its
//     cache is still fresh.
//   - SELECT knows database 0 alone.
//   - CONFIG SET refuses what would have no effect. Setting a parameter to the
//     value it has succeeds, also where another value would be refused.
//   - CLUSTER says that cluster support is disabled: any node takes any
//     command, and a client needs no map.
//
// Its own commands are DYN.CONSISTENCY and DYN.ORDER, which show and set how
// the connection's commands are executed, and DYN.HINTS, which shows what is
// kept for nodes that missed writes and waits until they have it.
package frontend
