//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/dynomite-go/dynomite/node"
)

// sessionFile is written by this test with -update, and compared otherwise.
const sessionFile = "../../docs/session.md"

// session is a transcript: what was typed and what came of it, with the ports
// that a reader would have.
type session struct {
	t     *testing.T
	text  strings.Builder
	shown []string // pairs for a strings.Replacer: what is there, what is shown
}

// show has an address shown with another port.
func (s *session) show(addr, port string) {
	_, real, _ := net.SplitHostPort(addr)
	s.shown = append(s.shown, "127.0.0.1:"+real, "127.0.0.1:"+port, "-p "+real+" ", "-p "+port+" ")
}

func (s *session) say(text string) { s.text.WriteString("\n" + text + "\n") }

func (s *session) open()  { s.text.WriteString("\n```console\n") }
func (s *session) close() { s.text.WriteString("```\n") }

// typed adds a command line and its output.
func (s *session) typed(line, out string) {
	out = strings.NewReplacer(s.shown...).Replace(out)
	s.text.WriteString("$ " + line + "\n")
	for l := range strings.Lines(out) {
		s.text.WriteString(strings.TrimRight(l, " \n") + "\n")
	}
}

// cli runs redis-cli as a terminal would show it.
func (s *session) cli(addr, line string) {
	s.t.Helper()
	_, port, _ := net.SplitHostPort(addr)
	shown := strings.TrimSpace(strings.NewReplacer(s.shown...).Replace("-p " + port + " "))
	out := must(s.t, "redis-cli", append([]string{"--no-raw", "-p", port}, strings.Fields(line)...)...)
	s.typed("redis-cli "+shown+" "+line, strings.TrimSpace(out)+"\n")
}

// ask runs a dynomited command that asks a node, by default the first.
func (s *session) ask(admin string, args ...string) {
	s.t.Helper()
	out := must(s.t, binary, append(args, "--admin", admin)...)
	out = strings.NewReplacer(s.shown...).Replace(out)
	if args[0] == "status" {
		out = columns(out)
	}
	s.typed("dynomited "+strings.Join(args, " "), out)
}

var gap = regexp.MustCompile(` {2,}`)

// columns lines a table up again after its addresses got shorter.
func columns(table string) string {
	var b bytes.Buffer
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for line := range strings.Lines(table) {
		fmt.Fprint(t, gap.ReplaceAllString(line, "\t"))
	}
	_ = t.Flush()
	return b.String()
}

func TestSession_IsTheOneInTheDocumentation(t *testing.T) {
	s := &session{t: t}
	s.text.WriteString("# A session\n")
	s.say("Written by a test (`go test ./cmd/dynomited -run Session -update`), which types\n" +
		"these lines and compares. Only the ports are exchanged for the default ones.")
	s.oneProcess()
	s.threeProcesses()
	got := s.text.String()
	if *update {
		if err := os.WriteFile(sessionFile, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(sessionFile)
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`dynomited v\S+?([:,])`)
	mask := func(text string) string { return version.ReplaceAllString(text, "dynomited VERSION$1") }
	if mask(got) != mask(string(want)) {
		t.Errorf("%s differs; run the test with -update if the new text is right:\n%s", sessionFile, difference(mask(string(want)), mask(got)))
	}
}

// difference lists the lines that only one of the texts has.
func difference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return "- " + strings.Join(a, "\n- ") + "\n+ " + strings.Join(b, "\n+ ")
}

// oneProcess is the README's session.
func (s *session) oneProcess() {
	t := s.t
	p := launch(t, "dev", "--base-port", "0")
	if !p.serving() {
		t.Fatal(p.stderr.String())
	}
	clients, admins := devAddresses(p)
	for i, addr := range clients {
		s.show(addr, fmt.Sprintf("81%d2", i))
		s.show(admins[i], fmt.Sprintf("2222%d", 2+i))
	}
	m := &member{t: t, name: "node1", admin: admins[0]}
	for i, x := range m.members() {
		s.show(x.PeerAddr, fmt.Sprintf("81%d1", i))
	}
	s.say("## Three nodes in one process")
	s.open()
	s.typed("dynomited dev", p.stdout.String())
	s.close()
	s.say("Any node takes any command. In another terminal:")
	s.open()
	s.cli(clients[0], "set greeting hello")
	s.cli(clients[1], "get greeting")
	s.cli(clients[2], "incr visits")
	s.cli(clients[0], "incr visits")
	s.ask(admins[0], "status")
	s.ask(admins[0], "ring")
	s.close()
	p.terminate()
}

// threeProcesses is what happens when processes die.
func (s *session) threeProcesses() {
	t := s.t
	c := newCluster(t, nil)
	s.shown = nil
	for i, m := range c.members {
		s.show(m.client, fmt.Sprintf("81%d2", i))
		s.show(m.peer, fmt.Sprintf("81%d1", i))
		s.show(m.admin, fmt.Sprintf("2222%d", 2+i))
		s.shown = append(s.shown, filepath.Dir(m.conf)+"/", "")
	}
	n1, n2, n3 := c.members[0], c.members[1], c.members[2]
	s.say("## Three processes")
	s.say("Each has a file; here is the second one's.")
	s.open()
	file, err := os.ReadFile(n2.conf)
	if err != nil {
		t.Fatal(err)
	}
	s.typed("cat n2.yml", string(file))
	s.typed("dynomited -c n1.yml & dynomited -c n2.yml & dynomited -c n3.yml &", "")
	s.cli(n1.client, "set greeting hello")
	s.cli(n3.client, "hset user name ada born 1815")
	s.close()

	s.say("One of them is killed. The others go on; what they do meanwhile reaches it when\nit is back: `dyn.local` reads a node's own copy.")
	s.open()
	n2.kill()
	s.typed("kill -9 %2", "")
	n1.awaitDown(n2)
	n3.awaitDown(n2)
	s.cli(n1.client, "set greeting hello-again")
	s.cli(n3.client, "hdel user born")
	s.ask(n1.admin, "status")
	n2.start()
	c.awaitWhole()
	s.typed("dynomited -c n2.yml &", "")
	s.cli(n2.client, "dyn.local get greeting")
	s.cli(n2.client, "dyn.local hgetall user")
	s.close()

	s.say("Without a majority a command is refused and says who is missing. Whoever prefers\nan old answer to none asks for one copy.")
	s.open()
	n2.kill()
	n3.kill()
	s.typed("kill -9 %2 %3", "")
	n1.awaitDown(n2)
	n1.awaitDown(n3)
	s.cli(n1.client, "get greeting")
	s.cli(n1.client, "set greeting goodbye")
	in := exec.Command("redis-cli", "--no-raw", "-p", n1.port())
	in.Stdin = strings.NewReader("dyn.consistency dc_one\nget greeting\n")
	out, err := in.CombinedOutput()
	if err != nil {
		t.Fatalf("redis-cli: %v\n%s", err, out)
	}
	s.typed(`printf 'dyn.consistency dc_one\nget greeting\n' | redis-cli -p 8102`, string(out))
	s.close()
}

// awaitDown waits until m knows that o is gone.
func (m *member) awaitDown(o *member) {
	m.t.Helper()
	eventually(m.t, m.name+" misses "+o.name, func() error {
		for _, x := range m.members() {
			if x.ID == o.name && x.Reachable {
				return errors.New("it sees it")
			}
		}
		return nil
	})
}

// members are the nodes as m sees them.
func (m *member) members() (all []node.Member) {
	m.t.Helper()
	body, err := m.ask("/members")
	if err == nil {
		err = json.Unmarshal(body, &all)
	}
	if err != nil {
		m.t.Fatal(err)
	}
	return all
}
