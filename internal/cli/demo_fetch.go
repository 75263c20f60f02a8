package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"holdfast/engine/incident/plan"
	"holdfast/lab/flakyhttp"
)

// pageTicks is how many ticks a page has.
const pageTicks = 50

// trouble is what a page's server does before it gives it.
var trouble = []string{
	"", "503", "reset", "truncate;length=9000;bytes=4000", "503,reset", "429;Retry-After=0", "fin;partial=1,503", "reset;when=body,503,truncate;length=500;bytes=100",
}

// demoFetch serves the market from a server that fails on purpose, and fetches
// it page by page.
func demoFetch(ctx context.Context, j *journey) (chapter, error) {
	var c chapter
	if err := j.fresh("fetch"); err != nil {
		return c, err
	}
	pages := map[string]string{}
	var names, troubles []string
	rng := rand.New(rand.NewPCG(j.plan.Seed, 3))
	for from := 0; from < j.plan.Events; from += pageTicks {
		var body []byte
		for i := from; i < min(from+pageTicks, j.plan.Events); i++ {
			body = j.plan.Tick(i).Append(body)
		}
		name := fmt.Sprintf("page-%03d", len(names)+1)
		pages[name] = string(body)
		names, troubles = append(names, name), append(troubles, trouble[rng.IntN(len(trouble))])
	}
	troubles[rng.IntN(len(troubles))] = "429;Retry-After=1"
	server, err := flakyhttp.Start(flakyhttp.Config{Pages: pages})
	if err != nil {
		return c, err
	}
	defer server.Close()
	var list strings.Builder
	for i, name := range names {
		steps := "200;page=" + name
		if troubles[i] != "" {
			steps = troubles[i] + "," + steps
		}
		fmt.Fprintf(&list, "%s/fault/seq/%s/%s\n", server.URL(), name, steps)
	}
	if err := os.WriteFile(j.path("fetch", "urls.txt"), []byte(list.String()), 0o666); err != nil {
		return c, err
	}
	var s struct {
		Successful int64 `json:"successful"`
		Extra      struct {
			WireSends int64            `json:"wire_sends"`
			Reasons   map[string]int64 `json:"retries_by_reason"`
		} `json:"extra"`
	}
	err = j.self(ctx, &s, "fetch", "-i", j.path("fetch", "urls.txt"), "--bodies", j.path("fetch", "pages"), "--seed", j.seed(),
		"--log", j.path("fetch", "fetch.jsonl"), "--summary", j.path("fetch", "summary.json"))
	if err != nil {
		return c, err
	}
	if err := server.Ledger.Wait(ctx); err != nil {
		return c, err
	}
	same, err := j.readPages(names, pages)
	if err != nil {
		return c, err
	}
	r := s.Extra.Reasons
	c.facts = []string{fmt.Sprintf("%s; %s answered with 503, %s asked to wait, %s broken off: each tried again",
		counted(int64(len(names)), "page", "pages"), fmt.Sprint(r["server_error"]), fmt.Sprint(r["rate_limited"]), fmt.Sprint(r["connection_error"]))}
	c.claims = []claim{
		equal("pages fetched, each byte for byte what the server has", len(names), same),
		equal("requests that the server saw, and the log accounts for", int64(len(server.Ledger.Entries())), s.Extra.WireSends),
	}
	return c, nil
}

// readPages reads the bodies that the log names, and counts those that are what
// the server has.
func (j *journey) readPages(names []string, pages map[string]string) (same int, err error) {
	log, err := os.ReadFile(j.path("fetch", "fetch.jsonl"))
	if err != nil {
		return 0, err
	}
	j.pages = map[int]plan.Tick{}
	for line := range bytes.Lines(log) {
		var v struct {
			Line     int    `json:"line"`
			BodyFile string `json:"body_file"`
			Final    bool   `json:"final"`
		}
		if err := json.Unmarshal(line, &v); err != nil || !v.Final || v.BodyFile == "" || v.Line > len(names) {
			continue
		}
		body, err := os.ReadFile(j.path("fetch", "pages", filepath.Base(v.BodyFile)))
		if err != nil {
			return same, err
		}
		if string(body) == pages[names[v.Line-1]] {
			same++
		}
		for text := range bytes.Lines(body) {
			t, err := plan.ParseTick(text)
			if err != nil {
				return same, err
			}
			j.pages[t.Number] = t
		}
	}
	return same, nil
}
