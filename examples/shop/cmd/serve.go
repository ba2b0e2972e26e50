package cmd

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"example.com/shop/internal/api"
	"example.com/shop/internal/catalog"
	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
)

func newServe() *cobra.Command {
	var addr, secret string
	c := &cobra.Command{
		Use:   "serve",
		Short: "Serve the shop over HTTP until interrupted",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			return serve(ctx, addr, secret)
		},
	}
	c.Flags().StringVar(&addr, "addr", "127.0.0.1:8080", "address to listen on")
	c.Flags().StringVar(&secret, "secret", "", "secret of the tokens that may place orders; without it nobody may")
	c.SetContext(context.Background())
	return c
}

func serve(ctx context.Context, addr, secret string) error {
	log, err := zap.NewProduction()
	if err != nil {
		return err
	}
	goods, err := catalog.Embedded()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	log.Info("listening", zap.String("addr", listener.Addr().String()), zap.Int("items", len(goods.Items)))
	server := &http.Server{Handler: api.New(goods, []byte(secret), log), ReadHeaderTimeout: 5 * time.Second}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		last, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		return server.Shutdown(last)
	})
	return group.Wait()
}
