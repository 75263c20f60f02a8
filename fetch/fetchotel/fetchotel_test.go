package fetchotel_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"holdfast/fetch"
	"holdfast/fetch/fetchotel"
)

// TestSpans: a span for each request, with the retry's number, and none holds a
// secret; the server sees the context.
func TestSpans(t *testing.T) {
	t.Parallel()
	requests, traced := 0, 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		if strings.HasPrefix(r.Header.Get("Traceparent"), "00-") {
			traced++
		}
		if requests == 1 {
			w.WriteHeader(503)
		}
	}))
	defer s.Close()
	spans := tracetest.NewInMemoryExporter()
	provider := trace.NewTracerProvider(trace.WithSyncer(spans))
	c := fetch.SpecDefaults()
	c.InitialBackoff = time.Millisecond
	client, err := fetch.New(nil, fetch.WithConfig(c), fetch.WithObserver(fetchotel.New(provider, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if !client.Fetch(context.Background(), s.URL+"/?token=s3cret") {
		t.Fatal("not fetched")
	}
	got := spans.GetSpans()
	if len(got) != 2 || traced != 2 {
		t.Fatalf("%d spans, %d requests with a context", len(got), traced)
	}
	if got[0].Status.Code != codes.Error || got[1].Status.Code == codes.Error {
		t.Errorf("status %v, %v", got[0].Status, got[1].Status)
	}
	resends := 0
	for _, span := range got {
		for _, a := range span.Attributes {
			if strings.Contains(a.Value.String(), "s3cret") {
				t.Errorf("a secret in %s", a.Key)
			}
			if a.Key == "http.request.resend_count" && a.Value.AsInt64() == 1 {
				resends++
			}
		}
	}
	if resends != 1 {
		t.Errorf("%d spans are a resend", resends)
	}
}
