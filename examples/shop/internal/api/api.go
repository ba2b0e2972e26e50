// Package api is the shop over HTTP.
package api

import (
	"embed"
	"encoding/json"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"example.com/shop/internal/catalog"
	"example.com/shop/internal/token"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"
	"golang.org/x/time/rate"
)

//go:embed web
var web embed.FS

type server struct {
	goods  *catalog.Catalog
	secret []byte
	log    *zap.Logger
	orders *prometheus.CounterVec
	limit  *rate.Limiter
}

// New returns the handler of the whole shop.
func New(goods *catalog.Catalog, secret []byte, log *zap.Logger) http.Handler {
	s := &server{
		goods:  goods,
		secret: secret,
		log:    log,
		orders: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "shop_orders_total", Help: "Orders placed."}, []string{"sku"}),
		limit:  rate.NewLimiter(rate.Every(10*time.Millisecond), 20),
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(s.orders)
	pages, err := fs.Sub(web, "web")
	if err != nil {
		panic(err) // The folder is embedded above.
	}
	r := chi.NewRouter()
	r.Use(middleware.Recoverer, s.logged)
	r.Get("/items", s.items)
	r.Post("/items/{sku}/orders", s.order)
	r.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	r.Handle("/*", http.FileServerFS(pages))
	return r
}

func (s *server) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		next.ServeHTTP(w, r)
		s.log.Info("request", zap.String("path", r.URL.Path), zap.Duration("took", time.Since(start)))
	})
}

func (s *server) items(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, s.goods.Items)
}

func (s *server) order(w http.ResponseWriter, r *http.Request) {
	name, err := token.Verify(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), s.secret)
	if err != nil {
		answer(w, http.StatusUnauthorized, map[string]string{"error": "a valid token is needed"})
		return
	}
	if !s.limit.Allow() {
		answer(w, http.StatusTooManyRequests, map[string]string{"error": "too many orders at once"})
		return
	}
	item, ok := s.goods.Find(chi.URLParam(r, "sku"))
	if !ok {
		answer(w, http.StatusNotFound, map[string]string{"error": "no such item"})
		return
	}
	s.orders.WithLabelValues(item.SKU).Inc()
	answer(w, http.StatusCreated, map[string]string{"order": uuid.NewString(), "item": item.Name, "for": name})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // The client went away: nobody is left to tell.
}
