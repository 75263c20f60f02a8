package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"holdfast/fetch/outage"
	"holdfast/fetch/retry"
)

// A forecast is what policies do in one outage.
type forecast struct {
	Hosts   int             `json:"hosts"`
	URLs    int             `json:"urls_per_host"`
	Arrival float64         `json:"arrival_per_second"` // to each host; 0 is all at once
	Outage  string          `json:"outage"`
	As      string          `json:"as"`
	Seed    uint64          `json:"seed"`
	Runs    []outage.Result `json:"runs"`
}

func newFetchSimulate(a *app) *cobra.Command {
	var (
		c      = outage.Config{URLs: 1000}
		policy = choice{"both", []string{"spec", "smart", "both"}}
		as     = choice{"refuse", outage.Modes()}
		change = policyChanges{}
	)
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Foretell what a policy does to servers that fail, without a network",
		Long: `Runs the decisions of fetch in virtual time against servers that are all down for
a while, and prints what the servers see of it:

  load factor   requests for each URL that was tried during the outage
  peak          most requests to one host in a second of the outage
  herd          most requests to one host in the first second after it
  noticed       until a host that is back is asked again, at the latest
  gave up       from a URL's first attempt to its end, of those that failed

With --arrival, URLs come at a steady pace from --lead before the outage on;
without, all are there when it begins.`,
		Example: `  holdfast fetch simulate --outage 60s --hosts 10
  holdfast fetch simulate --policy smart --outage 5m --as error --urls 2000 --arrival 5 --lead 10s
  holdfast fetch simulate --outage 60s --as limit --asks 30s --urls 500 --arrival 5`,
		Args: args(0, 0, "flags only"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c.As, _ = outage.ParseMode(as.value)
			f := forecast{Hosts: c.Hosts, URLs: c.URLs, Arrival: c.Arrival, Outage: c.Outage.String(), As: as.value, Seed: c.Seed}
			for _, name := range []string{retry.NameSpec, retry.NameSmart} {
				if policy.value != name && policy.value != "both" {
					continue
				}
				c.Policy, _ = retry.Named(name)
				change.apply(cmd.Flags(), &c.Policy)
				r, err := outage.Simulate(c)
				if err != nil {
					return usageError(err)
				}
				f.Runs = append(f.Runs, r)
			}
			return a.print(f, f.write)
		},
	}
	s := cmd.Flags()
	s.Var(&policy, "policy", "whose decisions")
	s.DurationVar(&c.Outage, "outage", time.Minute, "how long the hosts are down")
	s.IntVar(&c.Hosts, "hosts", 1, "how many hosts, all down at the same time")
	s.IntVar(&c.URLs, "urls", c.URLs, "how many URLs to each of them")
	s.Float64Var(&c.Arrival, "arrival", 0, "URLs a second to each host; 0: all at once")
	s.DurationVar(&c.Lead, "lead", 0, "how long before the outage URLs begin to come")
	s.Var(&as, "as", "what being down looks like")
	s.DurationVar(&c.Latency, "latency", 50*time.Millisecond, "time of an answer")
	s.DurationVar(&c.RetryAfter, "asks", 0, "Retry-After of answers during the outage, whole seconds")
	s.Uint64Var(&c.Seed, "seed", 1, "of all waits")
	change.add(s)
	return cmd
}

// policyChanges are flags of fetch that matter in an outage; one that is not
// given leaves the policy as it is.
type policyChanges struct {
	retries, concurrency, perHost int
	timeout, patience             time.Duration
	noBudget, noBreaker           bool
}

func (p *policyChanges) add(s *pflag.FlagSet) {
	s.IntVar(&p.retries, "retries", 3, "most retries of a URL")
	s.IntVar(&p.concurrency, "concurrency", 0, "attempts in flight (spec 16, smart 32)")
	s.IntVar(&p.perHost, "per-host", 0, "of them to one host (spec 16, smart 8)")
	s.DurationVar(&p.timeout, "timeout", 0, "limit of one attempt (spec 5s, smart 1m)")
	s.DurationVar(&p.patience, "breaker-patience", time.Minute, "how long URLs wait for a host whose breaker is open")
	s.BoolVar(&p.noBudget, "no-budget", false, "without the retry budget")
	s.BoolVar(&p.noBreaker, "no-breaker", false, "without the circuit breaker")
}

func (p *policyChanges) apply(s *pflag.FlagSet, to *retry.Policy) {
	for flag, set := range map[string]func(){
		"retries":          func() { to.Retries = p.retries },
		"concurrency":      func() { to.Concurrency = p.concurrency },
		"per-host":         func() { to.PerHost = p.perHost },
		"timeout":          func() { to.Timeout = p.timeout },
		"breaker-patience": func() { to.BreakerPatience = p.patience },
		"no-budget":        func() { to.Budget = to.Budget && !p.noBudget },
		"no-breaker":       func() { to.Breaker = to.Breaker && !p.noBreaker },
	} {
		if s.Changed(flag) {
			set()
		}
	}
}

func (f *forecast) write(w io.Writer) error {
	comes := "all at once"
	if f.Arrival > 0 {
		comes = fmt.Sprintf("%g a second", f.Arrival)
	}
	hosts := fmt.Sprintf("%d hosts", f.Hosts)
	if f.Hosts == 1 {
		hosts = "1 host"
	}
	fmt.Fprintf(w, "%s down for %s (%s), %d URLs to each, %s\n\n", hosts, f.Outage, f.As, f.URLs, comes)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name string, value func(r *outage.Result) string) {
		fmt.Fprint(t, name)
		for i := range f.Runs {
			fmt.Fprint(t, "\t", value(&f.Runs[i]))
		}
		fmt.Fprintln(t)
	}
	line("", func(r *outage.Result) string { return r.Policy })
	line("requests", func(r *outage.Result) string { return fmt.Sprint(r.Requests) })
	line("  during the outage", func(r *outage.Result) string { return fmt.Sprintf("%d for %d URLs", r.OutageRequests, r.OutageFirsts) })
	line("load factor", func(r *outage.Result) string { return fmt.Sprintf("%.2f", r.LoadFactor) })
	line("peak", func(r *outage.Result) string { return fmt.Sprintf("%d in a second", r.PeakPerSecond) })
	line("herd", func(r *outage.Result) string {
		return fmt.Sprintf("%d in the first second, %d in its first 100ms", r.Herd, r.HerdAtOnce)
	})
	line("noticed", func(r *outage.Result) string {
		if r.NoticeMS < 0 {
			return "never: all was over before"
		}
		return "after " + inMS(r.NoticeMS)
	})
	line("gave up", func(r *outage.Result) string {
		if r.Successes == r.URLs {
			return "no URL"
		}
		return fmt.Sprintf("after %s (median), %s (longest)", inMS(r.GiveUp50MS), inMS(r.GiveUpMaxMS))
	})
	line("success rate", func(r *outage.Result) string { return fmt.Sprintf("%d/%d", r.Successes, r.URLs) })
	line("ended as", func(r *outage.Result) string {
		var all []string
		for _, name := range slices.Sorted(maps.Keys(r.Outcomes)) {
			all = append(all, fmt.Sprintf("%s %d", name, r.Outcomes[name]))
		}
		return strings.Join(all, ", ")
	})
	line("took", func(r *outage.Result) string { return inMS(r.ElapsedMS) })
	return t.Flush()
}

func inMS(ms float64) string {
	return time.Duration(ms * float64(time.Millisecond)).Round(time.Millisecond).String()
}
