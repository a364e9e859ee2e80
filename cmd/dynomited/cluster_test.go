//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dynomite-go/dynomite/node"
)

// member is one node of a cluster under test: a process that is started, at
// the same addresses and on the same data, as often as the test likes.
type member struct {
	t                   testing.TB
	name, conf          string
	client, peer, admin string
	process             *process
	runs                []*process // this one and those before
}

// cluster is three nodes, each a process.
type cluster struct {
	t       testing.TB
	members []*member
}

// newCluster starts three nodes in three racks that find each other through
// the first one. settings are added to each node's file.
func newCluster(t testing.TB, settings map[string]string) *cluster {
	t.Helper()
	c := &cluster{t: t}
	dir := t.TempDir()
	for i := range 3 {
		m := &member{t: t, name: fmt.Sprintf("n%d", i+1), client: reserve(t), peer: reserve(t), admin: reserve(t)}
		m.conf = filepath.Join(dir, m.name+".yml")
		file := [][2]string{
			{"name", m.name},
			{"rack", fmt.Sprintf("r%d", i+1)},
			{"listen", m.client},
			{"peer_listen", m.peer},
			{"admin_listen", m.admin},
			{"expect", "3"},
			{"data_dir", filepath.Join(dir, m.name)},
		}
		if i > 0 {
			file = append(file, [2]string{"seeds", "[" + c.members[0].peer + "]"})
		}
		for _, name := range slices.Sorted(maps.Keys(settings)) {
			file = append(file, [2]string{name, settings[name]})
		}
		var text strings.Builder
		for _, setting := range file {
			fmt.Fprintf(&text, "%s: %s\n", setting[0], setting[1])
		}
		if err := os.WriteFile(m.conf, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		c.members = append(c.members, m)
	}
	t.Cleanup(func() {
		if t.Failed() {
			for _, m := range c.members {
				t.Logf("log of %s:\n%s", m.name, m.log())
			}
		}
	})
	for _, m := range c.members {
		m.start()
	}
	c.awaitWhole()
	return c
}

// start runs the node's process. It tries again when something else has the
// port for a moment.
func (m *member) start() {
	m.t.Helper()
	eventually(m.t, "start of "+m.name, func() error {
		p := launch(m.t, "-c", m.conf)
		if p.serving() {
			m.process, m.runs = p, append(m.runs, p)
			return nil
		}
		if !strings.Contains(p.stderr.String(), syscall.EADDRINUSE.Error()) {
			m.t.Fatalf("%s ended with %d\n%s", m.name, p.code, p.stderr.String())
		}
		return syscall.EADDRINUSE
	})
}

// kill ends the process as a crash would.
func (m *member) kill() { m.process.kill() }

// terminate ends the process cleanly.
func (m *member) terminate() {
	m.t.Helper()
	m.process.terminate()
}

// log is what the node's processes logged.
func (m *member) log() string {
	var text string
	for _, p := range m.runs {
		text += "--- process " + strconv.Itoa(p.cmd.Process.Pid) + "\n" + p.stderr.String()
	}
	const most = 30_000
	if len(text) > most {
		text = "...\n" + text[len(text)-most:]
	}
	return text
}

// ask is a GET of the admin endpoint; an answer other than 200 is an error.
func (m *member) ask(path string) ([]byte, error) {
	c := http.Client{Timeout: 10 * time.Second}
	res, err := c.Get("http://" + m.admin + path)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %s", m.name, path, res.Status, strings.TrimSpace(string(body)))
	}
	return body, err
}

// awaitWhole waits until each node is ready and sees every other one complete.
func (c *cluster) awaitWhole() {
	c.t.Helper()
	for _, m := range c.members {
		eventually(c.t, m.name+" sees a whole cluster", func() error {
			if !m.process.running() {
				c.t.Fatalf("%s ended with %d\n%s", m.name, m.process.code, m.log())
			}
			if _, err := m.ask("/readyz"); err != nil {
				return err
			}
			body, err := m.ask("/members")
			if err != nil {
				return err
			}
			var all []node.Member
			if err := json.Unmarshal(body, &all); err != nil {
				return err
			}
			if len(all) != len(c.members) {
				return fmt.Errorf("%s sees %d nodes", m.name, len(all))
			}
			for _, o := range all {
				if !o.Complete {
					return fmt.Errorf("%s sees %s not complete", m.name, o.ID)
				}
			}
			return nil
		})
	}
}

func (m *member) port() string {
	_, port, _ := net.SplitHostPort(m.client)
	return port
}
