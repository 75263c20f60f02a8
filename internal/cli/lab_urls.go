package cli

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"holdfast/lab/urls"
)

// seedFlag is a whole number of any size, or random.
type seedFlag struct {
	name   string
	value  *big.Int // nil: not given, or random
	random bool
}

// Set implements pflag.Value.
func (s *seedFlag) Set(text string) error {
	if text == "random" {
		s.value, s.random = nil, true
		return nil
	}
	n, ok := new(big.Int).SetString(text, 10)
	if !ok || len(text) > maxSeedDigits {
		return fmt.Errorf("not a seed: use a whole number of at most %d digits, such as 42, or random", maxSeedDigits)
	}
	s.value, s.random = n, false
	return nil
}

const maxSeedDigits = 1000

// String implements pflag.Value.
func (s *seedFlag) String() string {
	switch {
	case s.random:
		return "random"
	case s.value == nil:
		return ""
	}
	return s.value.String()
}

// Type implements pflag.Value.
func (s *seedFlag) Type() string { return "N|random" }

// urlSetFlags name a set of the lab's URLs.
type urlSetFlags struct {
	seed  seedFlag
	count int
	base  string
}

// maxURLs keeps a set in memory.
const maxURLs = 10_000_000

// add defines --NAME for the seed, and --count and --base.
func (u *urlSetFlags) add(f *pflag.FlagSet, name, base string) {
	u.seed.name = name
	f.Var(&u.seed, name, "seed of the URL set, a whole number of any size; random draws one and tells it")
	f.IntVar(&u.count, "count", urls.DefaultCount, "size of the set; the classes are rounded down one by one, so 50 gives 48 URLs")
	f.StringVar(&u.base, "base", base, "scheme and authority of the URLs")
}

// provider makes the set. A drawn seed is told on stderr, so that the run can
// be repeated.
func (u *urlSetFlags) provider(a *app, base string) (*urls.Provider, error) {
	switch {
	case u.seed.value == nil && !u.seed.random:
		return nil, usageError(fmt.Errorf("--%s is missing: use a whole number, or random", u.seed.name))
	case u.count < 0 || u.count > maxURLs:
		return nil, usageError(fmt.Errorf("--count %d: must be between 0 and %d", u.count, maxURLs))
	}
	p := urls.NewProviderAt(u.seed.value, u.count, base)
	if u.seed.random {
		fmt.Fprintf(a.Stderr, "holdfast: the seed is %s\n", p.Seed())
	}
	return p, nil
}

// checkBase is the base without the slash that people add.
func checkBase(base string) (string, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return "", usageError(fmt.Errorf("--base %q: must be scheme and authority, such as http://127.0.0.1:8080", base))
	}
	return strings.TrimRight(base, "/"), nil
}

func newLabURLs(a *app) *cobra.Command {
	var (
		set       urlSetFlags
		behaviors bool
	)
	cmd := &cobra.Command{
		Use:   "urls",
		Short: "Print the lab's URLs of a seed, and what a client must do with each",
		Long: `The URLs that the requirement's provider gives for the same seed and count, one a
line, in its order. With --behaviors, one JSON object a line: url, status_code,
min_latency_ms, should_retry, expected_callbacks, body_keywords, error_type.`,
		Example: `  holdfast lab urls --seed 42
  holdfast lab urls --seed 42 --count 20 --behaviors
  holdfast lab urls --seed random --base http://127.0.0.1:8080`,
		Args: args(0, 0, "flags only"),
		RunE: func(*cobra.Command, []string) error {
			base, err := checkBase(set.base)
			if err != nil {
				return err
			}
			p, err := set.provider(a, base)
			if err != nil {
				return err
			}
			switch {
			case a.json:
				return a.print(urlSet(p), nil)
			case behaviors:
				return writeBehaviors(a.Stdout, p)
			}
			w := bufio.NewWriter(a.Stdout)
			for _, u := range p.All() {
				w.WriteString(u)
				w.WriteByte('\n')
			}
			return w.Flush()
		},
	}
	set.add(cmd.Flags(), "seed", urls.DefaultBase)
	cmd.Flags().BoolVar(&behaviors, "behaviors", false, "with each URL, what it does and what a client must do")
	return cmd
}

// urlBehavior is a URL with what it does.
type urlBehavior struct {
	URL string `json:"url"`
	urls.Behavior
}

func behaviorsOf(p *urls.Provider) []urlBehavior {
	var all []urlBehavior
	for _, u := range p.All() {
		b, _ := p.Behavior(u)
		all = append(all, urlBehavior{u, b})
	}
	return all
}

func writeBehaviors(to io.Writer, p *urls.Provider) error {
	w := bufio.NewWriter(to)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, b := range behaviorsOf(p) {
		if err := enc.Encode(b); err != nil {
			return err
		}
	}
	return w.Flush()
}

// urlSet is the whole set in one object.
func urlSet(p *urls.Provider) any {
	return struct {
		Seed  *big.Int      `json:"seed"`
		Total int           `json:"total"`
		URLs  []urlBehavior `json:"urls"`
	}{p.Seed(), p.Total(), behaviorsOf(p)}
}
