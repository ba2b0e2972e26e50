// Shop is a small web shop in one binary: a server, a client and the catalogue they share.
//
// It is tare's example: enough third-party modules that downloading them takes a while, files that are
// embedded, and an HTTPS client that needs certificates where the image has nothing else.
package main

import (
	"os"

	"example.com/shop/cmd"
)

func main() {
	os.Exit(cmd.Main(os.Args[1:], os.Stdout, os.Stderr))
}
