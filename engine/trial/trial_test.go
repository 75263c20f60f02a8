package trial

import (
	"os"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"holdfast/engine"
	"holdfast/engine/enginetest"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m, "holdfast/engine/trial")) }

// A judge that finds nothing is worth nothing: each kind of fault is seen.
func TestJudge(t *testing.T) {
	t.Parallel()
	conn := enginetest.Connect(t, enginetest.Start(t, engine.Config{}).URL())
	for _, c := range []jetstream.StreamConfig{{Name: To, Subjects: []string{"out"}}, {Name: To + "_DEAD", Subjects: []string{"dead.>"}}} {
		if _, err := conn.JS.CreateStream(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	put := func(subject, body string) {
		t.Helper()
		if _, err := conn.JS.Publish(t.Context(), subject, []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	tr, err := New(t.Context(), conn, 1)
	if err != nil {
		t.Fatal(err)
	}
	p := Plan{Keys: 4, First: []string{`{"id":"k0"}`, `{"id":"k1"}`, `{"id":"k2"}`, `{"id":"k3"}`}, Repeats: []string{`{"id":"k0","v":"other"}`, `{"id":"k1","v":"other"}`}}
	if err := tr.Publish(t.Context(), append(p.First, p.Repeats...)); err != nil {
		t.Fatal(err)
	}
	put("out", p.First[0])
	put("out", p.First[1])
	put("out", p.First[1])
	put("out", p.First[2])
	put("out", `{"id":"stranger"}`)
	put("dead.conflict.1", p.Repeats[0])
	put("dead.nokey.2", "x")
	r, err := tr.Judge(t.Context(), p)
	want := Result{Published: 6, Keys: 4, Sink: 5, Missing: 1, Extra: 2, Conflicts: 1, Dead: 1, LostBodies: 2}
	if err != nil || r != want || r.Held() {
		t.Errorf("%+v, %v, want %+v", r, err, want)
	}
}

func TestPlanRepeats(t *testing.T) {
	t.Parallel()
	a, b := NewPlan(7, 1000), NewPlan(7, 1000)
	if len(a.First) != 1000 || a.Conflicts == 0 || len(a.Repeats) < 500 || len(a.Repeats) != len(b.Repeats) || a.Repeats[0] != b.Repeats[0] {
		t.Errorf("%d firsts, %d repeats, %d conflicts", len(a.First), len(a.Repeats), a.Conflicts)
	}
}
