package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/dynomite-go/dynomite/node"
	"github.com/dynomite-go/dynomite/node/placement"
)

func newRing() *cobra.Command {
	var from source
	var format string
	cmd := &cobra.Command{
		Use:   "ring",
		Short: "Show who owns what, in a running cluster or one to be formed",
		Long: `Show who owns what: asked of a running node, or, with -c and the files of all
nodes, as they would form a cluster.

A share is a part of all keys. With -o svg the ring is drawn as a picture: a
ring for each rack, with the nodes' ranges as arcs.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := oneOf(format, "table", "json", "svg"); err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if !from.offline() {
				path := "/ring"
				if format != "table" {
					path += "?o=" + format
				}
				body, err := from.fetch(cmd.Context(), path)
				if err != nil {
					return err
				}
				_, err = out.Write(body)
				return err
			}
			l, err := from.layout(cmd.Context())
			if err != nil {
				return err
			}
			switch format {
			case "json":
				var entries []node.RingEntry
				for _, n := range l.Nodes() {
					entries = append(entries, node.RingEntryOf(n))
				}
				return writeJSON(out, entries)
			case "svg":
				return l.SVG(out)
			}
			return l.Describe(out)
		},
	}
	from.register(cmd)
	cmd.Flags().StringVarP(&format, "output", "o", "table", "table, json or svg")
	return cmd
}

func newOwner() *cobra.Command {
	var from source
	var format string
	cmd := &cobra.Command{
		Use:   "owner KEY...",
		Short: "Show the owners of keys, in a running cluster or one to be formed",
		Long: `Show the owners of keys, in a running cluster or, with -c, in one to be formed.

ORDER 1 leads the key in its datacenter while all nodes are well; the next one
takes over when it is away.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if err := cobra.MinimumNArgs(1)(cmd, args); err != nil {
				return usageError{err}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := oneOf(format, "table", "json"); err != nil {
				return err
			}
			l, err := from.layout(cmd.Context())
			if err != nil {
				return err
			}
			var keys []placement.Key
			for _, key := range args {
				keys = append(keys, l.Owners([]byte(key)))
			}
			if format == "json" {
				return writeJSON(cmd.OutOrStdout(), keys)
			}
			return printOwners(cmd.OutOrStdout(), keys)
		},
	}
	from.register(cmd)
	cmd.Flags().StringVarP(&format, "output", "o", "table", "table or json")
	return cmd
}

func printOwners(w io.Writer, keys []placement.Key) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "KEY\tTOKEN\tSLOT\tDC\tORDER\tNODE\tRACK\tPEERS")
	for _, k := range keys {
		for _, o := range k.Owners {
			fmt.Fprintf(t, "%q\t%v\t%d\t%s\t%d\t%s\t%s\t%s\n", k.Key, k.Token, k.Slot, o.Datacenter, o.Order, o.Node, o.Rack, o.PeerAddr)
		}
	}
	return t.Flush()
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
