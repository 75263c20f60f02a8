package logs

import (
	"bytes"
	"cmp"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"holdfast/internal/stream"
	"holdfast/internal/vfs"
)

// write writes files into dir and gives their paths.
func write(t testing.TB, dir string, texts ...string) (paths []string) {
	t.Helper()
	for i, text := range texts {
		path := filepath.Join(dir, fmt.Sprintf("%03d.in", i))
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// merged runs a merge to a buffer.
func merged(c Config) (string, Report, error) {
	var out bytes.Buffer
	c.Out, c.Stdout = "-", &out
	r, err := Merge(context.Background(), c)
	return out.String(), r, err
}

// lines makes k files of n lines in the order of their first field, which has
// few values, in runs of about so many lines.
func lines(k, n, run int, delimiter string) []string {
	r := rand.New(rand.NewPCG(uint64(k), uint64(n)))
	texts := make([][]string, k)
	for i, left, s := 0, 0, 0; i < n; i++ {
		if left == 0 {
			s, left = r.IntN(k), 1+r.IntN(run)
		}
		left--
		texts[s] = append(texts[s], fmt.Sprintf("%06d%s%s%sline %d\n", i/3, strings.Repeat("y", r.IntN(3)), delimiter, strings.Repeat(" x", r.IntN(60)), i))
	}
	files := make([]string, k)
	for i, t := range texts {
		slices.Sort(t)
		files[i] = strings.Join(t, "")
	}
	return files
}

// gnu runs GNU sort.
func gnu(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("sort", args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("no GNU sort here: %v", err)
	}
	return out
}

// sortedAll asks GNU sort whether files are sorted.
func sortedAll(flags, paths []string) bool {
	return !slices.ContainsFunc(paths, func(path string) bool {
		cmd := exec.Command("sort", slices.Concat(flags, []string{"-c", path})...)
		cmd.Env = append(os.Environ(), "LC_ALL=C")
		return cmd.Run() != nil
	})
}

// R31: the bytes of GNU sort -m -s, and of sort -s with Sort.
func TestSameAsGNU(t *testing.T) {
	t.Parallel()
	n := 12_000
	if testing.Short() {
		n = 2000
	}
	for _, k := range []int{1, 2, 16, 64} {
		for _, run := range []int{1, 50} {
			for _, key := range []struct {
				by        string
				delimiter byte
				flags     []string
			}{
				{"", 0, nil}, {"1", 0, []string{"-k1,1"}}, {"2", 0, []string{"-k2,2"}}, {"1", ',', []string{"-t,", "-k1,1"}},
				{"1", 'y', []string{"-ty", "-k1,1"}}, {"1,3", 0, []string{"-k1,1", "-k3,3"}}, {"9", 0, []string{"-k9,9"}},
			} {
				paths := write(t, t.TempDir(), lines(k, n, run, map[byte]string{0: " ", ',': ",", 'y': ""}[key.delimiter])...)
				c := Config{Files: paths, By: key.by, Format: "text", Delimiter: key.delimiter, Memory: MinMemory, Temp: t.TempDir()}
				flags := slices.Concat([]string{"-s"}, key.flags)
				for _, c.Sort = range []bool{false, true} {
					args := slices.Concat(flags, paths)
					got, r, err := merged(c)
					if !c.Sort {
						args = append([]string{"-m"}, args...)
						var input *InputError
						if errors.As(err, &input) {
							if sortedAll(flags, paths) {
								t.Fatalf("sort -c sees no disorder, we: %v", err)
							}
							continue
						}
					}
					if err != nil {
						t.Fatal(err)
					}
					if md5.Sum([]byte(got)) != md5.Sum(gnu(t, args...)) {
						t.Errorf("k=%d: not what sort %q gives", k, args[:len(flags)+1])
					}
					if r.Records != int64(n) || r.Written != r.Records || r.Bytes != int64(len(got)) {
						t.Errorf("%+v", r)
					}
				}
			}
		}
	}
}

// A model is what a merge must give: parse, sort stably, keep the first of
// each KEY.
type model struct {
	format  string
	files   [][]entry
	numeric bool
	dedupe  string // "", "line", "key", "id"
}

type entry struct{ key, id, line string }

func (m model) compare(a, b entry) int {
	if m.numeric {
		x, _ := strconv.Atoi(a.key)
		y, _ := strconv.Atoi(b.key)
		return cmp.Compare(x, y)
	}
	return strings.Compare(a.key, b.key)
}

func (m model) output() (out string, removed int64) {
	all := slices.Concat(m.files...)
	slices.SortStableFunc(all, m.compare)
	seen := map[string]bool{}
	for _, e := range all {
		key := map[string]string{"line": strings.TrimRight(e.line, "\r\n"), "key": e.key, "id": e.id, "key,id": e.key + "\x00" + e.id}[m.dedupe]
		if m.numeric && m.dedupe == "key" {
			n, _ := strconv.Atoi(e.key)
			key = strconv.Itoa(n)
		}
		if m.dedupe != "" && seen[key] {
			removed++
			continue
		}
		seen[key] = true
		out += e.line
	}
	return out, removed
}

func (m model) text(i int) (s string) {
	for _, e := range m.files[i] {
		s += e.line
	}
	return s
}

// drawModel draws sorted files, or unsorted ones.
func drawModel(t *rapid.T, sorted bool) (m model) {
	m.format = rapid.SampledFrom([]string{"csv", "jsonl", "text"}).Draw(t, "format")
	m.numeric = rapid.Bool().Draw(t, "numeric")
	m.dedupe = rapid.SampledFrom([]string{"", "", "line", "key", "id", "key,id"}).Draw(t, "dedupe")
	word := rapid.StringMatching(`[ab]{1,2}|key-with-a-long-beginning-[0-9]|x{13,20}`)
	if m.format != "text" {
		word = rapid.StringMatching(`[ab]{0,2}|key with, a "long" beginning [0-9]|x{13,20}`)
	}
	for range rapid.IntRange(1, 8).Draw(t, "k") {
		var f []entry
		for range rapid.IntRange(0, 30).Draw(t, "n") {
			e := entry{key: word.Draw(t, "key"), id: rapid.StringMatching(`[0-9]`).Draw(t, "id")}
			if m.numeric {
				e.key = rapid.StringMatching(`-?0?[0-9]{1,2}`).Draw(t, "key")
			}
			fill := strings.Repeat("f", rapid.IntRange(0, 40).Draw(t, "fill"))
			end := rapid.SampledFrom([]string{"\n", "\n", "\r\n"}).Draw(t, "end")
			switch m.format {
			case "csv":
				key := e.key
				if strings.ContainsAny(key, `,"`) || rapid.Bool().Draw(t, "quoted") {
					key = `"` + strings.ReplaceAll(key, `"`, `""`) + `"`
				}
				e.line = fmt.Sprintf("%s,%s,\"%s\n%s\"%s", e.id, key, fill, fill, end)
			case "jsonl":
				e.line = fmt.Sprintf(`{"id":%s,"in":{"key":%q},"fill":"%s"}%s`, e.id, e.key, fill, end)
			case "text":
				e.line = fmt.Sprintf("%s %s %s\n", e.key, e.id, fill)
			}
			f = append(f, e)
		}
		m.files = append(m.files, f)
		if sorted {
			slices.SortStableFunc(f, m.compare)
		}
	}
	return m
}

func (m model) config(dir string, t testing.TB) Config {
	texts := make([]string, len(m.files))
	header := ""
	if m.format == "csv" {
		header = "id,key,fill\n"
	}
	for i := range m.files {
		if texts[i] = m.text(i); texts[i] != "" {
			texts[i] = header + texts[i]
		}
	}
	kind := ":bytes"
	if m.numeric {
		kind = ":int"
	}
	column := map[string]map[string]string{
		"csv":   {"key": "key", "id": "id", "line": "line", "key,id": "key,id"},
		"jsonl": {"key": "in.key", "id": "id", "line": "line", "key,id": "id,in.key"},
		"text":  {"key": "1", "id": "2", "line": "line", "key,id": "2,1"},
	}[m.format]
	return Config{Files: write(t, dir, texts...), By: column["key"] + kind, Format: m.format, Dedupe: column[m.dedupe], Temp: dir, Memory: 8 * MinMemory}
}

func TestRandomMerges(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		unsorted := rapid.Bool().Draw(rt, "unsorted")
		m := drawModel(rt, !unsorted)
		c := m.config(dir, t)
		c.Sort = unsorted
		c.batch = rapid.SampledFrom([]int{0, 16, 100, 300}).Draw(rt, "batch")
		c.FanIn = rapid.SampledFrom([]int{0, 2, 3}).Draw(rt, "fan-in")
		c.NoBatch = rapid.Bool().Draw(rt, "no-batch")
		// The key of two dedupe columns is that of two texts here.
		if m.numeric && m.dedupe == "key,id" {
			c.Dedupe = strings.Replace(strings.Replace(c.Dedupe, "key", "key:bytes", 1), "1", "1:bytes", 1)
		}
		want, removed := m.output()
		if m.format == "csv" && want != "" {
			want = "id,key,fill\n" + want
		}
		got, r, err := merged(c)
		if err != nil {
			rt.Fatalf("%v", err)
		}
		if got != want {
			rt.Fatalf("got\n%s\nwant\n%s", got, want)
		}
		if r.DuplicatesRemoved != removed || r.Bytes != int64(len(want)) {
			rt.Fatalf("%+v, want %d removed", r, removed)
		}
	})
}

// R39: exact when the fingerprints do not fit, too, and of a pipe.
func TestDedupeSpilled(t *testing.T) {
	t.Parallel()
	const n = 60_000
	r := rand.New(rand.NewPCG(3, 4))
	texts := make([]bytes.Buffer, 3)
	seen := map[int]bool{}
	var want bytes.Buffer
	for i := range n {
		id := r.IntN(n / 2)
		line := fmt.Sprintf("%08d %d\n", i, id)
		texts[r.IntN(3)].WriteString(line)
		if !seen[id] {
			seen[id] = true
			want.WriteString(line)
		}
	}
	for _, c := range []Config{{}, {Sort: true}, {Memory: MinMemory}, {Memory: MinMemory, Sort: true}, {Memory: MinMemory, FanIn: 2}} {
		dir := t.TempDir()
		paths := write(t, dir, texts[0].String(), texts[1].String())
		c.Files, c.Stdin = append(paths, "-"), iotest.HalfReader(bytes.NewReader(texts[2].Bytes()))
		c.Temp, c.Dedupe = dir, "2"
		got, report, err := merged(c)
		if err != nil {
			t.Fatal(err)
		}
		if got != want.String() || report.DuplicatesRemoved != int64(n-len(seen)) {
			t.Errorf("memory %d, sort %v: wrong: %+v", c.Memory, c.Sort, report)
		}
		entries, _ := os.ReadDir(dir)
		if len(entries) != 2 {
			t.Errorf("temporary files are left: %v", entries)
		}
	}
}

// One key that more records share than the memory has room for fingerprints,
// then other such keys: each group is decided for itself.
func TestDedupeSpilledInGroups(t *testing.T) {
	t.Parallel()
	var in, want strings.Builder
	for key := range 3 {
		for i := range 40_000 {
			fmt.Fprintf(&in, "%d %d\n", key, i%25_000)
			if i < 25_000 {
				fmt.Fprintf(&want, "%d %d\n", key, i)
			}
		}
	}
	dir := t.TempDir()
	got, r, err := merged(Config{Files: write(t, dir, in.String()), By: "1", Dedupe: "line", Memory: MinMemory, Temp: dir})
	if err != nil || got != want.String() || r.DuplicatesRemoved != 45_000 {
		t.Errorf("%+v, %v", r, err)
	}
}

// A record longer than every buffer, and one that is too long.
func TestLongRecords(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long ", 300_000)
	dir := t.TempDir()
	paths := write(t, dir, "a\nb "+long+"\nc\n", "aa\nb\nd")
	want := "a\naa\nb\nb " + long + "\nc\nd\n"
	for _, sort := range []bool{false, true} {
		got, _, err := merged(Config{Files: paths, Memory: MinMemory, Sort: sort, Temp: dir})
		if err != nil || got != want {
			t.Errorf("sort %v: %d bytes, %v", sort, len(got), err)
		}
	}
	for _, most := range []int64{100, 1 << 20} {
		_, _, err := merged(Config{Files: paths, MaxRecord: most})
		if err == nil || !strings.Contains(err.Error(), "000.in:2: a record of more than") {
			t.Errorf("%v", err)
		}
	}
}

// The errors name the file, the line, and what to do.
func TestBadInput(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		texts []string
		c     Config
		want  string
	}{
		{[]string{"a\nb\n", "a\nc\nb\n"}, Config{}, `001.in:3: key "b" is smaller than line 2's: not sorted by whole lines: use --sort`},
		{[]string{"id,k\n1,\"a\nb\"\n2,c\n\n3,b\n"}, Config{By: "k"}, `000.in:6: key "b" is smaller than line 4's: not sorted by k: use --sort`},
		{[]string{"k\n1\n", "k\n2\nx\n"}, Config{By: "k"}, `001.in:3: k is "x", which is no int: use --by k:bytes`},
		{[]string{"k\n1\n1.5\n"}, Config{By: "k"}, `000.in:3: k is "1.5", which is no int: use --by k:decimal`},
		{[]string{"k\n1\n99999999999999999999\n"}, Config{By: "k"}, `use --by k:decimal`},
		{[]string{"k,v\n1\n"}, Config{By: "k"}, `000.in:2: it has 1 fields, the first record 2`},
		{[]string{"k,v\n1,\"x\n"}, Config{By: "k"}, `000.in:2: a quote is not closed: close it, or double it if it is text`},
		{[]string{"k,v\n1,\"x\"y\n"}, Config{By: "k"}, `000.in:2: text stands behind a closing quote: double the quotes that are text`},
		{[]string{"k,v\n1,2\n", "v,k\n1,2\n"}, Config{By: "k"}, `001.in:1: its header is "v,k", that of`},
		{[]string{"k,v\n1,2\n", "v,w\n1,2\n"}, Config{By: "k", Align: true}, `the same columns must be there, each once`},
		{[]string{"k,k\n1,2\n"}, Config{By: "k"}, `000.in:1: two columns are called k: name the column by its number`},
		{[]string{"k,v\n1,2\n"}, Config{By: "x"}, `000.in:1: it has no column x: it has "k,v"`},
		{[]string{"1,2\n"}, Config{By: "3", NoHeader: true, Format: "csv"}, `000.in:1: it has no column 3: it has 2`},
		{[]string{"{\"k\":1}\n{\"k\":}\n"}, Config{By: "k"}, `000.in:2: it is not JSON: "}" is unexpected at byte 6`},
		{[]string{"{\"k\":1}\n[1]\n"}, Config{By: "k"}, `000.in:2: it is not a JSON object`},
		{[]string{"{\"k\":1}\n{\"k\":null}\n"}, Config{By: "k"}, `000.in:2: k is missing or null: use --missing first or last`},
		{[]string{"{\"k\":1}\n{\"k\":[]}\n"}, Config{By: "k"}, `000.in:2: k is an object or a list, which has no order`},
		{[]string{"{\"k\":1}\n{\"k\":1}\n"}, Config{By: "k", Dedupe: "id"}, `000.in:1: id is missing`},
		{[]string{"{\"k\":\"2025-01-01\"}\n"}, Config{By: "k:time"}, `000.in:1: k is "2025-01-01", which is no time: use --by k:bytes`},
		{[]string{"k\n\xff\xfe1\n", "\xff\xfek\n"}, Config{By: "k"}, `001.in: is UTF-16LE: convert it first`},
		{[]string{"\x1f\x8bnonsense"}, Config{}, `000.in: its gzip data is damaged`},
	} {
		dir := t.TempDir()
		c.c.Files = write(t, dir, c.texts...)
		c.c.Out = filepath.Join(dir, "out")
		_, err := Merge(context.Background(), c.c)
		var input *InputError
		if !errors.As(err, &input) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v\nwant %s", c.texts, err, c.want)
		}
		if _, err := os.Stat(c.c.Out); err == nil {
			t.Errorf("%q: there is an output", c.texts)
		}
	}
}

func TestFormats(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		texts []string
		c     Config
		want  string
	}{
		"times of many zones": {[]string{"t\n2025-01-01T01:00:00+02:00\n2025-01-01 00:30:00\n", "t\n2024-12-31T23:00:00Z\n2025-01-01T00:00:00.5Z\n"}, Config{By: "t"},
			"t\n2025-01-01T01:00:00+02:00\n2024-12-31T23:00:00Z\n2025-01-01T00:00:00.5Z\n2025-01-01 00:30:00\n"},
		"BOM, CR LF, empty lines, no last line end": {[]string{"\ufeffa,b\r\n\r\n1,2\r\n", "a,b\n0,1"}, Config{By: "a"}, "a,b\r\n0,1\n1,2\r\n"},
		"align":               {[]string{"a,b,c\n1,\"x,y\",3\n", "c,a,b\n9,0,\"\"\"q\"\"\"\r\n"}, Config{By: "a", Align: true}, "a,b,c\n0,\"\"\"q\"\"\",9\r\n1,\"x,y\",3\n"},
		"align, dedupe lines": {[]string{"a,b\n1,2\n", "b,a\n2,1\n"}, Config{By: "a", Align: true, Dedupe: "line"}, "a,b\n1,2\n"},
		"missing first":       {[]string{"{\"k\":5}\n", "{}\n{\"k\":null}\n{\"k\":4}\n"}, Config{By: "k", Missing: "first"}, "{}\n{\"k\":null}\n{\"k\":4}\n{\"k\":5}\n"},
		"missing last":        {[]string{"{\"k\":5}\n{}\n", "{\"k\":4}\n{\"k\":null}\n"}, Config{By: "k", Missing: "last"}, "{\"k\":4}\n{\"k\":5}\n{}\n{\"k\":null}\n"},
		"missing ones are no duplicates": {[]string{"{\"k\":5}\n{\"k\":5}\n{}\n", "{\"k\":4}\n{\"k\":null}\n"}, Config{By: "k", Missing: "last", Dedupe: "k"},
			"{\"k\":4}\n{\"k\":5}\n{}\n{\"k\":null}\n"},
		"empty CSV values":        {[]string{"k\n1\n\"\"\n"}, Config{By: "k", Missing: "last"}, "k\n1\n\"\"\n"},
		"empty files":             {[]string{"", "a\n1\n", "", "a\n"}, Config{By: "a"}, "a\n1\n"},
		"nothing at all":          {[]string{"", ""}, Config{By: "a"}, ""},
		"only headers":            {[]string{"a,b\n", "a,b"}, Config{By: "a"}, "a,b\n"},
		"a number for a name":     {[]string{"x,y\n2,1\n1,2\n"}, Config{By: "2", Format: "csv"}, "x,y\n2,1\n1,2\n"},
		"no header":               {[]string{"2,1\n1,2\n", "0,3\n"}, Config{By: "2", Format: "csv", NoHeader: true}, "2,1\n1,2\n0,3\n"},
		"tabs":                    {[]string{"a\tb\n1\tx,y\n"}, Config{By: "b", Delimiter: '\t'}, "a\tb\n1\tx,y\n"},
		"dotted path":             {[]string{"{\"a\":{\"b\":2}}\n", "{\"a\":{\"b\":1},\"b\":9}\n"}, Config{By: "a.b"}, "{\"a\":{\"b\":1},\"b\":9}\n{\"a\":{\"b\":2}}\n"},
		"escaped strings":         {[]string{"{\"k\":\"\\u0062\"}\n", "{\"k\":\"a\"}\n{\"\\u006b\":\"c\"}\n"}, Config{By: "k"}, "{\"k\":\"a\"}\n{\"k\":\"\\u0062\"}\n{\"\\u006b\":\"c\"}\n"},
		"decimals":                {[]string{"k\n-1e2\n0.1\n1.50\n", "k\n-99.9\n.1\n1.5\n1e400\n"}, Config{By: "k:decimal"}, "k\n-1e2\n-99.9\n0.1\n.1\n1.50\n1.5\n1e400\n"},
		"several columns":         {[]string{"a,b\nx,2\nx,10\n", "a,b\nx,9\ny,1\n"}, Config{By: "a,b:int"}, "a,b\nx,2\nx,9\nx,10\ny,1\n"},
		"numbers in text":         {[]string{"x 9\nx 10\n", "x   9.5 \n"}, Config{By: "2:decimal"}, "x 9\nx   9.5 \nx 10\n"},
		"equal instants are dups": {[]string{"t\n2025-01-01T01:00:00+01:00\n", "t\n2025-01-01T00:00:00Z\n"}, Config{By: "t", Dedupe: "t"}, "t\n2025-01-01T01:00:00+01:00\n"},
		"CR is text's":            {[]string{"a\r\nb\n"}, Config{}, "a\r\nb\n"},
		"NUL and 0xFF":            {[]string{"\x00\n\xff\xff\xff\xff\xff\xff\xff\xff\n", "\x00\x00\n\xff\n"}, Config{Format: "text"}, "\x00\n\x00\x00\n\xff\n\xff\xff\xff\xff\xff\xff\xff\xff\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, c.c.Sort = range []bool{false, true} {
				c.c.Files = write(t, t.TempDir(), c.texts...)
				got, r, err := merged(c.c)
				if err != nil || got != c.want {
					t.Errorf("sort %v: %q, %v\nwant %q", c.c.Sort, got, err, c.want)
				}
				if r.Bytes != int64(len(got)) {
					t.Errorf("%+v", r)
				}
				// Compressed, and from a pipe, it is the same.
				for i, text := range c.texts {
					var b bytes.Buffer
					w, err := stream.Pack([]string{".gz", ".zst"}[i%2], &b)
					if err != nil {
						t.Fatal(err)
					}
					w.Write([]byte(text))
					w.Close()
					os.WriteFile(c.c.Files[i], b.Bytes(), 0o666)
				}
				if got, _, err = merged(c.c); err != nil || got != c.want {
					t.Errorf("compressed: %q, %v\nwant %q", got, err, c.want)
				}
				c.c.Files[0], c.c.Stdin = "-", iotest.OneByteReader(strings.NewReader(c.texts[0]))
				if got, _, err = merged(c.c); err != nil || got != c.want {
					t.Errorf("from a pipe: %q, %v\nwant %q", got, err, c.want)
				}
			}
		})
	}
}

// R37: more files than can be open.
func TestPasses(t *testing.T) {
	t.Parallel()
	texts := lines(40, 4000, 3, ",")
	paths := write(t, t.TempDir(), texts...)
	want, _, err := merged(Config{Files: paths, Delimiter: ',', By: "1", Format: "text"})
	if err != nil {
		t.Fatal(err)
	}
	for fanIn, passes := range map[int]int{2: 6, 3: 4, 7: 2, 8: 2, 39: 2, 40: 1} {
		dir := t.TempDir()
		got, r, err := merged(Config{Files: paths, Delimiter: ',', By: "1", Format: "text", FanIn: fanIn, Temp: dir})
		if err != nil || got != want {
			t.Errorf("fan-in %d: %v, equal %v", fanIn, err, got == want)
		}
		if r.Passes != passes || r.Records != 4000 {
			t.Errorf("fan-in %d: %+v, want %d passes", fanIn, r, passes)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("temporary files are left: %v", left)
		}
	}
}

// Whichever call of the file system fails: an error with its cause, no output,
// nothing left behind.
func TestEveryCallMayFail(t *testing.T) {
	t.Parallel()
	var ids strings.Builder
	for i := range 30_000 {
		fmt.Fprintf(&ids, "%08d %d\n", i, i%20_000)
	}
	for name, c := range map[string]Config{
		"merge": {}, "passes": {FanIn: 2}, "sort": {Sort: true}, "dedupe": {Dedupe: "2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, in := t.TempDir(), t.TempDir()
			c.Files, c.Out, c.Temp, c.Memory = write(t, in, ids.String(), ids.String(), "x 1\n"), filepath.Join(dir, "out"), dir, MinMemory
			count := vfs.NewFaulty(vfs.OS{}, nil)
			c.FS = count
			if _, err := Merge(context.Background(), c); err != nil {
				t.Fatal(err)
			}
			want, _ := os.ReadFile(c.Out)
			os.Remove(c.Out)
			failed, step := 0, 1
			if count.Calls() > 60 {
				step = count.Calls() / 60
			}
			for n := 1; n <= count.Calls(); n += step {
				c.FS = vfs.NewFaulty(vfs.OS{}, vfs.FailAt(n, syscall.ENOSPC))
				_, err := Merge(context.Background(), c)
				got, missing := os.ReadFile(c.Out)
				if err != nil {
					failed++
					if !errors.Is(err, syscall.ENOSPC) || missing == nil {
						t.Fatalf("call %d: %v; there is an output: %v", n, err, missing == nil)
					}
				} else if !bytes.Equal(got, want) {
					t.Fatalf("call %d: no error, but the wrong output", n)
				}
				os.Remove(c.Out)
				if left, _ := os.ReadDir(dir); len(left) > 0 {
					t.Fatalf("call %d: left behind: %v", n, left)
				}
			}
			if failed < 2 {
				t.Fatalf("only %d calls failed: the test has lost its aim", failed)
			}
		})
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := write(t, dir, "a,b\n1,2\n")[0]
	link := filepath.Join(dir, "link")
	if err := os.Link(path, link); err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]Config{
		"no input":          {Out: "-"},
		"standard input":    {Files: []string{"-", "-"}, Out: "-"},
		"-o is missing":     {Files: []string{path}},
		"also an input":     {Files: []string{path}, Out: link},
		"--by is missing":   {Files: []string{path}, Out: "-", Format: "csv"},
		"empty column":      {Files: []string{path}, Out: "-", By: "a,,b", Format: "csv"},
		"text has no names": {Files: []string{path}, Out: "-", By: "a", Format: "text"},
		"without a header":  {Files: []string{path}, Out: "-", By: "a", NoHeader: true, Format: "csv"},
		"--memory":          {Files: []string{path}, Out: "-", Memory: 1000},
		"--fan-in":          {Files: []string{path}, Out: "-", FanIn: 1},
		"--delimiter":       {Files: []string{path}, Out: "-", Delimiter: '"'},
		"--align":           {Files: []string{path}, Out: "-", Align: true, NoHeader: true},
		"--max-record":      {Files: []string{path}, Out: "-", MaxRecord: -1},
		"--format":          {Files: []string{path}, Out: "-", Format: "xml"},
		"--missing":         {Files: []string{path}, Out: "-", Missing: "middle"},
		"looks like csv":    {Files: []string{"a.csv", "b.jsonl"}, Out: "-"},
	} {
		_, err := Merge(context.Background(), c)
		var usage *UsageError
		if !errors.As(err, &usage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(context.Background())
	stop()
	dir := t.TempDir()
	for _, sort := range []bool{false, true} {
		out := filepath.Join(dir, "out")
		_, err := Merge(ctx, Config{Files: write(t, dir, lines(1, 50_000, 1, " ")...), Out: out, Sort: sort, Format: "text"})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("sort %v: %v", sort, err)
		}
		if _, err := os.Stat(out); err == nil {
			t.Error("there is an output")
		}
	}
}
