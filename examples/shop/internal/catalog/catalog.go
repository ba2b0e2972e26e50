// Package catalog is what the shop sells: a YAML file that is embedded in the binary.
package catalog

import (
	_ "embed"
	"fmt"

	"github.com/shopspring/decimal"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"
	"gopkg.in/yaml.v3"
)

//go:embed goods.yaml
var goods []byte

// Catalog is the whole offer, in the order of the file.
type Catalog struct {
	Items []Item `yaml:"items"`
}

// Item is one thing that can be bought.
type Item struct {
	SKU   string          `yaml:"sku" json:"sku"`
	Name  string          `yaml:"name" json:"name"`
	Price decimal.Decimal `yaml:"price" json:"price"`
}

// Embedded is the catalogue that this binary carries.
func Embedded() (*Catalog, error) { return Parse(goods) }

// Parse reads a catalogue; every item has a SKU of its own and a price that isn't negative.
func Parse(text []byte) (*Catalog, error) {
	var c Catalog
	if err := yaml.Unmarshal(text, &c); err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	seen := map[string]bool{}
	for _, item := range c.Items {
		if item.SKU == "" || seen[item.SKU] {
			return nil, fmt.Errorf("catalogue: `%s` has no SKU of its own: `%s`", item.Name, item.SKU)
		}
		if item.Price.IsNegative() {
			return nil, fmt.Errorf("catalogue: `%s` has a negative price", item.SKU)
		}
		seen[item.SKU] = true
	}
	return &c, nil
}

// Find returns the item with that SKU.
func (c *Catalog) Find(sku string) (Item, bool) {
	for _, item := range c.Items {
		if item.SKU == sku {
			return item, true
		}
	}
	return Item{}, false
}

// Price writes an amount as a language does: 1,234.50 or 1.234,50.
func Price(amount decimal.Decimal, tag language.Tag) string {
	return message.NewPrinter(tag).Sprint(number.Decimal(amount.InexactFloat64(), number.Scale(2)))
}
