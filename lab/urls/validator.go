package urls

import (
	"cmp"
	"slices"
)

// callbacks are the methods of the requirement's handler, in its order.
var callbacks = [...]string{
	"on_success", "on_client_error", "on_server_error", "on_timeout", "on_connection_error",
	"on_slow_response", "on_retry", "on_body_match", "on_max_retries",
}

// SortCallbacks puts names in the order of the handler's methods, others by name
// after them, and drops repetitions.
func SortCallbacks(names []string) []string {
	rank := func(name string) int {
		if i := slices.Index(callbacks[:], name); i >= 0 {
			return i
		}
		return len(callbacks)
	}
	sorted := slices.Clone(names)
	slices.SortFunc(sorted, func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
	})
	return slices.Compact(sorted)
}

// A Validator is the requirement's ResponseValidator: it is told every callback
// that a client made, and says which are missing. It serves one goroutine.
type Validator struct {
	provider *Provider
	recorded map[string][]string // names by URL, without repetitions
}

// NewValidator validates callbacks for the URLs of p.
func NewValidator(p *Provider) *Validator {
	return &Validator{provider: p, recorded: map[string][]string{}}
}

// AddCallback notes that a client made a callback for url: on_success, ... The
// requirement passes details in one place and does not take them in another;
// they are taken and not used.
func (v *Validator) AddCallback(url, name string, _ ...any) {
	if !slices.Contains(v.recorded[url], name) {
		v.recorded[url] = append(v.recorded[url], name)
	}
}

// A Result says for how many URLs the demanded callbacks came.
type Result struct {
	Total    int       `json:"total"`
	Passed   int       `json:"passed"`
	Failed   int       `json:"failed"`
	Failures []Failure `json:"failures"`
}

// A Failure is a URL with callbacks that did not come. All lists are in the
// order of the handler's methods, without repetitions.
type Failure struct {
	URL      string   `json:"url"`
	Expected []string `json:"expected"`
	Recorded []string `json:"recorded"`
	Missing  []string `json:"missing"`
}

// Validate judges by the requirement's rule: every expected callback must have
// come, on_retry and on_max_retries apart. What came besides does not matter.
// Failures are in the order of the list.
func (v *Validator) Validate() Result {
	r := Result{Total: v.provider.Total(), Failures: []Failure{}}
	for i, url := range v.provider.urls {
		expected, recorded := v.provider.class[i].ExpectedCallbacks, v.recorded[url]
		missing := []string{}
		for _, name := range SortCallbacks(expected) {
			if name != "on_retry" && name != "on_max_retries" && !slices.Contains(recorded, name) {
				missing = append(missing, name)
			}
		}
		if len(missing) == 0 {
			r.Passed++
			continue
		}
		r.Failed++
		r.Failures = append(r.Failures, Failure{url, SortCallbacks(expected), append([]string{}, SortCallbacks(recorded)...), missing})
	}
	return r
}
