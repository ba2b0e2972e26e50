// Command clockd serves the time of day in any zone, and says what its surroundings are like.
//
//	clockd serve [ADDRESS]   serves until it is stopped
//	clockd at ZONE [SECONDS] prints the time in a zone
//	clockd whoami            prints who it runs as, and whether it may write where it should
//	clockd fetch URL         asks a server, verifying its certificate
package main

import (
	"fmt"
	"net/http"
	"os"
	"os/user"
	"strconv"
	"time"

	"example.com/zones"
	"github.com/go-chi/chi/v5"
	"go.uber.org/zap"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "clockd:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 0:
		return serve(":8080")
	case args[0] == "serve":
		return serve(append(args[1:], ":8080")[0])
	case args[0] == "at" && len(args) > 1:
		return at(args[1], args[2:])
	case args[0] == "whoami":
		return whoami()
	case args[0] == "fetch" && len(args) == 2:
		return fetch(args[1])
	}
	return fmt.Errorf("usage: clockd serve [ADDRESS] | at ZONE [SECONDS] | whoami | fetch URL")
}

func serve(address string) error {
	log := zap.Must(zap.NewProduction())
	defer func() { _ = log.Sync() }()
	router := chi.NewRouter()
	router.Get("/*", func(w http.ResponseWriter, r *http.Request) {
		text, err := zones.At(time.Now(), chi.URLParam(r, "*"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		fmt.Fprintln(w, text)
	})
	log.Info("listening", zap.String("address", address))
	return http.ListenAndServe(address, router)
}

func at(zone string, seconds []string) error {
	moment := time.Now()
	if len(seconds) > 0 {
		n, err := strconv.ParseInt(seconds[0], 10, 64)
		if err != nil {
			return err
		}
		moment = time.Unix(n, 0)
	}
	text, err := zones.At(moment, zone)
	fmt.Println(text)
	return err
}

func whoami() error {
	me, err := user.Current()
	if err != nil {
		return err
	}
	file, err := os.CreateTemp("", "clock")
	if err != nil {
		return err
	}
	fmt.Printf("%s %s:%s, writes to %s\n", me.Username, me.Uid, me.Gid, os.TempDir())
	return os.Remove(file.Name())
}

func fetch(url string) error {
	answer, err := http.Get(url)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	fmt.Println(answer.StatusCode, answer.TLS != nil)
	return nil
}
