package cmd

import (
	"errors"
	"fmt"
	"time"

	"example.com/shop/internal/token"
	"github.com/spf13/cobra"
)

func newToken() *cobra.Command {
	var secret string
	var valid time.Duration
	c := &cobra.Command{
		Use:   "token NAME",
		Short: "Print a token with which NAME may place orders",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if secret == "" {
				return errors.New("`--secret` is missing: the server's")
			}
			text, err := token.Sign(args[0], []byte(secret), time.Now().Add(valid))
			if err == nil {
				fmt.Fprintln(c.OutOrStdout(), text)
			}
			return err
		},
	}
	c.Flags().StringVar(&secret, "secret", "", "the server's secret")
	c.Flags().DurationVar(&valid, "valid", time.Hour, "how long the token is good for")
	return c
}
