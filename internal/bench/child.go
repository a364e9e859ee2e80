package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is one or more child processes that serve one data set, addressed
// through the first one's port.
type server struct {
	port     int
	children []*exec.Cmd
}

func (s *server) pids() []int {
	var pids []int
	for _, c := range s.children {
		pids = append(pids, c.Process.Pid)
	}
	return pids
}

// stop ends the children and waits for them.
func (s *server) stop() {
	for _, c := range s.children {
		_ = c.Process.Signal(syscall.SIGTERM)
	}
	for _, c := range s.children {
		late := time.AfterFunc(10*time.Second, func() { _ = c.Process.Kill() })
		_ = c.Wait()
		late.Stop()
	}
}

// start runs a program, with its output in a file below dir.
func (s *server) start(dir, name string, args ...string) error {
	out, err := os.Create(filepath.Join(dir, fmt.Sprintf("output%d", len(s.children))))
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return err
	}
	s.children = append(s.children, cmd)
	return nil
}

// freePorts are n ports that were free a moment ago.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // only now, so that they are different
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// starter makes a server ready, with a folder of its own.
type starter func(ctx context.Context, dir string) (*server, error)

// redisServer is the rival, without persistence or with its log.
func redisServer(log bool) starter {
	return func(ctx context.Context, dir string) (*server, error) {
		ports, err := freePorts(1)
		if err != nil {
			return nil, err
		}
		args := []string{"--port", strconv.Itoa(ports[0]), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"}
		if log {
			args = append(args[:len(args)-1], "yes", "--appendfsync", "everysec", "--dir", dir)
		}
		s := &server{port: ports[0]}
		if err := s.start(dir, "redis-server", args...); err != nil {
			return nil, err
		}
		return s, s.ready(ctx, dir, "PONG", "PING")
	}
}

// dynomited is ours: nodes processes, one per rack, with a log or without.
func dynomited(binary string, nodes int, log bool) starter {
	return func(ctx context.Context, dir string) (*server, error) {
		ports, err := freePorts(2 * nodes)
		if err != nil {
			return nil, err
		}
		s := &server{port: ports[0]}
		for i := range nodes {
			file := filepath.Join(dir, fmt.Sprintf("node%d.yml", i+1))
			text := nodeConfig(i, nodes, ports, dir, log)
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				s.stop()
				return nil, err
			}
			if err := s.start(dir, binary, "-c", file); err != nil {
				s.stop()
				return nil, err
			}
		}
		if nodes > 1 {
			return s, s.ready(ctx, dir, "OK", "SET", "ready", "yes")
		}
		return s, s.ready(ctx, dir, "PONG", "PING")
	}
}

// nodeConfig is the configuration file of the i-th of the nodes. The first
// half of the ports is for clients, the second for peers.
func nodeConfig(i, nodes int, ports []int, dir string, log bool) string {
	var text strings.Builder
	fmt.Fprintf(&text, "name: node%d\nrack: rack%d\n", i+1, i+1)
	fmt.Fprintf(&text, "listen: 127.0.0.1:%d\npeer_listen: 127.0.0.1:%d\nadmin_listen: none\n", ports[i], ports[nodes+i])
	if nodes > 1 {
		fmt.Fprintf(&text, "seeds: [127.0.0.1:%d]\nexpect: %d\n", ports[nodes], nodes)
	}
	if log {
		fmt.Fprintf(&text, "data_dir: %s\nappendfsync: everysec\n", filepath.Join(dir, fmt.Sprintf("data%d", i+1)))
	}
	return text.String()
}

// ready waits until the server answers, and stops it if it does not.
func (s *server) ready(ctx context.Context, dir, want string, words ...string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	err := await(ctx, s.port, want, words...)
	if err == nil {
		return nil
	}
	s.stop()
	for i := range s.children {
		if out, readErr := os.ReadFile(filepath.Join(dir, fmt.Sprintf("output%d", i))); readErr == nil {
			err = fmt.Errorf("%w\n%s", err, out)
		}
	}
	return err
}
