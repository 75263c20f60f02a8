// Package fetchotel traces a fetch with OpenTelemetry: one client span for each
// request that is sent, redirects and retries each with their own, named and
// attributed by the semantic conventions for HTTP clients (1.23 and later). The
// context travels on in the request's headers.
//
// It promises that no secret of a URL reaches a span: it is given redacted ones.
// Repeats by net/http below us are one span with holdfast.wire_sends above 1:
// they cannot be told apart from above.
//
// Call [New] and give it to fetch.WithObserver.
package fetchotel

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"holdfast/fetch"
)

const scope = "holdfast/fetch"

// New gives an observer that makes spans with provider and puts their context
// into the request's headers with propagator (nil: W3C trace context).
func New(provider trace.TracerProvider, propagator propagation.TextMapPropagator) fetch.Observer {
	if propagator == nil {
		propagator = propagation.TraceContext{}
	}
	return &observer{provider.Tracer(scope), propagator}
}

type observer struct {
	tracer     trace.Tracer
	propagator propagation.TextMapPropagator
}

// Begin implements fetch.Observer.
func (o *observer) Begin(ctx context.Context, req *http.Request, s fetch.Send) func(fetch.Sent) {
	ctx, span := o.tracer.Start(ctx, req.Method, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes(req, s)...))
	o.propagator.Inject(ctx, propagation.HeaderCarrier(req.Header))
	return func(sent fetch.Sent) {
		end(span, sent)
		span.End()
	}
}

func attributes(req *http.Request, s fetch.Send) []attribute.KeyValue {
	all := []attribute.KeyValue{
		attribute.String("http.request.method", req.Method),
		attribute.String("url.full", s.URL),
		attribute.String("server.address", req.URL.Hostname()),
		attribute.Int("server.port", port(req.URL)),
		attribute.Int("holdfast.hop", s.Hop),
	}
	if s.Attempt > 1 {
		all = append(all, attribute.Int("http.request.resend_count", s.Attempt-1))
	}
	if s.Line > 0 {
		all = append(all, attribute.Int64("holdfast.line", s.Line))
	}
	return all
}

func port(u *url.URL) int {
	if n, err := strconv.Atoi(u.Port()); err == nil {
		return n
	}
	if u.Scheme == "https" {
		return 443
	}
	return 80
}

func end(span trace.Span, sent fetch.Sent) {
	span.SetAttributes(attribute.Int("holdfast.wire_sends", sent.WireSends), attribute.String("holdfast.class", sent.Class))
	if sent.Status != 0 {
		span.SetAttributes(attribute.Int("http.response.status_code", sent.Status), attribute.Int64("http.response.body.size", sent.Bytes))
	}
	switch {
	case sent.Error != "":
		kind := sent.Kind
		if kind == "" {
			kind = sent.Class
		}
		span.SetAttributes(attribute.String("error.type", kind))
		span.SetStatus(codes.Error, sent.Error)
	case sent.Status >= 400:
		span.SetAttributes(attribute.String("error.type", strconv.Itoa(sent.Status)))
		span.SetStatus(codes.Error, "")
	}
}
