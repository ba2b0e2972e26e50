package cmd

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, the compiler's, and how many modules are inside",
		Args:  cobra.NoArgs,
		Run: func(c *cobra.Command, _ []string) {
			info, ok := debug.ReadBuildInfo()
			if !ok {
				fmt.Fprintln(c.OutOrStdout(), "shop, built without module support")
				return
			}
			fmt.Fprintf(c.OutOrStdout(), "shop %s, %s, %d modules\n", info.Main.Version, info.GoVersion, len(info.Deps))
		},
	}
}
