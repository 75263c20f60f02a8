package sink

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"holdfast/engine"
	"holdfast/engine/enginetest"
)

// BenchmarkPublish publishes a log with payloads of 200 bytes, 256 at once, on an
// embedded engine that does not sync; BenchmarkPublishAsync is the plain loop
// beside it, which has ids and promises no order, and nothing after a kill.
func BenchmarkPublish(b *testing.B) {
	url := enginetest.Start(b, engine.Config{}).URL()
	body := make([]byte, 200)
	log, size := writeLog(b, b.TempDir()+"/log", upTo(uint64(b.N)), func(uint64) []byte { return body })
	p, err := New(b.Context(), Config{Access: engine.Access{URL: url}, Session: "s", Log: log})
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	p.Wrote(size, uint64(b.N))
	if _, err := p.Finish(b.Context()); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkPublishAsync(b *testing.B) {
	conn := enginetest.Connect(b, enginetest.Start(b, engine.Config{}).URL())
	js, err := jetstream.New(conn.NATS, jetstream.WithPublishAsyncMaxPending(256))
	if err != nil {
		b.Fatal(err)
	}
	if _, err := js.CreateStream(b.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, Storage: jetstream.FileStorage}); err != nil {
		b.Fatal(err)
	}
	body := make([]byte, 200)
	b.ResetTimer()
	for i := range b.N {
		m := &nats.Msg{Subject: "s", Data: body, Header: nats.Header{"Nats-Msg-Id": {fmt.Sprint("s:", i)}}}
		if _, err := js.PublishMsgAsync(m, jetstream.WithStallWait(time.Minute)); err != nil {
			b.Fatal(err)
		}
	}
	<-js.PublishAsyncComplete()
}
