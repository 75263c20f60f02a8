package fetchcheck

import (
	"fmt"

	"holdfast/lab/urls"
)

// checker holds what is known while the rules are applied one after the other.
type checker struct {
	in       Input
	o        Options
	provider *urls.Provider
	all      []string       // the URLs of the provider
	place    map[string]int // of a URL, without its base
	trails   []trail        // by place
	rules    []Rule
	result   urls.Result
	records  int
	lines    int
}

// The rules, by their place in checker.rules.
const (
	v1 = iota
	v2
	v3
	v4
	v5
	v6
	v7
	v8
	v9
)

func newChecker(p *urls.Provider, in Input, o Options) *checker {
	c := &checker{in: in, o: o, provider: p, all: p.All(), place: map[string]int{}}
	c.trails = make([]trail, len(c.all))
	for i, url := range c.all {
		_, rest := urls.SplitBase(url)
		c.place[rest] = i
		b, _ := p.Behavior(url)
		c.trails[i] = trail{url: url, behavior: b}
	}
	for i, about := range [...]string{
		"the callbacks came that are demanded",
		"no callback that does not belong",
		"as many attempts as there had to be",
		"every wait within its bounds",
		"no attempt before its wait was over",
		"lines, fields, types and times as the format has them",
		"latencies, and slow_response when it was slow",
		"the summary follows from the log",
		"the server's ledger agrees",
	} {
		c.rules = append(c.rules, Rule{ID: fmt.Sprintf("V%d", i+1), About: about, Failures: []Finding{}})
	}
	return c
}

// fail notes that a rule is broken; at is nil if there is no single record.
func (c *checker) fail(rule int, url string, at *record, format string, args ...any) {
	f := Finding{File: c.in.LogName, URL: url, What: fmt.Sprintf(format, args...)}
	if at != nil {
		f.Line = at.line
	}
	c.note(rule, f)
}

func (c *checker) note(rule int, f Finding) {
	r := &c.rules[rule]
	r.Failed++
	if len(r.Failures) < MaxFindings {
		r.Failures = append(r.Failures, f)
	}
}

// asked is whether a rule can be judged.
func (c *checker) asked(rule int) bool {
	return rule != v8 && rule != v9 || rule == v8 && c.in.Summary != nil || rule == v9 && c.in.HasLedger
}

// demanded is the requirement's own validator: V1.
func (c *checker) demanded() {
	v := urls.NewValidator(c.provider)
	for i := range c.trails {
		t := &c.trails[i]
		for j := range t.records {
			if name, known := callbackOf[t.records[j].event]; known {
				v.AddCallback(c.all[i], name)
			}
		}
	}
	c.result = v.Validate()
	c.rules[v1].Checked = c.result.Total
	for i := range c.result.Failures {
		f := &c.result.Failures[i]
		_, rest := urls.SplitBase(f.URL)
		f.URL = c.o.Base + rest // where the client found it
		c.fail(v1, f.URL, nil, "missing %v", f.Missing)
	}
}

func (c *checker) report() Report {
	r := Report{Result: c.result, Extra: Extra{
		Holds: true, Base: c.o.Base, Policy: c.o.Policy, Records: c.records, Lines: c.lines, Strict: c.rules,
	}}
	for i := range c.rules {
		if rule := &c.rules[i]; c.asked(i) {
			holds := rule.Failed == 0
			rule.Holds = &holds
			r.Extra.Holds = r.Extra.Holds && holds
		}
	}
	return r
}
