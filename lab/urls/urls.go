// Package urls is the requirement's URL provider, bit for bit, and its response
// validator: a seed gives a list of URLs, what each of them does, and which
// callbacks a client must make for it.
//
// It promises the lists of the requirement's Python for every seed and count.
// The comment of the requirement speaks of timeouts that its code never
// generates; the code rules.
//
// Call [NewProvider], or [NewValidator] for one.
package urls

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"holdfast/internal/pyrand"
)

const (
	// DefaultCount is the requirement's DEFAULT_URL_COUNT. It gives 48 URLs: the
	// classes are rounded down one by one.
	DefaultCount = 50
	// DefaultBase is where the requirement's URLs are.
	DefaultBase = "https://httpbin.org"
)

// A Behavior is what a URL does, and what a client must do about it.
type Behavior struct {
	StatusCode        *int     `json:"status_code"`    // nil for a timeout or a connection error
	MinLatencyMS      int      `json:"min_latency_ms"` // the least time that a response takes
	ShouldRetry       bool     `json:"should_retry"`
	ExpectedCallbacks []string `json:"expected_callbacks"` // on_success, ...
	BodyKeywords      []string `json:"body_keywords"`
	ErrorType         *string  `json:"error_type"` // timeout, connection, or nil
}

// A Provider is the requirement's URLProvider. It serves one goroutine.
type Provider struct {
	seed  *big.Int
	urls  []string
	class []*Behavior // of the URL at the same place
	place map[string]int
	next  int
}

// NewProvider is URLProvider(seed, count); a nil seed is drawn from the
// operating system, see [Provider.Seed]. A count below 2 gives one URL.
func NewProvider(seed *big.Int, count int) *Provider { return NewProviderAt(seed, count, DefaultBase) }

// NewProviderAt has other scheme and authority in front of the same URLs:
// http://127.0.0.1:8080.
func NewProviderAt(seed *big.Int, count int, base string) *Provider {
	if seed == nil {
		seed = randomSeed()
	}
	p := &Provider{seed: seed, place: map[string]int{}}
	specs := generate(pyrand.New(seed), count)
	for i, s := range specs {
		url := base + s.path + "?_id=" + strconv.Itoa(i)
		p.place[url] = i
		p.urls = append(p.urls, url)
		p.class = append(p.class, s.behavior)
	}
	return p
}

// randomSeed draws 64 bits.
func randomSeed() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		panic(fmt.Sprintf("urls: the operating system gives no random numbers: %v", err)) // it always does, or ends the process
	}
	return n
}

// Seed is the seed of the list, also a drawn one.
func (p *Provider) Seed() *big.Int { return new(big.Int).Set(p.seed) }

// Next is the next URL; false when there is none. It is next_url.
func (p *Provider) Next() (string, bool) {
	if p.next == len(p.urls) {
		return "", false
	}
	p.next++
	return p.urls[p.next-1], true
}

// Behavior is what the URL does; false if it is not in the list. It is
// get_behavior. The slices must not be changed.
func (p *Provider) Behavior(url string) (Behavior, bool) {
	i, ok := p.place[url]
	if !ok {
		return Behavior{}, false
	}
	return *p.class[i], true
}

// Remaining is how many URLs Next still gives.
func (p *Provider) Remaining() int { return len(p.urls) - p.next }

// Total is how many URLs there are.
func (p *Provider) Total() int { return len(p.urls) }

// Reset makes Next begin again.
func (p *Provider) Reset() { p.next = 0 }

// All is the list of all URLs, the caller's to keep. It is get_all_urls.
func (p *Provider) All() []string { return slices.Clone(p.urls) }

// spec is a URL before it has its number.
type spec struct {
	path     string
	behavior *Behavior
}

// generate draws what the requirement draws, in its order.
func generate(r *pyrand.Rand, count int) []spec {
	part := func(of float64) int { return int(float64(count) * of) } // towards zero, as int() does
	var specs []spec
	add := func(n int, b *Behavior, path func() string) {
		for range n {
			specs = append(specs, spec{path(), b})
		}
	}
	fixed := func(path string) func() string { return func() string { return path } }
	status := func(n int, codes []int, class func(code int) *Behavior) {
		shared := map[int]*Behavior{}
		for range n {
			code := pyrand.Choice(r, codes)
			if shared[code] == nil {
				shared[code] = class(code)
			}
			specs = append(specs, spec{"/status/" + strconv.Itoa(code), shared[code]})
		}
	}
	add(part(0.50), success(0, "on_success"), fixed("/get"))
	add(part(0.10), success(1000, "on_success", "on_slow_response"), func() string {
		return "/delay/" + strconv.Itoa(pyrand.Choice(r, []int{1, 2}))
	})
	status(part(0.15), []int{400, 401, 403, 404}, clientError)
	status(part(0.15), []int{500, 502, 503}, serverError)
	match := success(0, "on_success", "on_body_match")
	match.BodyKeywords = []string{Keyword}
	add(part(0.05), match, fixed("/html"))
	add(max(1, part(0.05)), success(1000, "on_success", "on_slow_response"), fixed("/delay/1"))
	r.Shuffle(len(specs), func(i, j int) { specs[i], specs[j] = specs[j], specs[i] })
	return specs
}

// Keyword is the word that the bodies to be matched hold.
const Keyword = "Herman"

func success(latency int, callbacks ...string) *Behavior {
	code := 200
	return &Behavior{StatusCode: &code, MinLatencyMS: latency, ExpectedCallbacks: callbacks, BodyKeywords: []string{}}
}

func clientError(code int) *Behavior {
	return &Behavior{StatusCode: &code, ExpectedCallbacks: []string{"on_client_error"}, BodyKeywords: []string{}}
}

func serverError(code int) *Behavior {
	return &Behavior{StatusCode: &code, ShouldRetry: true, ExpectedCallbacks: []string{"on_server_error", "on_retry"}, BodyKeywords: []string{}}
}

// SplitBase cuts a URL after its authority: https://httpbin.org and /get?_id=0.
func SplitBase(url string) (base, rest string) {
	scheme := strings.Index(url, "://")
	if scheme < 0 {
		return "", url
	}
	if end := strings.IndexAny(url[scheme+3:], "/?#"); end >= 0 {
		return url[:scheme+3+end], url[scheme+3+end:]
	}
	return url, ""
}
