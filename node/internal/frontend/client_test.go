package frontend

import (
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/respserver"
)

func TestClientReply_OffAndSkip_DropRepliesNotCommands(t *testing.T) {
	router := &fake{}
	f, w := one(t, Config{Router: router})
	w.write(request("SET", "a", "0") + request("CLIENT", "REPLY", "OFF") +
		request("SET", "a", "1") + request("PING") + request("NOSUCH") + request("GET") +
		request("CLIENT", "REPLY", "SKIP") + request("CLIENT", "REPLY", "nonsense") + request("INCR", "a") +
		request("CLIENT", "REPLY", "ON") + request("GET", "a") +
		request("CLIENT", "REPLY", "SKIP") + request("SET", "a", "5") + request("GET", "a") +
		request("CLIENT", "REPLY", "SKIP") + request("PING") + request("PING", "b") +
		request("CLIENT", "REPLY", "SKIP") + request("CLIENT", "REPLY", "ON") +
		request("CLIENT", "REPLY", "SKIP") + request("NOSUCH") + request("ECHO", "end"))
	for _, want := range []string{`+OK`, `+OK`, `"2"`, `"5"`, `"b"`, `+OK`, `"end"`} {
		if got := w.reply(); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
	if n := f.Snapshot().Errors["ERR"]; n != 4 {
		t.Errorf("%d errors counted, want 4: dropped replies count too", n)
	}
	w.expect("CLIENT REPLY ON", "+OK")
	w.write(request("CLIENT", "REPLY", "OFF") + request("RESET") + request("PING"))
	if got := w.reply() + w.reply(); got != "+RESET+PONG" {
		t.Errorf("after RESET: %s", got)
	}
}

func TestClientReply_Off_DropsWhatTheRouterFlushes(t *testing.T) {
	router := &fake{reply: func(s *Session, _ Request, out []byte) []byte {
		return s.Flush(respserver.AppendBulkString(out, "no"))
	}}
	_, w := one(t, Config{Router: router})
	w.write(request("CLIENT", "REPLY", "OFF") + strings.Repeat(request("GET", "a"), 5) +
		request("CLIENT", "REPLY", "ON") + request("GET", "a"))
	if got := w.reply() + w.reply(); got != `+OK"no"` {
		t.Errorf("got %s", got)
	}
}

func TestClientList_ShowsWhatConnectionsSaid(t *testing.T) {
	_, addr := start(t, Config{})
	a := dial(t, "tcp", addr)
	a.expect("CLIENT SETNAME alice", "+OK") // it is accepted before the other
	b := dial(t, "tcp", addr)
	a.expect("CLIENT SETINFO lib-name mine", "+OK")
	a.expect("CLIENT SETINFO LIB-VER 1.2", "+OK")
	a.expect("CLIENT NO-TOUCH on", "+OK")
	a.expect("CLIENT SETINFO LIB-NAME two words", "-ERR wrong number of arguments for 'client|setinfo' command")
	a.expect(`CLIENT SETINFO LIB-NAME "two words"`, "-ERR LIB-NAME cannot contain spaces, newlines or special characters.")
	a.expect("CLIENT SETINFO nothing x", "-ERR Unrecognized option 'nothing'")
	b.expect("HELLO 3", "{…}")
	b.expect("CLIENT TRACKING ON OPTIN", "+OK")
	a.expect("GET x", "nil")
	const line = `id=1 addr=127.0.0.1:… laddr=` + "ADDR" + ` fd=-1 name=alice age=0 idle=0 flags=T db=0 ` +
		`sub=0 psub=0 ssub=0 multi=-1 qbuf=…cmd=get user=default redir=-1 resp=2 lib-name=mine lib-ver=1.2\n`
	b.expect("CLIENT LIST", `txt"`+strings.ReplaceAll(line, "ADDR", addr)+
		`id=2 addr=… name= age=0 idle=0 flags=t …cmd=client|list user=default redir=0 resp=3 lib-name= lib-ver=\n"`)
	b.expect("CLIENT LIST ID 1", `txt"id=1 …lib-ver=1.2\n"`)
	b.expect("CLIENT LIST ID 2 1 77", `txt"id=1 …\nid=2 …\n"`)
	b.expect("CLIENT LIST TYPE normal", `txt"id=1 …\nid=2 …\n"`)
	b.expect("CLIENT LIST TYPE pubsub", `txt""`)
	b.expect("CLIENT ID", ":2")
	a.expect("CLIENT INFO", `"id=1 …cmd=client|info …\n"`)
}

func TestClientKill_EndsOthersAtOnceAndOneselfAfterTheReply(t *testing.T) {
	_, addr := start(t, Config{})
	me := dial(t, "tcp", addr)
	me.expect("CLIENT ID", ":1")
	kill := func(id, command, reply string) {
		t.Helper()
		victim := dial(t, "tcp", addr)
		victim.expect("CLIENT ID", id)
		me.expect(strings.ReplaceAll(command, "VICTIM", victim.conn.LocalAddr().String()), reply)
		victim.gone()
	}
	kill(":2", "CLIENT KILL VICTIM", "+OK")
	kill(":3", "CLIENT KILL ID 3", ":1")
	kill(":4", "CLIENT KILL ADDR VICTIM", ":1")
	kill(":5", "CLIENT KILL LADDR "+addr, ":1")
	kill(":6", "CLIENT KILL TYPE normal USER default", ":1")
	kill(":7", "CLIENT KILL SKIPME yes", ":1")
	me.expect("CLIENT KILL ID 1 SKIPME no ADDR 1.2.3.4:5", ":0")
	me.expect("CLIENT KILL ID 1", ":0")
	me.write(request("CLIENT", "KILL", "ID", "1", "SKIPME", "no") + request("PING"))
	if got := me.reply(); got != ":1" {
		t.Errorf("got %s", got)
	}
	me.end()
}

// gone expects that the connection ends, by whatever means.
func (w *wire) gone() {
	w.t.Helper()
	if _, err := w.in.ReadByte(); err == nil {
		w.t.Error("the connection lives")
	}
}

func TestClientTracking_OnlyOptInAndNothingCached(t *testing.T) {
	_, w := one(t, Config{})
	w.expect("HELLO 3", "{…}")
	for _, mode := range []string{"", "OPTOUT", "BCAST", "BCAST PREFIX a", "OPTIN REDIRECT 1", "NOLOOP", "OPTIN BCAST"} {
		w.expect("CLIENT TRACKING ON "+mode, errText(errTrackingMode))
	}
	w.expect("CLIENT TRACKINGINFO", `{"flags": ~{"off"}, "redirect": :-1, "prefixes": []}`)
	w.expect("CLIENT TRACKING ON OPTIN NOLOOP", "+OK")
	w.expect("CLIENT TRACKINGINFO", `{"flags": ~{"on", "optin"}, "redirect": :0, "prefixes": []}`)
	for _, cached := range []string{"GET a", "PING", "NOSUCH", "SET a"} {
		w.expect("CLIENT CACHING YES", errText(errCachingYes))
		w.expect(cached, errText(errCachedNext))
		w.expect("GET a", "nil")
	}
	w.expect("CLIENT CACHING NO", "+OK")
	w.expect("GET a", "nil")
	w.expect("INFO clients", `txt"…tracking_clients:1\r\n…"`)
	w.expect("CLIENT TRACKING OFF", "+OK")
	w.expect("CLIENT CACHING YES", errText(errNotTracking))
}

func errText(text string) string { return "-" + text }

func TestReset_MakesTheConnectionNew(t *testing.T) {
	_, w := one(t, Config{})
	w.expect("HELLO 3 SETNAME x", "{…}")
	w.expect("CLIENT TRACKING ON OPTIN", "+OK")
	w.expect("DYN.CONSISTENCY DC_ONE", "+OK")
	w.expect("DYN.ORDER ON", "+OK")
	w.expect("RESET", "+RESET")
	w.expect("DYN.CONSISTENCY", `["read", "DC_QUORUM", "write", "DC_QUORUM"]`)
	w.expect("DYN.ORDER", `"off"`)
	w.expect("CLIENT INFO", `"…name= …flags=N …resp=2…"`)
}

func TestOpen_OneTooMany_GetsRedisText(t *testing.T) {
	f, addr := start(t, Config{MaxClients: 2})
	a, b := dial(t, "tcp", addr), dial(t, "tcp", addr)
	a.expect("PING", "+PONG")
	b.expect("PING", "+PONG")
	c := dial(t, "tcp", addr)
	if got := c.reply(); got != "-ERR max number of clients reached" {
		t.Errorf("got %s", got)
	}
	c.end()
	a.expect("CONFIG SET maxclients 3", "+OK")
	dial(t, "tcp", addr).expect("PING", "+PONG")
	if snap := f.Snapshot(); snap.Connections != 3 || snap.Accepted != 3 || snap.Refused != 1 {
		t.Errorf("%d connections, %d accepted, %d refused", snap.Connections, snap.Accepted, snap.Refused)
	}
}

func TestConfigSetTimeout_EndsIdleConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, err := New(Config{Router: &fake{}})
		if err != nil {
			t.Fatal(err)
		}
		server, err := respserver.New(respserver.Config{Handler: f})
		if err != nil {
			t.Fatal(err)
		}
		client, end := net.Pipe()
		defer client.Close()
		go server.ServeConn(end)
		w := newWire(t, client)
		w.expect("PING", "+PONG")
		time.Sleep(time.Hour) // virtual
		w.expect("CONFIG SET timeout 60", "+OK")
		time.Sleep(59 * time.Second)
		w.expect("PING", "+PONG")
		before := time.Now()
		w.gone()
		if idle := time.Since(before); idle < 59*time.Second || idle > 62*time.Second {
			t.Errorf("closed after %v", idle)
		}
		if err := server.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
}
