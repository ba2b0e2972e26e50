package cmd

import (
	"fmt"

	"example.com/shop/internal/catalog"
	"github.com/spf13/cobra"
	"golang.org/x/text/language"
)

func newList() *cobra.Command {
	var lang string
	c := &cobra.Command{
		Use:   "list",
		Short: "Print the catalogue, with prices as a language writes them",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			tag, err := language.Parse(lang)
			if err != nil {
				return fmt.Errorf("language `%s`: %w", lang, err)
			}
			goods, err := catalog.Embedded()
			if err != nil {
				return err
			}
			for _, item := range goods.Items {
				fmt.Fprintf(c.OutOrStdout(), "%-8s %-20s %s\n", item.SKU, item.Name, catalog.Price(item.Price, tag))
			}
			return nil
		},
	}
	c.Flags().StringVar(&lang, "lang", "en", "language, as in BCP 47")
	return c
}
