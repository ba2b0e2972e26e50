// Package cmd is the command line: one file a subcommand.
package cmd

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// Main runs one command line and says how it ended.
func Main(args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	if err := root.Execute(); err != nil {
		fmt.Fprintln(stderr, "error:", err)
		return 1
	}
	return 0
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "shop",
		Short:         "A small web shop in one binary",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newServe(), newList(), newFetch(), newToken(), newVersion())
	return root
}
