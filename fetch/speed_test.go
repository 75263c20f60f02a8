package fetch

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"holdfast/fetch/retry"
)

// A trickle gives n bytes each second, so often.
type trickle struct {
	ctx      context.Context
	n, times int
}

func (b *trickle) Read(p []byte) (int, error) {
	if b.times == 0 {
		return 0, io.EOF
	}
	b.times--
	select {
	case <-b.ctx.Done():
		return 0, context.Cause(b.ctx)
	case <-time.After(time.Second):
	}
	return copy(p, make([]byte, b.n)), nil
}

func (b *trickle) Close() error { return nil }

// trickling answers with a body of that speed.
type trickling struct{ n, times int }

func (s trickling) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: &trickle{req.Context(), s.n, s.times}, ContentLength: int64(s.n * s.times), Request: req}, nil
}

// TestMinSpeed: a body below --min-speed over 10 s is given up, however short
// its silences; one above it may take as long as it likes.
func TestMinSpeed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		speed int
		slow  bool
	}{{90, true}, {1, true}, {120, false}, {1000, false}} {
		t.Run(fmt.Sprint(c.speed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				config := SmartDefaults()
				config.MinSpeed, config.Retries, config.Timeout, config.Idle = 100, 0, time.Hour, 5*time.Second
				client, err := New(nil, WithConfig(config), WithTransport(trickling{c.speed, 45}))
				if err != nil {
					t.Fatal(err)
				}
				begin := time.Now()
				o, err := client.Do(context.Background(), Request{URL: "http://h/"})
				took := time.Since(begin)
				switch {
				case !c.slow && (err != nil || o.Bytes != int64(45*c.speed) || took != 45*time.Second):
					t.Errorf("%v after %v: %+v", err, took, o)
				case c.slow && (err == nil || o.History[0].Class != retry.ClassTimeout || o.History[0].Limit != retry.LimitSpeed || took < 10*time.Second || took > 21*time.Second):
					t.Errorf("%v after %v: %+v", err, took, o)
				}
			})
		})
	}
}
