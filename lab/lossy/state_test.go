package lossy_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/internal/vfs"
	"holdfast/lab/lossy"
	"holdfast/record/seq"
)

// started makes a source of seed 42 that has delivered ten packets, and gives
// its configuration.
func started(t *testing.T) lossy.Config {
	t.Helper()
	c := config(t, 42, func(c *lossy.Config) { c.TotalPackets = 50; steady(c) })
	s := open(t, c)
	for range 10 {
		receive(t, s)
	}
	return c
}

func put(t *testing.T, c lossy.Config, what, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(c.StateDir, ".ms_42_"+what), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestBadStateFiles: section 7, packets, position and retransmit files.
func TestBadStateFiles(t *testing.T) {
	t.Parallel()
	item := `{"priority": 1, "packet": {"sequence": 0, "timestamp": 1e-05, "payload": "70", "checksum": 5}, "corrupted": true}`
	queue := func(items string) string { return `{"generated_sequences": [0], "delivery_queue": [` + items + `]}` }
	without := func(field string) string { return queue(strings.Replace(item, `"`+field+`"`, `"x"`, 1)) }
	for name, c := range map[string]struct{ file, text, want string }{
		"packets empty":         {"packets.json", "", "byte 0: the file ends too early"},
		"packets cut":           {"packets.json", `{"seed": 42, "generated_seq`, "byte 27: the file ends too early"},
		"packets cut in a list": {"packets.json", `{"generated_sequences": [1, 2`, "byte 29: the file ends too early"},
		"packets cut in item":   {"packets.json", queue(item[:40]), "byte 48: invalid character ']' after object key:value pair"},
		"packets no object":     {"packets.json", "[]", `byte 0: "{" expected`},
		"packets no JSON":       {"packets.json", "\x00\x00\x00", "byte 0: invalid character '\\x00' looking for beginning of value"},
		"packets with more":     {"packets.json", queue(item) + "{}", "byte 163: something follows what should be the whole file"},
		"no queue":              {"packets.json", `{"generated_sequences": []}`, `byte 27: "delivery_queue" is missing`},
		"no ground truth":       {"packets.json", `{"delivery_queue": []}`, `byte 22: "generated_sequences" is missing`},
		"queue no list":         {"packets.json", `{"delivery_queue": {}}`, `byte 17: "[" expected`},
		"queue null":            {"packets.json", `{"delivery_queue": null}`, `byte 17: "[" expected`},
		"item null":             {"packets.json", queue("null"), `"priority" is missing`},
		"item without priority": {"packets.json", without("priority"), `"priority" is missing`},
		"item without sequence": {"packets.json", without("sequence"), `"sequence" is missing`},
		"item without time":     {"packets.json", without("timestamp"), `"timestamp" is missing`},
		"item without payload":  {"packets.json", without("payload"), `"payload" is missing`},
		"item without checksum": {"packets.json", without("checksum"), `"checksum" is missing`},
		"item without flag":     {"packets.json", without("corrupted"), `"corrupted" is missing`},
		"odd hex":               {"packets.json", queue(strings.Replace(item, `"70"`, `"701"`, 1)), "payload of packet 0: encoding/hex: odd length hex string"},
		"no hex":                {"packets.json", queue(strings.Replace(item, `"70"`, `"7g"`, 1)), "payload of packet 0: encoding/hex: invalid byte"},
		"sequence negative":     {"packets.json", queue(strings.Replace(item, `"sequence": 0`, `"sequence": -1`, 1)), "cannot unmarshal number -1"},
		"sequence too large":    {"packets.json", queue(strings.Replace(item, `"sequence": 0`, `"sequence": 18446744073709551616`, 1)), "cannot unmarshal number 18446744073709551616"},
		"checksum too large":    {"packets.json", queue(strings.Replace(item, `"checksum": 5`, `"checksum": 4294967296`, 1)), "cannot unmarshal number 4294967296"},
		"truth null":            {"packets.json", `{"generated_sequences": [null]}`, "byte 25: null is no sequence"},
		"truth nested":          {"packets.json", `{"generated_sequences": ` + `[[1]]}`, "byte 25: json: cannot unmarshal array"},
		"truth deep":            {"packets.json", `{"x": ` + strings.Repeat("[", 20000), "exceeded max depth"},

		"position empty":      {"position.txt", "", "it holds no number"},
		"position no number":  {"position.txt", "ten", "it holds no number"},
		"position negative":   {"position.txt", "-1", "it holds no number"},
		"position a fraction": {"position.txt", "1.5", "it holds no number"},
		"position beyond":     {"position.txt", "51", "position 51 is beyond the queue of 50"},
		"position huge":       {"position.txt", strings.Repeat("9", 1000), "is beyond the queue of 50"},

		"requests empty":      {"retransmit.json", "", "it is empty"},
		"requests cut":        {"retransmit.json", "[1, 2", "the file ends too early"},
		"requests no list":    {"retransmit.json", "{}", `byte 0: "[" expected`},
		"requests a number":   {"retransmit.json", "7", `byte 0: "[" expected`},
		"requests of text":    {"retransmit.json", `[1, "2"]`, "byte 2: not a list of integers"},
		"requests of lists":   {"retransmit.json", `[[1]]`, "byte 1: not a list of integers"},
		"requests of halves":  {"retransmit.json", `[1.5]`, "byte 1: not a list of integers"},
		"requests of floats":  {"retransmit.json", `[1e3]`, "byte 1: not a list of integers"},
		"requests of truth":   {"retransmit.json", `[true]`, "byte 1: not a list of integers"},
		"requests and more":   {"retransmit.json", `[1] x`, "byte 3: something follows what should be the whole file"},
		"requests of nothing": {"retransmit.json", `null`, `byte 0: "[" expected`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := started(t)
			put(t, cfg, c.file, c.text)
			_, err := lossy.New(cfg)
			var input *lossy.InputError
			if !errors.As(err, &input) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v, want ... %s", err, c.want)
			}
			const remedy = ": delete .ms_42_* to start the source over; what is recorded is kept"
			path := filepath.Join(cfg.StateDir, ".ms_42_"+c.file)
			if input.Path != path || !strings.HasPrefix(err.Error(), path+": ") || !strings.HasSuffix(err.Error(), remedy) {
				t.Errorf("%v: no file or no remedy", err)
			}
		})
	}
}

// TestTolerance: rules L5 and L6. What the reference, or a hand, may have
// written is read; warnings tell what was odd.
func TestTolerance(t *testing.T) {
	t.Parallel()
	remember := func(n uint64) func() (uint64, bool) { return func() (uint64, bool) { return n, true } }
	for name, c := range map[string]struct {
		files    map[string]string
		edit     func(*lossy.Config)
		position int
		pending  []uint64
		warning  string
	}{
		"untouched":               {position: 10},
		"position with newline":   {files: map[string]string{"position.txt": " 12\r\n"}, position: 12},
		"position at the end":     {files: map[string]string{"position.txt": "50"}, position: 50},
		"requests":                {files: map[string]string{"retransmit.json": "[3,1, 3 ]\n"}, position: 10, pending: []uint64{3, 1, 3}},
		"requests of no sequence": {files: map[string]string{"retransmit.json": "[-5, 3, 18446744073709551616]"}, position: 10, pending: []uint64{3}, warning: "2 requests for what is no sequence left out"},
		"other number of packets": {edit: func(c *lossy.Config) { c.TotalPackets = 70 }, position: 10, warning: "was made for 50 packets, not 70: it goes on as it was made"},
		"other faults":            {edit: func(c *lossy.Config) { c.ReorderWindow, c.LossProb, c.DuplicateProb = 0, 1, 1 }, position: 10},
		"position empty, remembered": {files: map[string]string{"position.txt": ""}, edit: func(c *lossy.Config) { c.Cursor = remember(33) },
			position: 33, warning: "holds no number (its writer was killed): going on at 33, as remembered"},
		"requests empty, remembered": {files: map[string]string{"retransmit.json": ""}, edit: func(c *lossy.Config) { c.Cursor = remember(33) },
			position: 10, warning: "is empty (its writer was killed): nothing is taken for asked"},
		"remembered and not needed": {edit: func(c *lossy.Config) { c.Cursor = remember(33) }, position: 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := started(t)
			want := open(t, cfg).Stream()
			for what, text := range c.files {
				put(t, cfg, what, text)
			}
			var warnings []string
			cfg.Warn = func(m string) { warnings = append(warnings, m) }
			if c.edit != nil {
				c.edit(&cfg)
			}
			s := open(t, cfg)
			if diff := cmp.Diff(want.Queue, s.Stream().Queue); diff != "" {
				t.Error(diff)
			}
			if got := s.Caps(); got.Position != uint64(c.position) || !cmp.Equal(c.pending, got.Pending) {
				t.Errorf("position %d, pending %v; want %d, %v", got.Position, got.Pending, c.position, c.pending)
			}
			if got := strings.Join(warnings, "\n"); !strings.Contains(got, c.warning) || c.warning == "" && got != "" {
				t.Errorf("warnings %q, want %q", got, c.warning)
			}
		})
	}
}

func TestHandMadePackets(t *testing.T) {
	t.Parallel()
	c := config(t, 42, steady)
	put(t, c, "packets.json", `{ "unknown": {"a": [1, {}]}, "total_packets": "many", "delivery_queue" : [],
		"delivery_queue": [ {"corrupted": false, "packet": {"checksum": 2666930069, "payload": "6162", "timestamp": 1e400000, "sequence": 7}, "priority": -3} ],
		"generated_sequences": [9, 7, 9] }`)
	if _, err := lossy.New(c); err == nil || !strings.Contains(err.Error(), "1e400000") {
		t.Errorf("a timestamp beyond all floats: %v", err)
	}
	put(t, c, "packets.json", `{ "unknown": {"a": [1, {}]}, "total_packets": "many", "delivery_queue" : [],
		"delivery_queue": [ {"corrupted": false, "packet": {"checksum": 2659403885, "payload": "6162", "timestamp": 7, "sequence": 7}, "priority": -3} ],
		"generated_sequences": [9, 7, 9] }`)
	s := open(t, c)
	if diff := cmp.Diff([]uint64{7, 9}, s.GroundTruth()); diff != "" {
		t.Error(diff)
	}
	if d := receive(t, s); d.Sequence != 7 || d.Timestamp != 7 || string(d.Payload) != "ab" || !d.Valid {
		t.Errorf("%+v", d)
	}
}

func TestRememberedPositionBeyondTheQueue(t *testing.T) {
	t.Parallel()
	c := started(t)
	put(t, c, "position.txt", "")
	c.Cursor = func() (uint64, bool) { return 51, true }
	_, err := lossy.New(c)
	var input *lossy.InputError
	if !errors.As(err, &input) || !strings.Contains(err.Error(), "beyond the queue of 50") {
		t.Errorf("%v", err)
	}
	c.Cursor = func() (uint64, bool) { return 0, false }
	if _, err := lossy.New(c); !errors.As(err, &input) {
		t.Errorf("nobody remembers: %v", err)
	}
}

// TestMissingFiles: without a packets file everything begins again; without the
// others the source begins at 0 and nothing is asked.
func TestMissingFiles(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"packets.json", "position.txt", "retransmit.json"} {
		c := started(t)
		put(t, c, "retransmit.json", "[3]")
		if err := os.Remove(filepath.Join(c.StateDir, ".ms_42_"+what)); err != nil {
			t.Fatal(err)
		}
		caps := open(t, c).Caps()
		if want := what == "retransmit.json"; (caps.Position == 10) != want {
			t.Errorf("without %s: position %d", what, caps.Position)
		}
		if want := what == "position.txt"; (len(caps.Pending) == 1) != want {
			t.Errorf("without %s: pending %v", what, caps.Pending)
		}
	}
}

// TestDiskErrorsAreNotInput: section 7, what cannot be read or written is no
// fault of the files.
func TestDiskErrorsAreNotInput(t *testing.T) {
	t.Parallel()
	var input *lossy.InputError
	for _, what := range []string{"packets.json", "position.txt", "retransmit.json"} {
		c := started(t)
		path := filepath.Join(c.StateDir, ".ms_42_"+what)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := lossy.New(c); err == nil || errors.As(err, &input) {
			t.Errorf("%s is a folder: %v", what, err)
		}
	}
	c := config(t, 42, nil)
	c.StateDir = filepath.Join(c.StateDir, "file")
	if err := os.WriteFile(c.StateDir, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := lossy.New(c); err == nil || errors.As(err, &input) {
		t.Errorf("the state folder is a file: %v", err)
	}
}

func TestStateDirIsMade(t *testing.T) {
	t.Parallel()
	c := config(t, 42, steady)
	c.StateDir = filepath.Join(c.StateDir, "a", "b")
	open(t, c)
	if _, err := os.Stat(filepath.Join(c.StateDir, ".ms_42_packets.json")); err != nil {
		t.Error(err)
	}
}

// TestLeftTemporaryFile: one that a killed process left is no obstacle, and gone
// at the end, also if nothing was saved until then.
func TestLeftTemporaryFile(t *testing.T) {
	t.Parallel()
	for _, position := range []string{"10", "50"} {
		c := started(t)
		put(t, c, "position.txt", position)
		put(t, c, "position.txt.tmp", "99")
		put(t, c, "retransmit.json.tmp", "[")
		deliveries(t, c)
		if files, _ := os.ReadDir(c.StateDir); len(files) != 0 {
			t.Errorf("%d files left", len(files))
		}
	}
}

// TestEveryFailure fails one call of the file system after the other, of a run
// with requests. The source stops with the error and stays stopped; a new start
// on a sound disk goes on without losing or repeating a delivery.
func TestEveryFailure(t *testing.T) {
	t.Parallel()
	c := config(t, 42, func(c *lossy.Config) { c.TotalPackets, c.CorruptionProb, c.TerminationProb = 8, 0, 0 })
	want := deliveries(t, c)
	count := vfs.NewFaulty(vfs.OS{}, nil)
	c.FS = count
	if diff := cmp.Diff(want, deliveries(t, c)); diff != "" {
		t.Fatal(diff)
	}
	for n := 1; n <= count.Calls(); n++ {
		c := c
		c.StateDir = t.TempDir()
		var failed vfs.Op
		c.FS = vfs.NewFaulty(vfs.OS{}, func(o vfs.Op) error {
			if o.N == n {
				failed = o
				return syscall.EIO
			}
			return nil
		})
		got, unasked, err := partly(t, c)
		if failed.Call == "readlink" || failed.Call == "link" {
			if err != nil {
				t.Errorf("call %d (%s %s) is optional: %v", n, failed.Call, failed.Name, err)
			}
			continue
		}
		if !errors.Is(err, syscall.EIO) {
			t.Fatalf("call %d (%s %s): %v", n, failed.Call, failed.Name, err)
		}
		if failed.Call == "remove" { // at the end
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("call %d (%s %s): %s", n, failed.Call, failed.Name, diff)
			}
			continue
		}
		c.FS = nil
		rest, _, err := partly(t, c, unasked...)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, append(got, rest...)); diff != "" {
			t.Errorf("call %d (%s %s): %s", n, failed.Call, failed.Name, diff)
		}
	}
}

func deliveries(t *testing.T, c lossy.Config) []uint64 {
	t.Helper()
	all, _, err := partly(t, c)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// partly runs a source until its end or first error, and checks that the error
// stays. It asks for some packets first and for every third original again, and
// gives what it could not ask for.
func partly(t *testing.T, c lossy.Config, ask ...uint64) (all, unasked []uint64, err error) {
	t.Helper()
	s, err := lossy.New(c)
	if err != nil {
		return nil, ask, err
	}
	request(t, s, ask...)
	for {
		d, err := s.Receive(context.Background())
		if err == io.EOF {
			return all, nil, nil
		}
		if err == nil {
			all = append(all, d.Sequence)
			if d.Origin == seq.Original && d.Cursor%3 == 0 {
				if err = s.RequestRetransmit(d.Sequence, 1); err != nil {
					unasked = append(unasked, d.Sequence)
				}
			}
		}
		if err != nil {
			if _, again := s.Receive(context.Background()); again != err {
				t.Errorf("after %v: %v", err, again)
			}
			return all, unasked, err
		}
	}
}

// TestReceiveReplacesOneFile: four calls, so that the cost of a packet does not
// grow unseen.
func TestReceiveReplacesOneFile(t *testing.T) {
	t.Parallel()
	c := started(t)
	fsys := vfs.NewFaulty(vfs.OS{}, nil)
	c.FS = fsys
	s := open(t, c)
	request(t, s, 30)
	for range 5 {
		before := fsys.Calls()
		receive(t, s)
		if n := fsys.Calls() - before; n != 4 {
			t.Errorf("%d calls, want open, write, close, rename", n)
		}
	}
}
