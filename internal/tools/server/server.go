// Package server starts dynomited, or anything that speaks Redis's protocol
// and prints its addresses, and finds out where it listens.
//
// It depends on little: the child prints each address as host:port on either
// output, and an address that answers PING with PONG is one for clients. What
// the lines say besides is free to change.
package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/dynomite-go/dynomite/internal/tools/run"
)

// Lone are the arguments of a node by itself on free loopback ports.
var Lone = []string{"--listen", "127.0.0.1:0", "--peer-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"}

// Three are the arguments of the three nodes of "dynomited dev" on free
// loopback ports.
var Three = []string{"dev", "--base-port", "0"}

// patience is how long a child may take to print its addresses: with "go run"
// in front this includes downloading and building everything.
const patience = 5 * time.Minute

// probing is how long one PING may take: a loopback answer takes microseconds,
// the rest is for a machine that is busy compiling.
const probing = 5 * time.Second

// Server is a running child process.
type Server struct {
	// Addrs are the addresses that answered PING, in the order printed.
	Addrs []string

	cmd    *exec.Cmd
	ended  chan struct{} // closed when the process has been waited for
	exit   error         // valid once ended is closed
	mu     sync.Mutex
	output strings.Builder
	lines  chan string
	known  map[string]bool // every address printed so far
}

// Start runs name with args in the folder dir, with env added to the caller's
// environment where given through Env, and returns when the first client
// address answers. For several nodes call [Server.Await].
func Start(ctx context.Context, dir, name string, args ...string) (*Server, error) {
	return Env(nil).Start(ctx, dir, name, args...)
}

// Env is a list of "K=V" added to the environment of what it starts.
type Env []string

// Start is like the function [Start], with the variables added.
func (env Env) Start(ctx context.Context, dir, name string, args ...string) (*Server, error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	s := &Server{ended: make(chan struct{}), lines: make(chan string, 64), known: map[string]bool{}}
	s.cmd = exec.Command(name, args...)
	s.cmd.Dir = dir
	s.cmd.Env = append(os.Environ(), env...)
	s.cmd.Stdout, s.cmd.Stderr = writer, writer
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.cmd.Start(); err != nil {
		reader.Close()
		writer.Close()
		return nil, err
	}
	writer.Close()
	go s.read(reader)
	if err := s.Await(ctx, 1); err != nil {
		_ = s.Stop()
		return nil, err
	}
	return s, nil
}

// address is a host and port as programs print them.
var address = regexp.MustCompile(`(?:127\.0\.0\.1|localhost|\[::1\]):(\d+)`)

// read takes in the output until its end, which is when every process of the
// group is gone, and then waits for the child.
func (s *Server) read(reader *os.File) {
	defer reader.Close()
	scan := bufio.NewScanner(reader)
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		s.mu.Lock()
		s.output.WriteString(scan.Text() + "\n")
		s.mu.Unlock()
		select {
		case s.lines <- scan.Text():
		default: // nobody awaits an address any more
		}
	}
	s.exit = s.cmd.Wait()
	close(s.ended)
}

// Await returns when n different printed addresses have answered PING. An
// address that refuses the connection is asked again: it may have been
// printed a moment before it listened.
func (s *Server) Await(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	var waiting []string
	for len(s.Addrs) < n {
		select {
		case line := <-s.lines:
			for _, found := range address.FindAllString(line, -1) {
				if !s.known[found] {
					s.known[found] = true
					waiting = append(waiting, found)
				}
			}
		case <-again.C:
		case <-s.ended:
			return fmt.Errorf("server: ended before %d addresses answered: %w\n%s", n, errors.Join(s.exit, errExited), s.Output())
		case <-ctx.Done():
			return fmt.Errorf("server: %d of %d addresses answer: %w\n%s", len(s.Addrs), n, ctx.Err(), s.Output())
		}
		waiting = slices.DeleteFunc(waiting, s.asked)
	}
	return nil
}

// asked probes an address and reports whether that settled what it is.
func (s *Server) asked(addr string) bool {
	ok, err := answers(addr)
	if ok {
		s.Addrs = append(s.Addrs, addr)
	}
	return !errors.Is(err, syscall.ECONNREFUSED)
}

var errExited = errors.New("the process exited")

// Output is what the child has printed so far, both outputs as they came.
func (s *Server) Output() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.output.String()
}

// Stop asks the child's process group to end, insists after 15 seconds, and
// returns an error if it had to. It may be called twice.
func (s *Server) Stop() error {
	_ = run.Signal(s.cmd.Process, syscall.SIGTERM)
	select {
	case <-s.ended:
		return nil
	case <-time.After(15 * time.Second):
		_ = run.Signal(s.cmd.Process, syscall.SIGKILL)
		<-s.ended
		return fmt.Errorf("server: still there 15s after SIGTERM\n%s", s.Output())
	}
}

// answers reports whether the address speaks Redis's protocol. The error says
// why there was no connection.
func answers(addr string) (bool, error) {
	conn, err := net.DialTimeout("tcp", addr, probing)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(probing))
	if _, err := conn.Write([]byte("*1\r\n$4\r\nPING\r\n")); err != nil {
		return false, nil
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	return err == nil && line == "+PONG\r\n", nil
}
