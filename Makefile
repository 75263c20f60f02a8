# Shorthands; README's two commands need none of them.

.PHONY: check bench-replay bench-record bench-merge bench-fetch bench-guard

check:
	go run ./internal/check

# Side by side with DuckDB, Polars, Miller and sort+awk (see bench/main.go for what it needs).
bench-replay:
	go build -o bench/data/holdfast ./cmd/holdfast
	npm ci --prefix bench
	cd bench && go run . -runs 5

# Side by side with five write-ahead logs, and the same damage done to each.
bench-record:
	cd bench && go run ./record

# Side by side with GNU sort -m.
bench-merge:
	go build -o bench/data/holdfast ./cmd/holdfast
	cd bench && go run ./merge

# Beside net/http, wrk, vegeta and curl on one local nginx; and a list of ten million URLs.
bench-fetch:
	cd bench && go run ./fetch -memory 10000000

# Beside plain publish loops on the same engine; and what a key costs the server.
bench-guard:
	go build -o bench/data/holdfast ./cmd/holdfast
	cd bench && go run ./guard
