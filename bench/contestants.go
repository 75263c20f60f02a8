package main

import (
	"os/exec"
	"slices"
	"strings"
)

// job is one thing to do with a file.
type job struct {
	name string
	what string // in words
	kind string // what the names of formulations begin with
}

var jobs = []job{
	{"keep last", "keep the last row of each (symbol, timestamp), CSV to CSV", "last"},
	{"count", "count and max − min of the price of each (symbol, timestamp) with more than one row", "count"},
}

// contestant is a program and the ways to do the jobs with it.
type contestant struct {
	name         string
	version      []string // command that prints it
	formulations []formulation
}

type formulation struct {
	name    string // kind of the job, then what tells it from others
	command func(in, out string) []string
}

// contestants returns holdfast, then the peers.
func contestants(holdfast, only string) []contestant {
	script := func(runner, file string, names ...string) (all []formulation) {
		for _, name := range names {
			all = append(all, formulation{name, func(in, out string) []string {
				return []string{runner, "scripts/" + file, name, in, out}
			}})
		}
		return all
	}
	direct := func(name string, args ...string) formulation {
		return formulation{name, func(in, out string) []string {
			command := slices.Clone(args)
			for i := range command {
				command[i] = strings.NewReplacer("IN", in, "OUT", out).Replace(command[i])
			}
			return command
		}}
	}
	peers := []contestant{
		{"holdfast", nil, []formulation{
			direct("last", holdfast, "dedupe", "--quiet", "IN", "OUT"),
			direct("count", holdfast, "dedupe", "--quiet", "IN", "--analysis", "OUT"),
		}},
		{"DuckDB", []string{"node", "scripts/duckdb.mjs", "version"}, script("node", "duckdb.mjs",
			"last-argmax-typed", "last-argmax-typed-anyorder", "last-argmax-text", "last-qualify-typed", "last-qualify-text",
			"last-antijoin-text", "last-antijoin-typed", "count-typed", "count-typed-anyorder", "count-text")},
		{"Polars", []string{"node", "scripts/polars.cjs", "version"}, script("node", "polars.cjs",
			"last-eager-text", "last-eager-number", "last-eager-ordered", "last-lazy", "count-eager", "count-lazy")},
		{"sort + mawk", []string{"bash", "scripts/sort_awk.sh", "version"}, script("bash", "sort_awk.sh",
			"last-tac-sort", "last-sort-mawk", "last-tac-mawk", "count-sort-mawk", "count-uniq-mawk")},
		{"Miller", []string{"mlr", "--version"}, []formulation{
			direct("last-head", "sh", "-c", `mlr --csv -S tac then head -n 1 -g symbol,timestamp "IN" > "OUT"`),
			direct("count-stats1", "sh", "-c", `mlr --csv stats1 -a count,min,max -f price -g symbol,timestamp then filter '$price_count > 1' then put '$price_shift = $price_max - $price_min' then cut -o -f symbol,timestamp,price_count,price_shift "IN" > "OUT"`),
		}},
	}
	if only == "" {
		return peers
	}
	return slices.DeleteFunc(peers, func(c contestant) bool {
		return c.name != "holdfast" && !slices.Contains(strings.Split(only, ","), c.name)
	})
}

// versionOf is what a contestant says of itself.
func versionOf(c contestant) string {
	if c.version == nil {
		return "this repository"
	}
	out, err := exec.Command(c.version[0], c.version[1:]...).Output()
	if err != nil {
		return "unknown: " + err.Error()
	}
	return strings.ReplaceAll(strings.TrimSpace(string(out)), "\n", ", ")
}
