package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/dynomite-go/dynomite/node"
)

// devNodes is how many nodes dev runs: the least with a majority that
// survives the loss of one.
const devNodes = 3

func newDev() *cobra.Command {
	var basePort int
	var dataDir, logLevel string
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run a cluster of three nodes in this process",
		Long: "Run a cluster of three nodes in this process: three racks, every key on all\n" +
			"three, reads and writes at DC_QUORUM. Any node takes any command.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkPorts(basePort, dataDir); err != nil {
				return usageError{err}
			}
			s := settings{logLevel: logLevel}
			log, err := s.logger(cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			return dev(cmd, log, basePort, dataDir)
		},
	}
	cmd.Flags().IntVar(&basePort, "base-port", 8101, "node i takes peers at base+10i, clients at the port after it, admin at base+14121+i; 0 means free ports")
	cmd.Flags().StringVar(&dataDir, "data-dir", "", "keep data in a directory per node below this one")
	cmd.Flags().StringVar(&logLevel, "log-level", "warn", "debug, info, warn or error")
	return cmd
}

// adminOffset leads from the base port to the first admin port: from Dynomite's
// 8101 to its 22222.
const adminOffset = 14121

func checkPorts(base int, dataDir string) error {
	if most := 65535 - adminOffset - devNodes; base < 0 || base > most {
		return fmt.Errorf("--base-port: %d is not between 0 and %d", base, most)
	}
	if base == 0 && dataDir != "" {
		return errors.New("--base-port: nodes that keep their data keep their addresses too: 0 does not go with --data-dir")
	}
	return nil
}

func dev(cmd *cobra.Command, log *slog.Logger, basePort int, dataDir string) error {
	ctx, out := cmd.Context(), cmd.OutOrStdout()
	port := func(offset int) string {
		if basePort == 0 {
			return "127.0.0.1:0"
		}
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(basePort+offset))
	}
	var nodes []*node.Node
	stopAll := func() {
		for _, n := range nodes {
			_ = n.Stop(cmd.Context())
		}
	}
	for i := range devNodes {
		cfg := node.Config{
			Name: "node" + strconv.Itoa(i+1), Cluster: "dev", Rack: "rack" + strconv.Itoa(i+1),
			PeerListen: port(10 * i), Listen: port(10*i + 1), AdminListen: port(adminOffset + i),
			Expect: devNodes,
		}
		if i > 0 {
			cfg.Seeds = []string{nodes[0].PeerAddr()}
		}
		if dataDir != "" {
			cfg.DataDir = filepath.Join(dataDir, cfg.Name)
			if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
				stopAll()
				return err
			}
		}
		n, err := node.New(cfg, node.WithLogger(log.With("node", cfg.Name)))
		if err == nil {
			err = n.Start(ctx)
		}
		if err != nil {
			stopAll()
			return err
		}
		nodes = append(nodes, n)
	}
	if !waitReady(cmd, nodes) {
		return runUntilDone(ctx, log, nodes...)
	}
	fmt.Fprintf(out, "dynomited %s: a cluster of %d nodes, every key on each of them\n", node.Version(), devNodes)
	for _, n := range nodes {
		fmt.Fprintf(out, "  %s  clients %s  admin http://%s\n", n.ID(), n.Addr(), n.AdminAddr())
	}
	if dataDir == "" {
		fmt.Fprintln(out, "  data is in memory only; --data-dir DIR keeps it")
	}
	_, p, _ := net.SplitHostPort(nodes[0].Addr())
	_, q, _ := net.SplitHostPort(nodes[1].Addr())
	fmt.Fprintf(out, "try: redis-cli -p %s set greeting hello; redis-cli -p %s get greeting\n", p, q)
	return runUntilDone(ctx, log, nodes...)
}

// waitReady waits until every node is ready or the command is to end.
func waitReady(cmd *cobra.Command, nodes []*node.Node) bool {
	t := time.NewTicker(10 * time.Millisecond)
	defer t.Stop()
	for {
		ready := 0
		for _, n := range nodes {
			if n.Ready() == nil {
				ready++
			}
		}
		if ready == len(nodes) {
			return true
		}
		select {
		case <-cmd.Context().Done():
			return false
		case <-t.C:
		}
	}
}
