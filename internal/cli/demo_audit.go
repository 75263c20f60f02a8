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
	s := &j.audit.Summary
	c.claims = []claim{
		equal("rows too many", j.race.Duplicates(), s.ByEvent.Duplicates),
		equal("ticks lost", j.race.Lost(), s.Lost),
		equal("every row kept, removed or rejected", s.Rows.In, s.Rows.Kept+s.Rows.Removed+s.Rows.Rejected),
		j.leaseNamed(s),
	}
	return c, nil
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
	byEvent, err := audit.Dedupe(ctx, j.incidentFiles(), dedupe.Config{Out: j.path("clean.csv")})
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
