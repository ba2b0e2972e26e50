package cmd

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
)

func newFetch() *cobra.Command {
	return &cobra.Command{
		Use:   "fetch URL",
		Short: "GET an https URL, verified against the system's roots, and say what came",
		Long: "GET an https URL and say what came. The server's certificate is verified against the roots that the\n" +
			"system has (SSL_CERT_FILE, or /etc/ssl/certs): in an image without them, this fails.",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return fetch(c.OutOrStdout(), args[0]) },
	}
}

func fetch(out io.Writer, url string) error {
	if !strings.HasPrefix(url, "https://") {
		return fmt.Errorf("`%s` is not an https URL", url)
	}
	client := http.Client{Timeout: 30 * time.Second}
	answer, err := client.Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	n, err := io.Copy(io.Discard, answer.Body)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s, %s, verified\n", answer.Status, humanize.Bytes(uint64(n)))
	return nil
}
