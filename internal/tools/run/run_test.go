package run

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestExec_EndsGrandchildrenWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	done := make(chan error, 1)
	go func() {
		// The shell waits for a grandchild that would outlive it.
		done <- Command{Stdout: writer}.Exec(ctx, "sh", "-c", "sleep 1000 & echo $!; wait")
		writer.Close()
	}()
	line := make([]byte, 16)
	if _, err := reader.Read(line); err != nil {
		t.Fatal(err)
	}
	cancel(why)
	if err := <-done; !errors.Is(err, why) {
		t.Errorf("error %v, want the context's cause", err)
	}
	// Both ends of the pipe are closed only when the grandchild is gone.
	if n, err := reader.Read(line); n != 0 || err == nil {
		t.Errorf("the pipe is still open: %d, %v", n, err)
	}
}

func TestOutput_ErrorShowsStandardError(t *testing.T) {
	out, err := Command{Env: []string{"WORD=said"}}.Output(t.Context(), "sh", "-c", "echo $WORD; echo trouble >&2; exit 4")
	if out != "said\n" || err == nil || !strings.Contains(err.Error(), "trouble") || !strings.Contains(err.Error(), "exit status 4") {
		t.Errorf("output %q, error %v", out, err)
	}
}

func TestExec_NoSuchProgram(t *testing.T) {
	var out bytes.Buffer
	if err := (Command{Stdout: &out}).Exec(t.Context(), "no-such-program-here"); err == nil {
		t.Error("no error")
	}
}

func TestSignal_GroupThatIsGone(t *testing.T) {
	process, err := os.StartProcess("/bin/true", []string{"true"}, &os.ProcAttr{Sys: &syscall.SysProcAttr{Setpgid: true}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := process.Wait(); err != nil {
		t.Fatal(err)
	}
	// Not through process, which knows that it is gone.
	if err := Signal(&os.Process{Pid: process.Pid}, syscall.SIGTERM); !errors.Is(err, os.ErrProcessDone) && !errors.Is(err, syscall.EPERM) {
		t.Errorf("error %v", err)
	}
}
