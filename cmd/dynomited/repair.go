package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dynomite-go/dynomite/node"
)

func newRepair() *cobra.Command {
	var a admin
	var span string
	cmd := &cobra.Command{
		Use:   "repair",
		Short: "Compare what a node owns with the other owners now, and make them equal",
		Long: `Compare what a node owns with the other owners now, and make them equal.

Nodes do so by themselves, within anti_entropy (10 minutes), after an absence and
where something is known to be missing; this is for not waiting. It compares the node that is asked with each other
owner, so run it on each node to be sure of all. A line says for each peer how much
was compared, how many keys differed, and how many records were taken (in) and
given (out). It may be broken off, and run again, at any time.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			query := url.Values{}
			if span != "" {
				from, to, ok := strings.Cut(span, "-")
				if !ok {
					return usageError{fmt.Errorf("--range: %q is not FROM-TO, two tokens in decimal or 0x-hexadecimal", span)}
				}
				query.Set("from", from)
				query.Set("to", to)
			}
			return a.stream(cmd.Context(), http.MethodPost, "/repair?"+query.Encode(), func(body io.Reader) error {
				return printRepair(cmd.OutOrStdout(), body)
			})
		},
	}
	a.register(cmd)
	cmd.Flags().StringVar(&span, "range", "", "only these tokens, both included: FROM-TO, decimal or 0x-hexadecimal")
	return cmd
}

// printRepair prints a line for each part of a peer, and fails if something did.
func printRepair(w io.Writer, body io.Reader) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct {
			node.RepairProgress
			Error string
			End   bool
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return fmt.Errorf("the node answered %q: %w", lines.Text(), err)
		}
		switch {
		case line.End && line.Error != "":
			return errors.New("not everything was compared: " + strings.ReplaceAll(line.Error, "\n", "; "))
		case line.End:
			fmt.Fprintln(w, "done")
			return nil
		case line.Error != "":
			fmt.Fprintf(w, "%s: %s\n", line.Peer, line.Error)
		default:
			fmt.Fprintf(w, "%s: part %d of %d%s: %d keys differed, %d fields of large ones; records in %d, out %d; %d round trips, %d bytes, %v\n",
				line.Peer, line.Done, line.Parts, [...]string{"", "", " again"}[min(line.Pass, 2)], line.Differed, line.Members, line.Fetched, line.Pushed,
				line.Rounds, line.Bytes, line.Took.Round(time.Millisecond))
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return errors.New("the node ended the connection before it was done: its log may say why")
}
