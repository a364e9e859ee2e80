package node

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/node/datastore/disk"
	"github.com/dynomite-go/dynomite/node/internal/layout"
)

func TestModule_IsComplete(t *testing.T) {
	err := fx.ValidateApp(fx.Supply(Config{}), Module)
	if err != nil {
		t.Fatal(err)
	}
	all, err := decorations([]Option{
		WithDatastore(openMemory), WithDisk(disk.OS()), WithSeeds(StaticSeeds{"127.0.0.1:1"}), WithTransport(tcpTransport{}),
		WithObserver(Observer{}), WithClock(func() int64 { return 0 }),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := fx.ValidateApp(fx.Supply(Config{}), parts, all, fx.Invoke(func(*Node) {})); err != nil {
		t.Fatal(err)
	}
}

func TestIdentity_CleanStopKeepsTheNumber_AnythingElseTakesTheNext(t *testing.T) {
	dir := t.TempDir()
	open := func() *identity {
		t.Helper()
		n, err := openIdentity(disk.OS(), dir, "n1", "c", time.Unix(0, 0))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	first := open()
	if first.file.Generation != 1 || first.clean || first.kept {
		t.Fatalf("first start: %+v", first)
	}
	high := datastore.At(1000, 7, 3)
	if err := first.markClean(high); err != nil {
		t.Fatal(err)
	}
	first.close()
	second := open()
	if second.file.Generation != 1 || !second.clean || !second.kept || second.high != high {
		t.Fatalf("after a clean stop: %+v", second)
	}
	second.close() // as a crash: no mark
	third := open()
	if third.file.Generation != 2 || third.clean || third.kept != (third.file.Boot != "") {
		t.Fatalf("after a crash of the process: %+v", third)
	}
	if _, err := openIdentity(disk.OS(), dir, "n1", "c", time.Unix(0, 0)); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Fatalf("a second process: %v", err)
	}
	third.close()
	third.file.Boot = "another run of the machine"
	b, _ := json.Marshal(third.file)
	if err := os.WriteFile(filepath.Join(dir, "node.json"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	fourth := open()
	if fourth.kept {
		t.Fatal("after a loss of power the tail of the log counts as kept")
	}
	fourth.close()
	if _, err := openIdentity(disk.OS(), dir, "n2", "c", time.Unix(0, 0)); err == nil || !strings.Contains(err.Error(), `belongs to the node "n1"`) {
		t.Fatalf("another name: %v", err)
	}
	if _, err := openIdentity(disk.OS(), dir, "n1", "d", time.Unix(0, 0)); err == nil || !strings.Contains(err.Error(), `belongs to the cluster "c"`) {
		t.Fatalf("another cluster: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "node.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openIdentity(disk.OS(), dir, "n1", "c", time.Unix(0, 0)); err == nil || !strings.Contains(err.Error(), "node.json") {
		t.Fatalf("a damaged file: %v", err)
	}
}

func TestIdentity_WithoutADirectory_TheNumberComesFromTheClock(t *testing.T) {
	a, _ := openIdentity(disk.OS(), "", "n", "c", time.Unix(1000, 0))
	b, _ := openIdentity(disk.OS(), "", "n", "c", time.Unix(1001, 0))
	if a.file.Generation == b.file.Generation {
		t.Fatal("two starts share a generation")
	}
}

// A machine that was replaced has the name of the old one and not its disk.
func TestIdentity_AnEmptyDisk_TakesAnotherNumber(t *testing.T) {
	a, err := openIdentity(disk.OS(), t.TempDir(), "n", "c", time.Unix(1000, 0))
	if err != nil {
		t.Fatal(err)
	}
	b, err := openIdentity(disk.OS(), t.TempDir(), "n", "c", time.Unix(2000, 0))
	if err != nil {
		t.Fatal(err)
	}
	if a.file.Generation == b.file.Generation {
		t.Fatalf("both are of generation %d", a.file.Generation)
	}
	if last, _ := openIdentity(disk.OS(), t.TempDir(), "n", "c", time.UnixMilli(100*(1<<24-1))); last.file.Generation > layout.MaxGeneration/2+1 {
		t.Fatalf("it begins with generation %d, and soon none is left", last.file.Generation)
	}
	a.close()
	b.close()
}

func TestSkew_OneWrongClockAmongThreeIsNoticedByItself(t *testing.T) {
	var s skew
	s.heard("a", 5000)
	if s.excessive() {
		t.Fatal("two clocks have no majority")
	}
	s.heard("b", 5010)
	if got := s.offset(); got != 5*time.Second {
		t.Fatalf("offset %v", got)
	}
	if !s.excessive() {
		t.Fatal("five seconds behind everybody is not noticed")
	}
	s.heard("b", 3)
	if s.excessive() {
		t.Fatal("the other's clock is wrong, not ours")
	}
}

func TestStatus_RoundTrip_AndNothingElse(t *testing.T) {
	for _, s := range []status{{}, {complete: true, generation: 9, wall: 1 << 45}, {leaving: true}} {
		got, err := readStatus(s.append(nil))
		if err != nil || got != s {
			t.Fatalf("%+v became %+v, %v", s, got, err)
		}
	}
	for _, b := range [][]byte{nil, {1}, bytes.Repeat([]byte{2}, 14), bytes.Repeat([]byte{1}, 15)} {
		if _, err := readStatus(b); err == nil {
			t.Errorf("% x was taken", b)
		}
	}
}

func TestReadReply(t *testing.T) {
	for _, c := range []struct {
		in   string
		want any
	}{
		{"+OK\r\n", "OK"},
		{"-ERR x\r\n", ReplyError("ERR x")},
		{":-5\r\n", int64(-5)},
		{"_\r\n", nil},
		{"#t\r\n", true},
		{",1.5\r\n", 1.5},
		{"$5\r\nhe\r\no\r\n", "he\r\no"},
		{"$-1\r\n", nil},
		{"=7\r\ntxt:abc\r\n", "abc"},
		{"*2\r\n:1\r\n*1\r\n$1\r\na\r\n", []any{int64(1), []any{"a"}}},
		{"*-1\r\n", nil},
		{"%1\r\n$1\r\nk\r\n:1\r\n", map[string]any{"k": int64(1)}},
	} {
		got, err := readReply(bufio.NewReader(strings.NewReader(c.in)))
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: got %#v, %v; want %#v", c.in, got, err, c.want)
		}
	}
}
