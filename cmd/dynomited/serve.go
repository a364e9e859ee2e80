package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/spf13/cobra"

	"github.com/dynomite-go/dynomite/node"
)

// stopTimeout is how long a stop may drain before it gives up.
const stopTimeout = 20 * time.Second

func serve(cmd *cobra.Command, s *settings) error {
	n, cfg, log, err := assemble(cmd, s)
	if err != nil {
		return err
	}
	if s.test {
		fmt.Fprintln(cmd.OutOrStdout(), "configuration ok")
		return nil
	}
	if err := n.Start(cmd.Context()); err != nil {
		return err
	}
	announce(cmd.OutOrStdout(), n, cfg)
	return runUntilDone(cmd.Context(), log, n)
}

// assemble makes the node that the settings describe, which checks all of
// them. It opens nothing.
func assemble(cmd *cobra.Command, s *settings) (*node.Node, node.Config, *slog.Logger, error) {
	cfg, err := s.load()
	if err != nil {
		return nil, cfg, nil, err
	}
	log, err := s.logger(cmd.ErrOrStderr())
	if err != nil {
		return nil, cfg, nil, err
	}
	n, err := node.New(cfg, node.WithLogger(log))
	if err != nil {
		return nil, cfg, nil, usageError{err}
	}
	return n, cfg, log, nil
}

// runUntilDone waits for the signal and stops the nodes; a second signal has
// ended the process by then.
func runUntilDone(ctx context.Context, log *slog.Logger, nodes ...*node.Node) error {
	<-ctx.Done()
	log.Info("stopping")
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	done := make(chan error, len(nodes))
	for _, n := range nodes {
		go func() { done <- n.Stop(stop) }()
	}
	var first error
	for range nodes {
		if err := <-done; first == nil {
			first = err
		}
	}
	return first
}

// announce says where the node listens, where its data is, and how to try it.
func announce(w io.Writer, n *node.Node, cfg node.Config) {
	fmt.Fprintf(w, "dynomited %s, node %s\n", node.Version(), n.ID())
	fmt.Fprintf(w, "  clients  %s\n", n.Addr())
	fmt.Fprintf(w, "  peers    %s\n", n.PeerAddr())
	if a := n.AdminAddr(); a != "" {
		fmt.Fprintf(w, "  admin    http://%s  (/readyz /metrics /ring)\n", a)
	}
	if cfg.DataDir != "" {
		fmt.Fprintf(w, "  data     %s\n", cfg.DataDir)
	} else {
		fmt.Fprintln(w, "  data     in memory only; --data-dir DIR keeps it")
	}
	if err := n.Ready(); err != nil {
		fmt.Fprintf(w, "not ready: %v\n", err)
	}
	host, port, _ := net.SplitHostPort(n.Addr())
	fmt.Fprintf(w, "try: redis-cli -h %s -p %s set greeting hello\n", host, port)
}
