package cmd

import (
	"bytes"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The system's roots are read once in a process: to see other roots, a test runs this binary again as shop.
func TestMain(m *testing.M) {
	if os.Getenv("SHOP_AS_PROGRAM") != "" {
		os.Exit(Main(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

func run(args ...string) (int, string) {
	var out bytes.Buffer
	return Main(args, &out, &out), out.String()
}

func TestHelpNamesTheSubcommands(t *testing.T) {
	code, out := run("--help")
	if code != 0 || !strings.Contains(out, "serve") || !strings.Contains(out, "fetch") {
		t.Fatalf("%d %s", code, out)
	}
}

func TestListWritesPrices(t *testing.T) {
	if code, out := run("list", "--lang", "de"); code != 0 || !strings.Contains(out, "1.234,50") {
		t.Fatalf("%d %s", code, out)
	}
}

func TestVersionNamesTheCompiler(t *testing.T) {
	if code, out := run("version"); code != 0 || !strings.Contains(out, "go1.") {
		t.Fatalf("%d %s", code, out)
	}
}

func TestATokenNeedsASecret(t *testing.T) {
	if code, out := run("token", "ann"); code != 1 || !strings.Contains(out, "--secret") {
		t.Fatalf("%d %s", code, out)
	}
	if code, out := run("token", "ann", "--secret", "s"); code != 0 || strings.Count(out, ".") != 2 {
		t.Fatalf("%d %s", code, out)
	}
}

func TestFetchVerifiesTheCertificate(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 2000)) }))
	defer server.Close()
	roots := filepath.Join(t.TempDir(), "roots.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(roots, block, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := again(roots, "fetch", server.URL); err != nil || out != "200 OK, 2.0 kB, verified\n" {
		t.Fatalf("with its root: %v %s", err, out)
	}
	if out, err := again("/dev/null", "fetch", server.URL); err == nil || !strings.Contains(out, "certificate") {
		t.Fatalf("without its root: %v %s", err, out)
	}
	if code, out := run("fetch", "http://127.0.0.1"); code != 1 || !strings.Contains(out, "not an https URL") {
		t.Fatalf("%d %s", code, out)
	}
}

func again(roots string, args ...string) (string, error) {
	c := exec.Command(os.Args[0], args...)
	c.Env = []string{"SHOP_AS_PROGRAM=1", "SSL_CERT_FILE=" + roots, "SSL_CERT_DIR=/nonexistent"}
	out, err := c.CombinedOutput()
	return string(out), err
}
