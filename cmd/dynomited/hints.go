package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/dynomite-go/dynomite/node"
)

func newHints() *cobra.Command {
	var a admin
	var format string
	cmd := &cobra.Command{
		Use:   "hints",
		Short: "Show what each node keeps for nodes that missed writes",
		Long: `Show what each node keeps for nodes that missed writes, and how fast they get it.

RECORDS and BYTES wait to be delivered, the first of them for OLDEST; DIRTY are
token ranges to be compared, because what was missed there is not known record
by record. LAG is how long the node has lacked the first of all that. The counts
are since the start of the keeping node.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "table" && format != "json" {
				return usageError{fmt.Errorf("-o: %q is neither table nor json", format)}
			}
			body, status, err := a.ask(cmd.Context(), http.MethodGet, "/hints")
			if err != nil {
				return err
			}
			if status != http.StatusOK {
				return errors.New(strings.TrimSpace(string(body)))
			}
			if format == "json" {
				_, err = cmd.OutOrStdout().Write(body)
				return err
			}
			var holders []node.HolderHints
			if err := json.Unmarshal(body, &holders); err != nil {
				return err
			}
			return printHints(cmd.OutOrStdout(), holders)
		},
	}
	a.register(cmd)
	cmd.Flags().StringVarP(&format, "output", "o", "table", "table or json")
	return cmd
}

func printHints(w io.Writer, holders []node.HolderHints) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NODE\tKEEPS FOR\tDC\tRECORDS\tBYTES\tOLDEST\tDIRTY\tLAG\tRATE\tQUEUED\tCOALESCED\tDELIVERED\tEXPIRED\tLOST\tREFUSED")
	for _, h := range holders {
		if h.Error != "" {
			fmt.Fprintf(t, "%s\t? %s\n", h.Holder, h.Error)
			continue
		}
		for _, s := range h.For {
			fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\t%s\t%d\t%s\t%.0f/s\t%d\t%d\t%d\t%d\t%d\t%d\n",
				h.Holder, s.Node, s.Datacenter, s.Records, s.Bytes, s.Oldest.Truncate(100*time.Millisecond), s.Dirty,
				s.Lag.Truncate(100*time.Millisecond), s.Rate,
				s.Queued, s.Coalesced, s.Delivered, s.Expired, s.Lost, s.Refused)
		}
	}
	return t.Flush()
}
