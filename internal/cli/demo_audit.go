package cli

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"holdfast/engine/incident"
	"holdfast/internal/vfs"
	"holdfast/replay"
	"holdfast/replay/audit"
	"holdfast/replay/dedupe"
	"holdfast/replay/match"
	"holdfast/replay/whatif"
)

// incidentFiles are the three files that an engineer would find.
func (j *journey) incidentFiles() audit.Config {
	return audit.Config{Events: j.events(), Workers: j.path("incident", "worker_logs.csv"), Output: j.path("incident", "final_output.csv")}
}

// demoAudit explains the output without having been told anything of the race.
func demoAudit(ctx context.Context, j *journey) (chapter, error) {
	var c chapter
	config := j.incidentFiles()
	config.Out, config.Progress = j.path("incident", "audit"), j.progress.Step
	told := j.tolerance(&config)
	for _, s := range incident.Safeguards() {
		config.Safeguards = append(config.Safeguards, s.Foretold())
	}
	var err error
	if j.audit, err = audit.Run(ctx, config); err != nil {
		return c, err
	}
	if j.graded, err = score(j.path("incident"), config.Out); err != nil {
		return c, err
	}
	page, err := os.ReadFile(j.path("incident", "audit", "report.html"))
	if err != nil {
		return c, err
	}
	if err := writeWhole(j.path("report.html"), page); err != nil {
		return c, err
	}
	var text strings.Builder
	if err := j.audit.WriteText(&text); err != nil {
		return c, err
	}
	c.facts = strings.Split(strings.TrimSpace(text.String()), "\n")
	c.facts = append(told, c.facts...)
	s := &j.audit.Summary
	c.claims = []claim{
		equal("rows too many", j.race.Duplicates(), s.ByEvent.Duplicates),
		// A row that lies too far from its tick to be known leaves a tick without a row.
		equal("ticks lost, but for rows whose tick cannot be told", j.race.Lost(), max(s.Lost-s.ByEvent.Orphans, 0)),
		equal("every row kept, removed or rejected", s.Rows.In, s.Rows.Kept+s.Rows.Removed+s.Rows.Rejected),
		j.leaseNamed(s),
	}
	return c, nil
}

// enoughTicks is from how many ticks on the audit can learn how far a copy lies
// from its tick.
const enoughTicks = 1000

// tolerance tells the audit how far copies may lie, if there are too few ticks to
// learn it from, and says so.
func (j *journey) tolerance(c *audit.Config) (told []string) {
	if j.plan.Events >= enoughTicks {
		return nil
	}
	c.Tolerance = match.Tolerance{Mode: match.Given, Band: match.Band{Late: 10_000_000, Price: 500_000_000}}
	return []string{"(so few ticks do not show how far a copy may lie from its tick: the audit was told, 10 ms and 0.50)"}
}

// leaseNamed is the claim that the cause was found, and the lease read off the
// times alone. If the machine stalled so much that even the workers' own times do
// not show it, there is nothing to find, and the claim says so.
func (j *journey) leaseNamed(s *replay.Summary) claim {
	found := "no lease named"
	var l time.Duration
	if s.LeaseMS != nil {
		l = time.Duration(*s.LeaseMS)
	}
	if n := s.Causes[replay.ShortLease.String()].Count; n > 0 {
		found = fmt.Sprintf("%.1f ms", float64(l)/float64(time.Millisecond))
	}
	near := max(l-incident.Lease, incident.Lease-l) <= incident.Lease/20
	c := claim{What: "root cause: short-lease, with the length of the lease", Injected: fmt.Sprintf("%d ms", incident.Lease.Milliseconds()), Found: found, Held: near}
	if !near && !j.race.Even() {
		c.What, c.Held = "the lease (not judged: this machine stalled, and blurred its trace)", true
	}
	return c
}

// demoDedupe cleans the output, and shows what the usual rule would have done.
func demoDedupe(ctx context.Context, j *journey) (chapter, error) {
	var c chapter
	byKey, err := dedupe.ByKey(ctx, dedupe.Config{In: j.path("incident", "final_output.csv"), Out: j.path("by_key.csv")})
	if err != nil {
		return c, err
	}
	config := j.incidentFiles()
	j.tolerance(&config)
	byEvent, err := audit.Dedupe(ctx, config, dedupe.Config{Out: j.path("clean.csv")})
	if err != nil {
		return c, err
	}
	same, err := sameFiles(j.path("clean.csv"), j.path("incident", "audit", "deduplicated_output.csv"))
	if err != nil {
		return c, err
	}
	usual := j.graded.Baselines["key-last"]
	c.facts = []string{fmt.Sprintf("by event: %s removed; by the usual key, (symbol, timestamp): %s removed, %s left doubled, %s lost",
		counted(byEvent.Removed, "row", "rows"), fmt.Sprint(byKey.Removed), counted(usual.EventsDoubled, "tick", "ticks"), fmt.Sprint(usual.EventsLost))}
	c.claims = []claim{
		equal("rows of the clean output: one for each tick of the market", int64(j.plan.Events), byEvent.Kept),
		equal("ticks lost or still doubled in it", int64(0), j.graded.Dedupe.EventsLost+j.graded.Dedupe.EventsDoubled),
		equal("dedupe and audit write the same bytes", true, same),
	}
	return c, nil
}

// foretold is what the audit's what-if says of a safeguard.
func (j *journey) foretold(s whatif.Safeguard) (whatif.Outcome, error) {
	for _, o := range j.audit.WhatIf.Outcomes {
		if o.Safeguard == s {
			return o, nil
		}
	}
	return whatif.Outcome{}, fmt.Errorf("nothing was foretold of %s", s)
}

func sameFiles(a, b string) (bool, error) {
	x, err := os.ReadFile(a)
	if err != nil {
		return false, err
	}
	y, err := os.ReadFile(b)
	return string(x) == string(y), err
}

// writeWhole writes a file that is there whole or not at all.
func writeWhole(path string, text []byte) error {
	out, err := vfs.Create(vfs.OS{}, path)
	if err != nil {
		return err
	}
	defer out.Abort()
	if _, err := out.Write(text); err != nil {
		return err
	}
	return out.Commit()
}
