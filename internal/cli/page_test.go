package cli

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	cdpruntime "github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// page is the report of an incident in a real browser that cannot reach
// anything but the file.
type page struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	errors   []string
	requests []string
}

// command runs one command line of the program under test.
func command(t *testing.T, args ...string) string {
	t.Helper()
	var out, words bytes.Buffer
	env := Env{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &words, Getenv: func(string) string { return "" }}
	if status := Main(append(args, "--quiet"), env); status != ExitOK {
		t.Fatalf("holdfast %s: status %d: %s", strings.Join(args, " "), status, words.String())
	}
	return out.String()
}

func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("the page is tested in a real browser: install Debian's chromium")
	return ""
}

func openPage(t *testing.T, file, fragment string, width, height int) *page {
	t.Helper()
	opts := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	opts = append(opts, chromedp.ExecPath(browser(t)), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(width, height),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND"))
	alloc, cancel := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	p := &page{t: t, ctx: ctx}
	chromedp.ListenTarget(ctx, p.listen)
	p.run(network.Enable(), chromedp.Navigate("file://"+file+fragment), chromedp.WaitReady(`html[data-ready=yes]`, chromedp.ByQuery))
	return p
}

func (p *page) listen(ev any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := ev.(type) {
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, "file://") && !strings.HasPrefix(e.Request.URL, "data:") {
			p.requests = append(p.requests, e.Request.URL)
		}
	case *cdpruntime.EventExceptionThrown:
		p.errors = append(p.errors, e.ExceptionDetails.Error())
	case *cdpruntime.EventConsoleAPICalled:
		if e.Type == cdpruntime.APITypeError || e.Type == cdpruntime.APITypeWarning {
			p.errors = append(p.errors, fmt.Sprint(e.Args))
		}
	}
}

func (p *page) run(actions ...chromedp.Action) {
	p.t.Helper()
	if err := chromedp.Run(p.ctx, actions...); err != nil {
		p.t.Fatal(err)
	}
}

func (p *page) text(selector string) string {
	p.t.Helper()
	var s string
	p.run(chromedp.Evaluate(fmt.Sprintf("document.querySelector(%q).textContent", selector), &s))
	return s
}

// quiet expects neither a complaint in the console nor a request.
func (p *page) quiet() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.errors) > 0 || len(p.requests) > 0 {
		p.t.Errorf("console: %q, requests: %q", p.errors, p.requests)
	}
}

func reportOf(t *testing.T, preset string, events int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), preset)
	command(t, "lab", "incident", "--preset", preset, "--seed", "1", "--events", fmt.Sprint(events), "--out", dir, "--interventions=false")
	command(t, "audit", dir)
	return filepath.Join(dir, "audit", "report.html")
}

// R101: click and keyboard tell a story, the toggles recount, and nothing is
// asked of the network.
func TestPageInBrowser(t *testing.T) {
	t.Parallel()
	file := reportOf(t, "mixed", 6000)
	p := openPage(t, file, "", 1280, 900)
	if got := p.text("#headline"); !strings.Contains(got, "rows too many") {
		t.Errorf("headline %q", got)
	}
	first := p.text("#told .text")
	p.run(chromedp.Click("#list tbody tr:nth-child(3) button", chromedp.ByQuery))
	second := p.text("#told .text")
	if second == first || !strings.Contains(second, "evt_") {
		t.Errorf("a click on the third duplicate tells %q", second)
	}
	p.run(chromedp.Focus("#gantt", chromedp.ByQuery), chromedp.KeyEvent("n"))
	if third := p.text("#told .text"); third == second {
		t.Error("n does not go on to the next duplicate")
	}
	before := p.text("#window")
	p.run(chromedp.KeyEvent("-"), painted)
	if after := p.text("#window"); after == before {
		t.Errorf("- does not zoom out of %q", before)
	}
	was := p.text("#recount")
	p.run(chromedp.Click(`#safeguards input[value="0"]`, chromedp.ByQuery))
	if now := p.text("#recount"); now == was || !strings.Contains(now, "left") {
		t.Errorf("unique-event-id recounts %q to %q", was, now)
	}
	var struck int
	p.run(chromedp.Evaluate(`document.querySelectorAll('#list tr.gone').length`, &struck))
	if struck == 0 {
		t.Error("no prevented row is struck out")
	}
	p.run(chromedp.SetValue("#f-cause", "short-lease", chromedp.ByQuery), chromedp.Evaluate(`document.querySelector('#f-cause').dispatchEvent(new Event('change'))`, nil))
	var causes []string
	p.run(chromedp.Evaluate(`[...new Set([...document.querySelectorAll('#list tbody td:nth-child(6)')].map(e => e.firstChild.textContent))]`, &causes))
	if len(causes) != 1 || causes[0] != "short-lease" {
		t.Errorf("the filter lets through %q", causes)
	}
	var hash string
	p.run(chromedp.Poll(`location.hash.includes('cause=short-lease') && location.hash.includes('on=0')`, nil), chromedp.Evaluate(`location.hash`, &hash))
	again := openPage(t, file, hash, 1280, 900)
	if got := again.text("#recount"); !strings.Contains(got, "left") {
		t.Errorf("the address brings back %q", got)
	}
	p.quiet()
	again.quiet()
}

// painted waits until what was asked for is on the screen.
var painted = chromedp.Evaluate(`new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))`, nil,
	func(p *cdpruntime.EvaluateParams) *cdpruntime.EvaluateParams { return p.WithAwaitPromise(true) })

// A canvas that drew something has more than one colour.
const drawn = `(() => { const c = document.querySelector('#gantt'), d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data, s = new Set(); for (let i = 0; i < d.length; i += 4) s.add(d[i] << 16 | d[i+1] << 8 | d[i+2]); return s.size; })()`

// stumbles are what a reader without eyes or mouse would trip over, and values
// that were never meant to be text. (The findings of axe-core, as checks that
// need nothing but the browser.)
const stumbles = `(() => {
  const found = [], say = (what, e) => found.push(what + ': ' + e.outerHTML.slice(0, 120));
  if (document.querySelector('main').innerText.includes('[object')) found.push('an object is shown as text');
  for (const e of document.querySelectorAll('button,select,input,canvas'))
    if (!(e.textContent.trim() || e.getAttribute('aria-label') || e.closest('label') || e.labels && e.labels.length)) say('a control without a name', e);
  for (const e of document.querySelectorAll('th')) if (!e.textContent.trim()) say('a column without a name', e);
  let level = 0;
  for (const e of document.querySelectorAll('h1,h2,h3,h4')) { if (+e.tagName[1] > level + 1) say('a heading that skips a level', e); level = +e.tagName[1]; }
  for (const e of document.querySelectorAll('[aria-label]')) if (/^(DIV|PRE|SPAN|P)$/.test(e.tagName) && !e.getAttribute('role')) say('a name on what has no role', e);
  for (const e of document.querySelectorAll('body *')) {
    const s = getComputedStyle(e), wide = /auto|scroll/.test(s.overflowX) && e.scrollWidth > e.clientWidth, long = /auto|scroll/.test(s.overflowY) && e.scrollHeight > e.clientHeight;
    if ((wide || long) && e.tabIndex < 0 && !e.querySelector('button,a[href],input,select,[tabindex="0"]')) say('what scrolls is out of reach of the keyboard', e);
  }
  return found;
})()`

// Every kind of incident can be shown, at every width, and nothing sticks out.
func TestPageOfEveryShape(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		preset        string
		events, width int
		headline      string
	}{
		{"clean", 1000, 360, "No duplicates"},
		{"dmr2025", 5600, 360, "20 rows too many"},
		{"skewed-clocks", 4000, 1400, "rows too many"},
	} {
		file := reportOf(t, tt.preset, tt.events)
		info, err := os.Stat(file)
		if err != nil || info.Size() > 5<<20 {
			t.Fatalf("%s: %v, %d bytes", tt.preset, err, info.Size())
		}
		p := openPage(t, file, "", tt.width, 800)
		if got := p.text("#headline"); !strings.Contains(got, tt.headline) {
			t.Errorf("%s: headline %q", tt.preset, got)
		}
		var wide, colours int
		var found []string
		p.run(chromedp.Evaluate(`document.documentElement.scrollWidth - document.documentElement.clientWidth`, &wide), painted, chromedp.Evaluate(drawn, &colours), chromedp.Evaluate(stumbles, &found))
		if wide > 0 {
			t.Errorf("%s: %d pixels stick out at a width of %d", tt.preset, wide, tt.width)
		}
		if colours < 3 {
			t.Errorf("%s: the timeline shows %d colours", tt.preset, colours)
		}
		for _, f := range found {
			t.Errorf("%s, %d wide: %s", tt.preset, tt.width, f)
		}
		p.run(chromedp.Click("#theme", chromedp.ByQuery), painted, chromedp.Evaluate(drawn, &colours))
		if colours < 3 {
			t.Errorf("%s: the dark timeline shows %d colours", tt.preset, colours)
		}
		p.quiet()
	}
}

// Text of the input is text on the page, whatever it looks like.
func TestPageIsInert(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	evil := `</script><script>window.evil=1</script><img src=x onerror=window.evil=2>`
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	quoted := strings.ReplaceAll(evil, `"`, `\"`)
	write("raw_tick_events.log", `{"event_id":"`+quoted+`","timestamp":"2025-07-14T09:15:00Z","symbol":"`+quoted+`","price":1.5,"source":"stream-1"}`+"\n")
	write("worker_logs.csv", "event_id,worker_id,start_time,end_time,status\n\""+evil+"\",\""+evil+"\",2025-07-14T09:15:00Z,2025-07-14T09:15:01Z,success\n\""+evil+"\",b,2025-07-14T09:15:00Z,2025-07-14T09:15:02Z,success\n")
	write("final_output.csv", "symbol,timestamp,price\n\""+evil+"\",2025-07-14T09:15:00Z,1.5\n\""+evil+"\",2025-07-14T09:15:00Z,1.5\n")
	command(t, "audit", dir)
	p := openPage(t, filepath.Join(dir, "audit", "report.html"), "", 1000, 800)
	var ran bool
	p.run(chromedp.Evaluate(`'evil' in window`, &ran))
	if ran {
		t.Error("text of the input ran as a script")
	}
	if got := p.text("#told .text"); !strings.Contains(got, "<script>") {
		t.Errorf("the story is %q", got)
	}
	p.quiet()
}

// R102: only its own files, only its own name.
func TestServe(t *testing.T) {
	t.Parallel()
	h := &reportHandler{dir: filepath.Dir(reportOf(t, "dmr2025", 1000)), host: "127.0.0.1:4321"}
	for _, tt := range []struct {
		host, target string
		want         int
	}{
		{"127.0.0.1:4321", "/", 200},
		{"localhost:4321", "/findings.json", 200},
		{"[::1]:4321", "/incident.md", 200},
		{"example.org", "/", 403},
		{"example.org:4321", "/", 403},
		{"127.0.0.1:80", "/", 403},
		{"127.0.0.1:4321", "/../truth/rows.csv", 404},
		{"127.0.0.1:4321", "/truth/rows.csv", 404},
		{"127.0.0.1:4321", "/api/attempts?limit=3", 200},
		{"127.0.0.1:4321", "/api/attempts?from=2025-07-14T09:15:02Z&to=2025-07-14T09:15:02.010Z", 200},
		{"127.0.0.1:4321", "/api/attempts?from=soon", 400},
		{"127.0.0.1:4321", "/api/attempts?limit=0", 400},
	} {
		w := &answer{header: http.Header{}}
		r, err := http.NewRequest("GET", "http://x"+tt.target, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = tt.host
		h.ServeHTTP(w, r)
		if w.status != tt.want {
			t.Errorf("%s of %s: %d, want %d", tt.target, tt.host, w.status, tt.want)
		}
		if strings.Contains(tt.target, "limit=3") && strings.Count(w.body.String(), `"event_id"`) != 3 {
			t.Errorf("limit=3 gives %s", w.body.String())
		}
	}
}

type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header { return a.header }
func (a *answer) WriteHeader(n int)   { a.status = n }
func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = 200
	}
	return a.body.Write(b)
}
