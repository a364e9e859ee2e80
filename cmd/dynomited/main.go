package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes: 1 when something failed, 2 when the command line or the
// configuration is wrong.
const (
	exitFailed = 1
	exitUsage  = 2
)

// usageError marks errors of the command line and of the configuration.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// After the first signal the next one ends the process at once.
	context.AfterFunc(ctx, cancel)
	err := newRoot().ExecuteContext(ctx)
	cancel()
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "dynomited:", err)
	var usage usageError
	if errors.As(err, &usage) {
		os.Exit(exitUsage)
	}
	os.Exit(exitFailed)
}

func newRoot() *cobra.Command {
	var s settings
	root := &cobra.Command{
		Use:   "dynomited",
		Short: "A Redis-compatible server, replicated over the nodes of a cluster",
		Long: "A Redis-compatible server, replicated over the nodes of a cluster.\n\n" +
			"Without a command it runs one node. Settings come from flags, from the\nenvironment (DYNOMITED_DATA_DIR for --data-dir) and from the file given with -c,\nin this order.",
		Args:          noArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return serve(cmd, &s) },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w (see dynomited --help)", err)}
	})
	s.register(root.Flags())
	root.AddCommand(newServe(), newDev(), newRing(), newOwner(), newPlan(), newStatus(), newHints(), newRepair(), newHash(), newRemove(), newConfig(), newVersion())
	return root
}

func newServe() *cobra.Command {
	var s settings
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run one node (the same as no command)",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return serve(cmd, &s) },
	}
	s.register(cmd.Flags())
	return cmd
}

// noArgs refuses arguments, as a mistake on the command line.
func noArgs(cmd *cobra.Command, args []string) error {
	if err := cobra.NoArgs(cmd, args); err != nil {
		return usageError{err}
	}
	return nil
}
