//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience guards every wait against hanging. No test depends on its length:
// it is far beyond what the slowest machine needs.
const patience = 2 * time.Minute

// eventually asks until the answer is nil. It ends the test with the last
// answer when patience is at its end.
func eventually(t testing.TB, what string, try func() error) {
	t.Helper()
	if err := inTime(t, try); err != nil {
		t.Fatalf("%s: still not after %v: %v", what, patience, err)
	}
}

// inTime asks until the answer is nil, and returns the last one.
func inTime(t testing.TB, try func() error) error {
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		select {
		case <-tick.C:
		case <-t.Context().Done():
			return err
		}
	}
}

// output collects what a process prints.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// process is a running dynomited.
type process struct {
	t              testing.TB
	cmd            *exec.Cmd
	stdout, stderr output
	ended          chan struct{} // closed when it has ended and code is set
	code           int           // -1 if a signal ended it
}

// environment is the test's own without what configures dynomited, and with
// extra.
func environment(extra ...string) []string {
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "DYNOMITED_") {
			env = append(env, e)
		}
	}
	return append(env, extra...)
}

// launch starts dynomited. The test's end kills it if it still runs, and
// fails if it has crashed.
func launch(t testing.TB, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(binary, args...), ended: make(chan struct{})}
	p.cmd.Env = environment()
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	p.cmd.SysProcAttr = dieWithParent()
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait()
		p.code = p.cmd.ProcessState.ExitCode()
	}()
	t.Cleanup(func() {
		p.kill()
		for _, sign := range []string{"panic:", "fatal error:", "DATA RACE", "unexpected fault"} {
			if strings.Contains(p.stderr.String(), sign) {
				t.Errorf("dynomited %s: %s\n%s", strings.Join(args, " "), sign, p.stderr.String())
				return
			}
		}
	})
	return p
}

func (p *process) signal(s syscall.Signal) {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Errorf("%v: %v", s, err)
	}
}

// kill ends the process at once, as a crash would, and returns when it is gone.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.ended
}

// terminate asks the process to end, and fails the test unless it does so
// with the exit code 0.
func (p *process) terminate() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	if code := p.wait(); code != 0 {
		p.t.Fatalf("after SIGTERM: exit code %d\n%s", code, p.stderr.String())
	}
}

// wait returns the exit code.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.t.Fatalf("dynomited does not end\n%s", p.stderr.String())
	}
	return p.code
}

// running says whether the process has not ended.
func (p *process) running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// serving waits until the process says that it serves. It returns false if
// the process ended instead.
func (p *process) serving() bool {
	p.t.Helper()
	ok := false
	eventually(p.t, "start of dynomited", func() error {
		if ok = strings.Contains(p.stdout.String(), "try: "); ok || !p.running() {
			return nil
		}
		return errors.New("it does not say so")
	})
	return ok
}

var announced = regexp.MustCompile(`(?m)^  (clients|peers|admin) +(?:http://)?(\S+)`)

// addresses are where a node says that it listens: clients, peers, admin.
func (p *process) addresses() map[string]string {
	out := map[string]string{}
	for _, m := range announced.FindAllStringSubmatch(p.stdout.String(), -1) {
		out[m[1]] = m[2]
	}
	return out
}

// execute runs a program to its end, with env added to the environment.
func execute(t testing.TB, env []string, name string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, args...)
	c.Env = environment(env...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s is needed: %v", name, err)
	}
	return out.String(), errs.String(), c.ProcessState.ExitCode()
}

// must runs a program that has to succeed and returns what it prints.
func must(t testing.TB, name string, args ...string) string {
	t.Helper()
	stdout, stderr, code := execute(t, nil, name, args...)
	if code != 0 {
		t.Fatalf("%s %s: exit code %d\n%s%s", name, strings.Join(args, " "), code, stdout, stderr)
	}
	return stdout
}

// reserve finds a free address of the loopback interface for a node that will
// be started at it, perhaps several times. The port stays taken for everybody
// who asks for any free one: it is held by a socket that is bound and does not
// listen, beside which another one may bind and listen.
func reserve(t testing.TB) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	syscall.CloseOnExec(fd)
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
}
