// Package zones tells the time elsewhere.
package zones

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// At is the moment as a clock in that zone shows it; the name may be written in small letters.
func At(moment time.Time, name string) (string, error) {
	zone, err := time.LoadLocation(proper(name))
	if err != nil {
		return "", fmt.Errorf("zone %q: %w", name, err)
	}
	return moment.In(zone).Format(time.RFC3339), nil
}

func proper(name string) string {
	if name != strings.ToLower(name) {
		return name
	}
	return cases.Title(language.Und).String(name)
}
