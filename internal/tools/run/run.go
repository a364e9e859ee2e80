// Package run starts child processes so that none outlives its caller: each
// leads a process group of its own, and the whole group is ended when the
// context ends. Programs such as "go run" and "go test" have children
// themselves, which killing the parent alone would leave behind.
package run

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// grace is how long a group has between SIGTERM and SIGKILL: longer than a
// clean stop of dynomited, shorter than anyone's patience.
const grace = 10 * time.Second

// Command is a child process to be.
type Command struct {
	Dir    string    // working folder; "" is the caller's
	Env    []string  // added to the caller's environment, "K=V"
	Stdout io.Writer // nil discards
	Stderr io.Writer // nil discards
}

// Exec runs a program to its end. When ctx ends first, the program's group
// gets SIGTERM, SIGKILL 10 seconds later, and the error is ctx's cause.
func (c Command) Exec(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = c.Dir
	cmd.Env = append(os.Environ(), c.Env...)
	cmd.Stdout, cmd.Stderr = c.Stdout, c.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return Signal(cmd.Process, syscall.SIGTERM) }
	cmd.WaitDelay = grace
	err := cmd.Run()
	if cmd.Process != nil {
		_ = Signal(cmd.Process, syscall.SIGKILL) // what is left of the group
	}
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("%s: %w", name, context.Cause(ctx))
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return nil
}

// Output runs a program and returns its standard output. Its standard error
// is part of the error when it fails.
func (c Command) Output(ctx context.Context, name string, args ...string) (string, error) {
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Exec(ctx, name, args...); err != nil {
		return out.String(), fmt.Errorf("%w\n%s", err, strings.TrimSpace(errs.String()))
	}
	return out.String(), nil
}

// Signal sends sig to the whole group that the process leads. A group that is
// gone is no error.
func Signal(p *os.Process, sig syscall.Signal) error {
	err := syscall.Kill(-p.Pid, sig)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}
