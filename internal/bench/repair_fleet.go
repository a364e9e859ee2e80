package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// fleet is three nodes, one per rack, each a process that can be killed,
// stopped and started on its own data again.
type fleet struct {
	dir   string
	nodes [3]*fleetNode
}

// fleetNode is one of them.
type fleetNode struct {
	name, dir, config, binary string
	port, peer, admin         int
	process                   *exec.Cmd // nil while it is killed
	runs                      int
}

// newFleet starts three nodes with further lines of configuration, and waits
// until they are whole.
func newFleet(ctx context.Context, binary, extra string) (*fleet, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	f := &fleet{dir: dir}
	ports, err := freePorts(3 * len(f.nodes))
	if err != nil {
		f.stop()
		return nil, err
	}
	for i := range f.nodes {
		n := &fleetNode{
			name: fmt.Sprintf("node%d", i+1), dir: dir, binary: binary,
			port: ports[3*i], peer: ports[3*i+1], admin: ports[3*i+2],
		}
		n.config = filepath.Join(dir, n.name+".yml")
		text := fmt.Sprintf("name: %s\nrack: rack%d\nlisten: 127.0.0.1:%d\npeer_listen: 127.0.0.1:%d\nadmin_listen: 127.0.0.1:%d\n"+
			"seeds: [127.0.0.1:%d]\nexpect: %d\ndata_dir: %s\n%s",
			n.name, i+1, n.port, n.peer, n.admin, ports[1], len(f.nodes), filepath.Join(dir, n.name), extra)
		f.nodes[i] = n
		if err := errors.Join(os.WriteFile(n.config, []byte(text), 0o600), n.start()); err != nil {
			f.stop()
			return nil, err
		}
	}
	if err := f.awaitWhole(ctx); err != nil {
		err = fmt.Errorf("%w\n%s", err, f.said())
		f.stop()
		return nil, err
	}
	return f, nil
}

func (n *fleetNode) start() error {
	out, err := os.Create(filepath.Join(n.dir, fmt.Sprintf("%s.output%d", n.name, n.runs)))
	if err != nil {
		return err
	}
	defer out.Close()
	n.runs++
	cmd := exec.Command(n.binary, "-c", n.config)
	cmd.Stdout, cmd.Stderr = out, out
	endWithParent(cmd)
	if err := cmd.Start(); err != nil {
		return err
	}
	n.process = cmd
	return nil
}

// kill ends the node as a crash would, also while it is stopped.
func (n *fleetNode) kill() {
	if n.process != nil {
		_ = n.process.Process.Kill()
		_ = n.process.Wait()
		n.process = nil
	}
}

func (n *fleetNode) signal(s syscall.Signal) error { return n.process.Process.Signal(s) }

func (f *fleet) pids() []int {
	var all []int
	for _, n := range f.nodes {
		all = append(all, n.process.Process.Pid)
	}
	return all
}

// stop ends all and removes what they kept.
func (f *fleet) stop() {
	for _, n := range f.nodes {
		if n != nil {
			n.kill()
		}
	}
	os.RemoveAll(f.dir)
}

// said is the end of what the nodes logged.
func (f *fleet) said() string {
	var all string
	files, _ := filepath.Glob(filepath.Join(f.dir, "*.output*"))
	for _, name := range files {
		text, _ := os.ReadFile(name)
		all += filepath.Base(name) + ":\n" + string(text[max(0, len(text)-2000):])
	}
	return all
}

// get asks a node's admin endpoint for JSON.
func (n *fleetNode) get(ctx context.Context, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+strconv.Itoa(n.admin)+path, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	return json.NewDecoder(res.Body).Decode(into)
}

// sees counts the nodes that n takes for complete.
func (n *fleetNode) sees(ctx context.Context) (int, error) {
	var members []struct{ Complete bool }
	if err := n.get(ctx, "/members", &members); err != nil {
		return 0, err
	}
	complete := 0
	for _, m := range members {
		if m.Complete {
			complete++
		}
	}
	return complete, nil
}

// kept is how many records, and how many dirty ranges, n keeps for a node, and
// how many it has delivered.
func (n *fleetNode) kept(ctx context.Context, id string) (records, dirty, delivered int, err error) {
	var holders []struct {
		Holder string
		For    []struct {
			Node                      string
			Records, Dirty, Delivered int
		}
	}
	if err := n.get(ctx, "/hints", &holders); err != nil {
		return 0, 0, 0, err
	}
	for _, h := range holders {
		for _, s := range h.For {
			if h.Holder == n.name && s.Node == id {
				return s.Records, s.Dirty, s.Delivered, nil
			}
		}
	}
	return 0, 0, 0, fmt.Errorf("%s says nothing of %s", n.name, id)
}

// until asks each 20 ms whether something is so; an error is a no.
func until(ctx context.Context, what string, is func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	for {
		yes, err := is()
		if yes && err == nil {
			return nil
		}
		if rest(ctx, 20*time.Millisecond) != nil {
			return fmt.Errorf("waited for %s in vain: %w", what, errors.Join(err, context.Cause(ctx)))
		}
	}
}

// awaitWhole waits until every node takes every other for complete.
func (f *fleet) awaitWhole(ctx context.Context) error {
	for _, n := range f.nodes {
		if err := until(ctx, n.name+" to see a whole cluster", func() (bool, error) {
			complete, err := n.sees(ctx)
			return complete == len(f.nodes), err
		}); err != nil {
			return err
		}
	}
	return nil
}

// awaitHandedOver waits until nobody keeps anything for a node.
func (f *fleet) awaitHandedOver(ctx context.Context, id string) error {
	for _, n := range f.nodes {
		if n.name == id {
			continue
		}
		if err := until(ctx, n.name+" to hand over", func() (bool, error) {
			records, dirty, _, err := n.kept(ctx, id)
			return records+dirty == 0, err
		}); err != nil {
			return err
		}
	}
	return nil
}

// awaitEqual waits until all three copies are the same.
func (f *fleet) awaitEqual(ctx context.Context) error {
	for _, n := range f.nodes {
		if err := f.awaitHandedOver(ctx, n.name); err != nil {
			return err
		}
	}
	return until(ctx, "equal copies", func() (bool, error) {
		d, err := f.digests()
		return err == nil && d[0] == d[1] && d[0] == d[2], err
	})
}

// digests are the digests of the nodes' own copies.
func (f *fleet) digests() ([]string, error) {
	var all []string
	for _, n := range f.nodes {
		c, err := dial(n.port)
		if err != nil {
			return nil, err
		}
		_ = c.conn.SetDeadline(time.Now().Add(30 * time.Second))
		c.send("DYN.LOCAL", "DIGEST")
		err = c.out.Flush()
		var line string
		if err == nil {
			if line, err = c.status(); err == nil {
				if line, err = c.in.ReadString('\n'); err != nil {
					return nil, err
				}
			}
		}
		c.conn.Close()
		if err != nil {
			return nil, err
		}
		all = append(all, line)
	}
	return all, nil
}
