package zones

import (
	"testing"
	"time"
)

func TestAt(t *testing.T) {
	got, err := At(time.Unix(0, 0), "europe/berlin")
	if want := "1970-01-01T01:00:00+01:00"; got != want || err != nil {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}
