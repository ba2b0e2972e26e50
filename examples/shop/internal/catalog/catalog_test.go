package catalog

import (
	"strings"
	"testing"

	"golang.org/x/text/language"
)

func TestTheEmbeddedCatalogueIsValid(t *testing.T) {
	c, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := c.Find("jar-1"); !ok || len(c.Items) != 4 {
		t.Fatalf("got %+v", c.Items)
	}
}

func TestPricesFollowTheLanguage(t *testing.T) {
	c, _ := Embedded()
	item, _ := c.Find("scale-2")
	for tag, want := range map[language.Tag]string{language.English: "1,234.50", language.German: "1.234,50"} {
		if got := Price(item.Price, tag); got != want {
			t.Errorf("%s: got %q, want %q", tag, got, want)
		}
	}
}

func TestWhatIsWrongIsNamed(t *testing.T) {
	for text, want := range map[string]string{
		"items: [{sku: a, price: '1'}, {sku: a, price: '1'}]": "no SKU of its own",
		"items: [{sku: a, price: '-1'}]":                      "negative price",
		"items: {":                                            "catalogue:",
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}
