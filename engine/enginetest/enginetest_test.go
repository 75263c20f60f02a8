package enginetest

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"holdfast/engine"
	"holdfast/internal/leak"
)

func TestMain(m *testing.M) { os.Exit(Main(m, "holdfast/engine/enginetest")) }

// An engine comes back with its store, at its address; a connection is seen
// while it is there.
func TestRestart(t *testing.T) {
	const client = "github.com/nats-io/nats.go"
	t.Run("its own life", func(t *testing.T) {
		e := Start(t, engine.Config{})
		url := e.URL()
		c := Connect(t, url)
		if _, err := c.JS.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}}); err != nil {
			t.Fatal(err)
		}
		e.Stop()
		e.Stop()
		e.Restart()
		e.Restart()
		if e.URL() != url || e.As("u:p") != strings.Replace(url, "//", "//u:p@", 1) {
			t.Errorf("%s, not %s", e.URL(), url)
		}
		if _, err := Connect(t, url).JS.Stream(t.Context(), "S"); err != nil {
			t.Error(err)
		}
		if len(leak.Wait(client, 0)) == 0 {
			t.Error("two connections have no goroutine: nothing left behind would be seen")
		}
	})
	if left := leak.Wait(client, 5*time.Second); len(left) > 0 {
		t.Errorf("after its end: %s", left[0])
	}
}
