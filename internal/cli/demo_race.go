package cli

import (
	"context"
	"fmt"
	"time"

	"holdfast/engine"
	"holdfast/engine/incident"
)

// demoRace lets three worker processes race for the ticks.
func demoRace(ctx context.Context, j *journey) (chapter, error) {
	var c chapter
	if err := j.fresh("engine"); err != nil {
		return c, err
	}
	var err error
	// It does not sync: what a killed process gave to the system is not lost.
	if j.server, err = engine.Start(ctx, engine.Config{Dir: j.path("engine"), NoSync: true}); err != nil {
		return c, err
	}
	if j.conn, err = engine.Connect(ctx, engine.Access{URL: j.server.URL(), Name: "holdfast demo", Patience: time.Minute}); err != nil {
		return c, err
	}
	if err := j.fresh("race"); err != nil {
		return c, err
	}
	j.race, err = j.runRace(ctx, incident.None, func(queued, _ int) { j.progress.Step("race", int64(queued), int64(len(j.ticks))) })
	if err != nil {
		return c, err
	}
	if err := j.race.WriteFiles(j.path("incident"), j.plan, j.ticks); err != nil {
		return c, err
	}
	c.facts = []string{
		fmt.Sprintf("AckWait %v; work takes about 6ms, for %d of %s ticks 300 to 700ms: those are handed out again while they run",
			incident.Lease, j.plan.Long(incident.Lease), fmt.Sprint(j.plan.Events)),
		fmt.Sprintf("each worker is killed (kill -9) once in its work and once between row and acknowledgement: %s without an end",
			counted(j.race.Open(), "attempt", "attempts")),
		fmt.Sprintf("%s for %s ticks: %s too many, restamped, at prices that have moved",
			counted(int64(len(j.race.Rows)), "row", "rows"), fmt.Sprint(j.race.Ticks), counted(j.race.Duplicates(), "row", "rows")),
	}
	c.claims = []claim{
		equal("workers killed with a claim in their hands, and started again", 2*incident.Workers, j.race.Kills),
		equal("ticks with a row, of those in the queue: none lost", int64(j.race.Ticks), int64(j.race.Ticks)-j.race.Lost()),
	}
	return c, nil
}

func (j *journey) runRace(ctx context.Context, s incident.Safeguard, tell func(queued, left int)) (*incident.Result, error) {
	name := string(s)
	if s == incident.None {
		name = "none"
	}
	return incident.Run(ctx, incident.Config{
		Conn: j.conn, URL: j.server.URL(), Run: name, Dir: j.path("race", name), Plan: j.plan, Ticks: j.ticks, Safeguard: s, Spawn: spawn, Tell: tell,
	})
}
