package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/node/placement"
)

// plannedKeys is how many keys a cluster is taken to have that does not run yet.
const plannedKeys = 1_000_000

func newPlan() *cobra.Command {
	var from source
	var format string
	var add, remove, weights []string
	var keys int64
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show what adding, removing or reweighting nodes would move",
		Long: `Show what adding, removing or reweighting nodes would move: from whom to whom,
which share of the keys, and the least that any way to the same shares could
move. Nothing changes: it is a dry run, on a running cluster or, with -c and the
files of all nodes, on one to be formed.

  dynomited plan --add n4,rack=rack1 --add n5,rack=rack2,weight=2
  dynomited plan --remove n3 --weight n1=3 -c 'conf/*.yml' --keys 5000000`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			change, err := parseChange(add, remove, weights)
			if err == nil {
				err = oneOf(format, "table", "json")
			}
			if err == nil && keys < 0 {
				err = fmt.Errorf("--keys: %d is negative", keys)
			}
			if err != nil {
				return usageError{err}
			}
			l, err := from.layout(cmd.Context())
			if err != nil {
				return err
			}
			plan, err := l.Plan(change)
			if err != nil {
				return usageError{err}
			}
			if format == "json" {
				return writeJSON(cmd.OutOrStdout(), plan)
			}
			if !cmd.Flags().Changed("keys") && !from.offline() {
				body, err := from.fetch(cmd.Context(), "/dbsize")
				if err != nil {
					return err
				}
				if keys, err = strconv.ParseInt(strings.TrimSpace(string(body)), 10, 64); err != nil {
					return fmt.Errorf("the node at %s says that it has %q keys", from.addr, body)
				}
			}
			return printPlan(cmd.OutOrStdout(), plan, keys)
		},
	}
	from.register(cmd)
	flags := cmd.Flags()
	flags.StringArrayVar(&add, "add", nil, "a node that joins: NAME,rack=RACK[,dc=DC][,weight=N][,token=T]; may be repeated")
	flags.StringArrayVar(&remove, "remove", nil, "a node that leaves: NAME; may be repeated")
	flags.StringArrayVar(&weights, "weight", nil, "a node's new weight: NAME=N; may be repeated")
	flags.Int64Var(&keys, "keys", plannedKeys, "how many keys to reckon with (default of a running cluster: those it has)")
	flags.StringVarP(&format, "output", "o", "table", "table or json")
	return cmd
}

// parseChange reads the flags that say what would change.
func parseChange(add, remove, weights []string) (placement.Change, error) {
	c := placement.Change{Remove: remove, Weights: map[string]int64{}}
	if len(add)+len(remove)+len(weights) == 0 {
		return c, fmt.Errorf("plan needs --add, --remove or --weight")
	}
	for _, text := range add {
		a, err := parseAddition(text)
		if err != nil {
			return c, fmt.Errorf("--add %s: %w", text, err)
		}
		c.Add = append(c.Add, a)
	}
	for _, text := range weights {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return c, fmt.Errorf("--weight %s: want NAME=N", text)
		}
		if _, twice := c.Weights[name]; twice {
			return c, fmt.Errorf("--weight %s: %s is given two weights", text, name)
		}
		weight, err := parseWeight(value)
		if err != nil {
			return c, fmt.Errorf("--weight %s: %w", text, err)
		}
		c.Weights[name] = weight
	}
	return c, nil
}

func parseAddition(text string) (placement.Addition, error) {
	name, rest, more := strings.Cut(text, ",")
	a := placement.Addition{ID: name}
	for more {
		var part string
		part, rest, more = strings.Cut(rest, ",")
		key, value, _ := strings.Cut(part, "=")
		var err error
		switch key {
		case "rack":
			a.Rack = value
		case "dc", "datacenter":
			a.Datacenter = value
		case "weight":
			a.Weight, err = parseWeight(value)
		case "token":
			var token hashkit.Token
			token, err = hashkit.ParseToken(value)
			a.Tokens = append(a.Tokens, token)
		default:
			err = fmt.Errorf("%q is none of rack=, dc=, weight= and token=", part)
		}
		if err != nil {
			return a, err
		}
	}
	return a, nil
}

func parseWeight(text string) (int64, error) {
	weight, err := strconv.ParseInt(text, 10, 64)
	if err != nil || weight < 1 {
		return 0, fmt.Errorf("the weight %q is no whole number of 1 or more", text)
	}
	return weight, nil
}

func printPlan(w io.Writer, p *placement.Plan, keys int64) error {
	count := func(share float64) int64 { return int64(share*float64(keys) + 0.5) }
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NODE\tDC\tRACK\tWEIGHT\tHOLDS\tWOULD HOLD")
	before := make(map[string]placement.Node)
	for _, n := range p.Before {
		before[n.ID] = n
	}
	for _, n := range p.After {
		had := "-"
		if b, ok := before[n.ID]; ok {
			had = percent(b.Share)
		}
		delete(before, n.ID)
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t%s\n", n.ID, n.Datacenter, n.Rack, n.Weight, had, percent(n.Share))
	}
	for _, n := range p.Before {
		if _, gone := before[n.ID]; gone {
			fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t-\n", n.ID, n.Datacenter, n.Rack, n.Weight, percent(n.Share))
		}
	}
	fmt.Fprintln(t)
	fmt.Fprintln(t, "FROM\tTO\tDC\tRACK\tSHARE\tKEYS\tRANGES")
	for _, m := range p.Transfers {
		from := m.From
		if from == "" {
			from = "(other racks)"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%d\t%d\n", from, m.To, m.Datacenter, m.Rack, percent(m.Share), count(m.Share), m.Ranges)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	times := "nothing has to move"
	if p.Minimum > 0 {
		times = fmt.Sprintf("%.3f times that moves", p.Moved/p.Minimum)
	}
	_, err := fmt.Fprintf(w, "\nmoves    %s of %d keys: about %d copies\nminimum  %s: about %d copies; %s\n",
		percent(p.Moved), keys, count(p.Moved), percent(p.Minimum), count(p.Minimum), times)
	return err
}

func percent(part float64) string { return fmt.Sprintf("%.2f %%", 100*part) }
