package main

import (
	"fmt"
	"reflect"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

func newConfig() *cobra.Command {
	cmd := &cobra.Command{
		Use: "config", Short: "Check or print a configuration", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var check, show settings
	checkCmd := &cobra.Command{
		Use: "check", Short: "Say whether the settings are right", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, _, _, err := assemble(cmd, &check); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "configuration ok")
			return nil
		},
	}
	check.register(checkCmd.Flags())
	showCmd := &cobra.Command{
		Use: "show", Short: "Print every setting, its value and where that came from", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := show.load()
			if err != nil {
				return err
			}
			v := reflect.ValueOf(cfg.WithDefaults())
			t := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, f := range fields() {
				origin := show.origins[f.name]
				if origin == "" {
					origin = "default"
				}
				fmt.Fprintf(t, "%s:\t%v\t# %s\n", f.name, v.Field(f.index).Interface(), origin)
			}
			return t.Flush()
		},
	}
	show.register(showCmd.Flags())
	cmd.AddCommand(checkCmd, showCmd)
	return cmd
}
