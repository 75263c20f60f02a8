package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"holdfast/engine"
	"holdfast/engine/relay"
	"holdfast/engine/trial"
)

// selftest proves guard on this machine: an engine of its own, relays that are
// processes of this binary, kill -9.
type selftest struct {
	on     bool
	keys   int
	relays int
	kills  int
	nodes  int
	after  time.Duration
	seed   uint64
}

func (s *selftest) add(f *pflag.FlagSet) {
	f.BoolVar(&s.on, "selftest", false, "prove it on this machine: own engine, real relays, kill -9")
	f.IntVar(&s.keys, "keys", 20_000, "selftest: distinct keys")
	f.IntVar(&s.relays, "relays", 3, "selftest: relay processes")
	f.IntVar(&s.kills, "kills", 20, "selftest: relays killed")
	f.IntVar(&s.nodes, "nodes", 1, "selftest: servers of the engine, 1 or 3; one of 3 is killed too")
	f.DurationVar(&s.after, "repeat-after", 0, "selftest: send repeats so long after the last first (default: among them)")
	f.Uint64Var(&s.seed, "seed", 1, "selftest: of keys, repeats and kills")
}

func (s *selftest) check() error {
	switch {
	case s.keys < 1 || s.relays < 1 || s.kills < 0 || s.after < 0:
		return errors.New("--keys and --relays: at least 1; --kills and --repeat-after: at least 0")
	case s.nodes != 1 && s.nodes != 3:
		return fmt.Errorf("--nodes %d: 1 or 3", s.nodes)
	}
	return nil
}

// proof is a selftest that runs.
type proof struct {
	*selftest
	a       *app
	c       relay.Config
	rng     *rand.Rand
	dir     string
	urls    string
	servers []*child
	fleet   []*child
	trial   *trial.Trial
	kills   int
	lost    int
}

func (s *selftest) run(ctx context.Context, a *app, c relay.Config) (err error) {
	if err := s.check(); err != nil {
		return usageError(err)
	}
	p := &proof{selftest: s, a: a, c: c, rng: rand.New(rand.NewPCG(s.seed, 7))}
	if p.dir, err = os.MkdirTemp("", "holdfast-guard-"); err != nil {
		return err
	}
	defer os.RemoveAll(p.dir)
	stop, err := p.engine(ctx)
	defer stop()
	if err != nil {
		return err
	}
	conn, err := engine.Connect(ctx, engine.Access{URL: p.urls, Name: "holdfast guard --selftest", Patience: time.Minute})
	if err != nil {
		return err
	}
	defer conn.Close()
	if p.trial, err = trial.New(ctx, conn, s.nodes); err != nil {
		return err
	}
	if c.Mode == relay.Expect {
		if err := p.trial.Sink(ctx, s.nodes); err != nil {
			return err
		}
	}
	defer func() { killAll(p.fleet) }()
	plan := trial.NewPlan(s.seed, s.keys)
	if err := p.play(ctx, plan); err != nil {
		return err
	}
	r, err := p.trial.Judge(ctx, plan)
	if err != nil {
		return err
	}
	r.Kills, r.NodesLost = p.kills, p.lost
	if err := a.print(r, func(w io.Writer) error { return writeTrial(w, r) }); err != nil {
		return err
	}
	if !r.Held() {
		return notHeld(fmt.Errorf("seed %d: %d keys missing, %d extra messages, %d bodies lost", s.seed, r.Missing, r.Extra, r.LostBodies))
	}
	return nil
}

// engine starts the servers: one in this process, or three of their own. They
// do not sync: a killed process loses nothing that it gave to the system.
func (p *proof) engine(ctx context.Context) (stop func(), err error) {
	if p.nodes == 1 {
		s, err := engine.Start(ctx, engine.Config{Dir: filepath.Join(p.dir, "node"), NoSync: true})
		if err != nil {
			return func() {}, err
		}
		p.urls = s.URL()
		return func() { s.Close() }, nil
	}
	for tries := 1; ; tries++ {
		stop, err := p.cluster(ctx)
		if err == nil || !strings.Contains(err.Error(), "address already in use") || tries == maxTries {
			return stop, err
		}
		stop() // another program was quicker: take other ports
		p.servers = nil
	}
}

// maxTries bounds how often ports are chosen.
const maxTries = 5

// cluster starts the servers that are processes of their own.
func (p *proof) cluster(ctx context.Context) (stop func(), err error) {
	stop = func() { killAll(p.servers) }
	all, err := freeAddresses(2 * p.nodes)
	if err != nil {
		return stop, err
	}
	clients, peers := all[:p.nodes], all[p.nodes:]
	for i := range p.nodes {
		n, err := p.a.start("engine", "--dir", filepath.Join(p.dir, "node"+strconv.Itoa(i)), "--no-sync", "--listen", clients[i],
			"--name", "node"+strconv.Itoa(i), "--peer", peers[i], "--routes", strings.Join(peers, ","))
		if err != nil {
			return stop, err
		}
		p.servers = append(p.servers, n)
	}
	for _, n := range p.servers {
		if err := n.wait(ctx); err != nil {
			return stop, err
		}
	}
	p.urls = "nats://" + strings.Join(clients, ",nats://")
	return stop, nil
}

// freeAddresses are ports that nobody has, each another.
func freeAddresses(n int) (all []string, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // all of them at the end: none is given twice
		all = append(all, l.Addr().String())
	}
	return all, nil
}

// play publishes the plan in parts, and kills a relay in the middle of each.
func (p *proof) play(ctx context.Context, plan trial.Plan) error {
	for range p.relays {
		r, err := p.relay()
		if err != nil {
			return err
		}
		p.fleet = append(p.fleet, r)
	}
	messages, pause := plan.Mixed(p.seed), -1
	if p.after > 0 {
		messages, pause = append(append([]string(nil), plan.First...), plan.Repeats...), len(plan.First)
	}
	bar := p.a.progress()
	defer bar.Close()
	parts := p.selftest.kills + 1
	for i := range parts {
		from, to := i*len(messages)/parts, (i+1)*len(messages)/parts
		published := make(chan error, 1)
		go func() {
			if from <= pause && pause < to {
				published <- errors.Join(p.trial.Publish(ctx, messages[from:pause]), sleep(ctx, p.after), p.trial.Publish(ctx, messages[pause:to]))
				return
			}
			published <- p.trial.Publish(ctx, messages[from:to])
		}()
		var err error
		if i < p.selftest.kills {
			err = p.kill(ctx)
		}
		if i == parts/2 && p.nodes > 1 {
			p.servers[p.rng.IntN(len(p.servers))].kill()
			p.lost++
		}
		if err := errors.Join(<-published, err); err != nil {
			return err
		}
		bar.Step("published", int64(to), int64(len(messages)))
	}
	return p.settle(ctx, bar)
}

// kill ends a relay that works, at a random moment, and starts another.
func (p *proof) kill(ctx context.Context) error {
	i := p.rng.IntN(len(p.fleet))
	if err := p.fleet[i].wait(ctx); err != nil {
		return err
	}
	if err := sleep(ctx, time.Duration(p.rng.Int64N(int64(40*time.Millisecond)))); err != nil {
		return err
	}
	p.fleet[i].kill()
	p.kills++
	r, err := p.relay()
	if err == nil {
		p.fleet[i] = r
	}
	return err
}

func (p *proof) relay() (*child, error) {
	given := []string{"guard", "--nats", p.urls, "--from", trial.From, "--to", trial.To, "--key", trial.Fields, "--mode", string(p.c.Mode),
		"--replicas", strconv.Itoa(p.nodes), "--ack-wait", "2s", "--connect-timeout", "1m", "--max-keys", strconv.Itoa(p.keys + 1)}
	if p.c.Window > 0 {
		given = append(given, "--window", p.c.Window.String(), "--accept-window")
	} else if p.c.Mode == relay.Window {
		given = append(given, "--window", "5m")
	}
	return p.a.start(given...)
}

// settle waits until the relays have done everything, as long as they get on.
func (p *proof) settle(ctx context.Context, bar *progress) error {
	const patience = 90 * time.Second
	best, since := ^uint64(0), time.Now()
	for {
		idle, left, err := p.trial.Idle(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil && idle:
			return nil
		case err == nil && left < best:
			best, since = left, time.Now()
		case time.Since(since) > patience:
			return fmt.Errorf("the relays have not got on for %v, %d messages are left: %s", patience, best, p.fleet[0].last())
		}
		for i, r := range p.fleet { // one that gave up by itself would be missed
			if err := r.ended(); err != nil {
				return fmt.Errorf("relay %d ended by itself: %w", i, err)
			}
		}
		bar.Step("waiting", int64(left), 0)
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func writeTrial(w io.Writer, r trial.Result) error {
	verdict := "each key once"
	if !r.Held() {
		verdict = "NOT each key once"
	}
	_, err := fmt.Fprintf(w, `%s: %d messages of %d keys, %d relays killed, %d servers lost
  in the sink  %8d
  missing      %8d
  extra        %8d
  conflicts    %8d   same key, another body: kept in %s_DEAD
`, verdict, r.Published, r.Keys, r.Kills, r.NodesLost, r.Sink, r.Missing, r.Extra, r.Conflicts, trial.To)
	return err
}
