package token

import (
	"testing"
	"time"
)

func TestATokenNamesItsBearer(t *testing.T) {
	text, err := Sign("ann", []byte("s"), time.Now().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if name, err := Verify(text, []byte("s")); err != nil || name != "ann" {
		t.Fatalf("got %q, %v", name, err)
	}
}

func TestOtherSecretsAndOldTokensAreRefused(t *testing.T) {
	good, _ := Sign("ann", []byte("s"), time.Now().Add(time.Minute))
	old, _ := Sign("ann", []byte("s"), time.Now().Add(-time.Minute))
	for text, secret := range map[string]string{good: "other", old: "s", "": ""} {
		if name, err := Verify(text, []byte(secret)); err == nil {
			t.Errorf("%q was let in with secret %q", name, secret)
		}
	}
}
