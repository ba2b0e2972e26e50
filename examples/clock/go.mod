module example.com/clock

go 1.26.0

toolchain go1.26.8

require (
	example.com/zones v0.0.0
	github.com/go-chi/chi/v5 v5.5.0
	go.uber.org/zap v1.28.0
)

require (
	go.uber.org/multierr v1.10.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace example.com/zones => ./zones
