package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/dynomite-go/dynomite/node"
)

// admin asks a running node's admin endpoint.
type admin struct{ addr string }

func (a *admin) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.addr, "admin", node.DefaultAdminListen, "admin address of the node to ask")
}

// request leaves the answer's body to be read and closed.
func (a *admin) request(ctx context.Context, method, path string) (*http.Response, error) {
	addr := strings.TrimSuffix(strings.TrimPrefix(a.addr, "http://"), "/") // as a node prints it at its start, too
	req, err := http.NewRequestWithContext(ctx, method, "http://"+addr+path, nil)
	if err != nil {
		return nil, usageError{err}
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("no node answers at %s (--admin): %w", a.addr, err)
	}
	return res, nil
}

// ask returns the answer and its status.
func (a *admin) ask(ctx context.Context, method, path string) ([]byte, int, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	res, err := a.request(ctx, method, path)
	if err != nil {
		return nil, 0, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 64<<20))
	return body, res.StatusCode, err
}

// stream hands the answer to read while it comes, for as long as that takes.
func (a *admin) stream(ctx context.Context, method, path string, read func(io.Reader) error) error {
	res, err := a.request(ctx, method, path)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(res.Body, 1<<16))
		return errors.New(strings.TrimSpace(string(body)))
	}
	return read(res.Body)
}

func newStatus() *cobra.Command {
	var a admin
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say whether a running node is ready, and how it sees the others",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ready, status, err := a.ask(cmd.Context(), http.MethodGet, "/readyz")
			if err != nil {
				return err
			}
			members, _, err := a.ask(cmd.Context(), http.MethodGet, "/members")
			if err != nil {
				return err
			}
			if err := printMembers(cmd.OutOrStdout(), members); err != nil {
				return err
			}
			if status != http.StatusOK {
				return fmt.Errorf("not ready: %s", strings.TrimSpace(string(ready)))
			}
			fmt.Fprintln(cmd.OutOrStdout(), "ready")
			return nil
		},
	}
	a.register(cmd)
	return cmd
}

func printMembers(w io.Writer, body []byte) error {
	var members []node.Member
	if err := json.Unmarshal(body, &members); err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NODE\tDC\tRACK\tCLIENTS\tPEERS\tSTATE")
	for _, m := range members {
		state := "down"
		switch {
		case m.Complete:
			state = "up"
		case m.Reachable:
			state = "catching up"
		}
		if m.Self {
			state += " (asked)"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", m.ID, m.Datacenter, m.Rack, m.ClientAddr, m.PeerAddr, state)
	}
	return t.Flush()
}

func newRemove() *cobra.Command {
	var a admin
	cmd := &cobra.Command{
		Use:   "remove NODE",
		Short: "Take a dead node out of the cluster",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{errors.New("remove takes the name of one node, as status shows it")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			body, status, err := a.ask(cmd.Context(), http.MethodPost, "/members/"+url.PathEscape(args[0])+"/remove")
			if err != nil {
				return err
			}
			if status != http.StatusOK {
				return errors.New(strings.TrimSpace(string(body)))
			}
			_, err = cmd.OutOrStdout().Write(body)
			return err
		},
	}
	a.register(cmd)
	return cmd
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  noArgs,
		Run:   func(cmd *cobra.Command, _ []string) { fmt.Fprintln(cmd.OutOrStdout(), "dynomited", node.Version()) },
	}
}
