package archtest

// A directionRule says what the packages of a part may import from this
// module. The first rule that matches a package is the one for it.
type directionRule struct {
	of, may []pattern
	remedy  string
}

const wire = "declare the small interface that is needed where it is used, and let internal/cli pass in what satisfies it"

var directions = []directionRule{
	{of: []pattern{"cmd/..."}, may: []pattern{"internal/cli"},
		remedy: "main is os.Exit(cli.Main(...)) and nothing else: move the code to internal/cli or to a library"},
	{of: []pattern{"internal/cli/..."}, may: []pattern{"...", "!cmd/...", "!internal/check", "!internal/archtest"},
		remedy: "nothing imports a command"},
	{of: []pattern{"internal/..."}, may: []pattern{"internal/...", "!internal/cli/..."},
		remedy: "internal packages serve the capabilities and know none of them: pass the value in, or move the code up into the capability"},
	{of: []pattern{"fetch/..."}, may: []pattern{"fetch/...", "internal/...", "!internal/cli/..."}, remedy: wire},
	{of: []pattern{"record/..."}, may: []pattern{"record/...", "internal/...", "!internal/cli/..."}, remedy: wire},
	{of: []pattern{"merge/..."}, may: []pattern{"merge/...", "internal/...", "!internal/cli/..."}, remedy: wire},
	{of: []pattern{"replay/..."}, may: []pattern{"replay/...", "internal/...", "!internal/cli/..."}, remedy: wire},
	{of: []pattern{"guard/..."}, may: []pattern{"guard/...", "internal/...", "!internal/cli/..."}, remedy: wire},
	{of: []pattern{"engine/..."}, may: []pattern{"...", "!lab/...", "!cmd/...", "!internal/cli/..."}, remedy: wire},
	{of: []pattern{"lab/..."}, may: []pattern{"...", "!engine/...", "!cmd/...", "!internal/cli/..."}, remedy: wire},
}

// inXTests is what an external test may import beyond the rule of its package:
// only there may a capability meet the lab or another capability.
var inXTests = []pattern{"...", "!cmd/...", "!internal/cli/..."}

// A dependencyRule says who may import a module from outside. Whatever is not
// listed may be imported by nobody.
type dependencyRule struct {
	module  string // import paths that begin with it
	by      []pattern
	inTests bool // any test may import it too
}

var dependencies = []dependencyRule{
	{module: "github.com/andybalholm/brotli", by: []pattern{"fetch/encodings"}, inTests: true},
	{module: "github.com/cespare/xxhash/v2", by: []pattern{"..."}, inTests: true},
	{module: "github.com/klauspost/compress", by: []pattern{"internal/stream", "fetch/encodings"}, inTests: true},
	{module: "github.com/mccutchen/go-httpbin/v2", by: []pattern{"lab/flakyhttp"}},
	{module: "github.com/nats-io/", by: []pattern{"engine/..."}},
	{module: "go.opentelemetry.io/otel", by: []pattern{"fetch/fetchotel"}, inTests: true},
	{module: "github.com/schollz/progressbar", by: []pattern{"internal/cli/..."}},
	{module: "github.com/spf13/", by: []pattern{"internal/cli/..."}},
	{module: "golang.org/x/image", by: []pattern{"replay/report"}},
	{module: "golang.org/x/net/http2", by: []pattern{"lab/flakyhttp"}, inTests: true},
	{module: "golang.org/x/net", by: []pattern{"fetch", "fetch/http1", "lab/flakyhttp/..."}, inTests: true}, // names, headers, frames
	{module: "golang.org/x/sys", by: []pattern{"..."}, inTests: true},
	{module: "golang.org/x/term", by: []pattern{"internal/cli/..."}},

	{module: "github.com/chromedp/", inTests: true},
	{module: "github.com/google/go-cmp", inTests: true},
	{module: "github.com/rogpeppe/go-internal", inTests: true},
	{module: "pgregory.net/rapid", inTests: true},
}

// pure are the packages that decide and do not act: equal values in, equal
// values out, on every machine. Their tests are free.
var pure = []pattern{
	"fetch/retry", "fetch/pace", "fetch/outage",
	"record/seq", "record/publish", "record/moldudp",
	"merge", "merge/setcode", "merge/kway",
	"replay", "replay/tick", "replay/match", "replay/whatif",
	"guard", "engine/incident/plan",
	"lab/racers",
	"internal/des", "internal/pyrand",
}

// pureDependencies are outside modules that are pure themselves.
var pureDependencies = []string{"github.com/cespare/xxhash/v2"}

// An impureImport is a part of the standard library that a pure package does
// without. It covers what lies below it too.
type impureImport struct{ path, remedy string }

const (
	takeBytes = "take an io.Reader, io.Writer or the bytes, and let the shell open the file"
	takeTime  = "take the time as an argument (now) and give back when to wake"
	takeRand  = "take a *rand.Rand (math/rand/v2) or draw from a seed"
	oneThread = "leave concurrency to the shell: a core is called from one goroutine at a time"
	giveText  = "return a value or an error and let the shell print it"
)

var impure = []impureImport{
	{"os", takeBytes},
	{"io/fs", takeBytes},
	{"io/ioutil", takeBytes},
	{"embed", takeBytes},
	{"path/filepath", takeBytes},
	{"syscall", takeBytes},
	{"golang.org/x/sys", takeBytes},
	{"net", "decide here what to send, and let the shell send it"},
	{"context", "a core does not wait, so it has nothing to cancel: leave the context to the shell"},
	{"sync", oneThread},
	{"runtime", "do not let the machine decide: what is needed of it is an argument"},
	{"unsafe", "find a way without it: it is not worth a core that one cannot trust"},
	{"log", giveText},
	{"math/rand", takeRand},
	{"crypto/rand", takeRand},
}

// impureExcept are paths below those that are allowed.
var impureExcept = []string{"math/rand/v2", "net/netip", "net/url"}

// A useRule forbids names of a package, in files that are not tests.
type useRule struct {
	in     []pattern
	pkg    string
	names  []string
	except bool // all names but these are forbidden
	remedy string
}

var uses = []useRule{
	{in: pure, pkg: "time", names: []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}, remedy: takeTime},
	{in: pure, pkg: "time", names: []string{"Local", "LoadLocation"}, remedy: "take a *time.Location: the machine's zone and its files are not an input"},
	{in: pure, pkg: "math/rand/v2", except: true, remedy: takeRand,
		names: []string{"New", "NewPCG", "NewChaCha8", "NewZipf", "Rand", "Source", "PCG", "ChaCha8", "Zipf"}},
	{in: pure, pkg: "fmt", names: []string{"Print", "Printf", "Println", "Scan", "Scanf", "Scanln"}, remedy: giveText},
	{in: []pattern{"...", "!cmd/...", "!internal/check"}, pkg: "os", names: []string{"Exit"},
		remedy: "return an error: an exit runs no deferred call, and temporary files stay"},
	{in: []pattern{"..."}, pkg: "log", names: []string{"Fatal", "Fatalf", "Fatalln", "Panic", "Panicf", "Panicln"},
		remedy: "return an error: it is told once, at the top"},
	{in: []pattern{"..."}, pkg: "runtime", names: []string{"GOOS", "GOARCH"},
		remedy: "put what differs into files with the system's suffix (x_windows.go)"},
}

// emptyNames say nothing of what a package gives.
var emptyNames = []string{
	"base", "common", "helper", "helpers", "lib", "misc", "model", "models", "pkg", "shared",
	"tool", "tools", "type", "types", "util", "utils",
}
