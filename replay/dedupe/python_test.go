package dedupe

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// driver runs the script's main for every line of the list: in, out, keep, key.
const driver = `
import importlib.util, sys
spec = importlib.util.spec_from_file_location("script", sys.argv[1])
script = importlib.util.module_from_spec(spec)
spec.loader.exec_module(script)
script.warn = lambda text: None
for line in open(sys.argv[2]):
    source, out, keep, key = line.split()
    status = script.main([source, out, "--keep", keep, "--key", key])
    if status:
        sys.exit(f"{source}: status {status}")
`

// Row 66: the script that audit hands out writes the same bytes.
func TestRow66Python(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Fatalf("%v: install Debian's python3", err)
	}
	script, err := filepath.Abs("../report/deduplicate_stream.py")
	if err != nil {
		t.Fatal(err)
	}
	f := newFolder(t)
	files := rounds(2000)
	list, err := os.Create(f.path("list"))
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	for seed := range files {
		g := newGenerator(seed)
		g.preface = false
		in, keep, key := f.write(fmt.Sprintf("%d.csv", seed), g.file(g.IntN(40))), keeps[g.IntN(len(keeps))], defaultKey
		keyText := "symbol,timestamp"
		if g.one(3) {
			key, keyText = []string{"symbol", "timestamp", "price"}, "symbol,timestamp,price"
		}
		f.byKey(Config{In: in, Out: f.path(fmt.Sprintf("%d.go", seed)), Keep: keep, Key: key, FS: unsynced{}})
		fmt.Fprintln(list, in, f.path(fmt.Sprintf("%d.py", seed)), keep, keyText)
	}
	run := exec.Command(python, "-c", driver, script, list.Name())
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%v: %.2000s", err, out)
	}
	for seed := range files {
		if diff := cmp.Diff(f.read(fmt.Sprintf("%d.py", seed)), f.read(fmt.Sprintf("%d.go", seed))); diff != "" {
			t.Fatalf("seed %d, file %q (-python +go):\n%s", seed, f.read(fmt.Sprintf("%d.csv", seed)), diff)
		}
	}
}
