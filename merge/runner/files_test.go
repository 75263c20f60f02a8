package runner

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"holdfast/internal/vfs"
)

// A worker does not begin with files that it cannot have, and touches none.
func TestFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(os.Mkdir(at("folder"), 0o777), os.WriteFile(at("file"), nil, 0o666), os.Link(at("file"), at("link"))); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*Options)
		want   string
		usage  bool
	}{
		"folder":        {func(o *Options) { o.Output = at("folder") }, "it is a folder", false},
		"device":        {func(o *Options) { o.State = os.DevNull }, "a pipe or a device", false},
		"one name":      {func(o *Options) { o.Outbox = o.Inbox }, "inbox and outbox are the same file", true},
		"two spellings": {func(o *Options) { o.Output = filepath.Dir(o.Inbox) + "/./in" }, "inbox and output are the same file", true},
		"a link":        {func(o *Options) { o.Outbox, o.Output = at("file"), at("link") }, "outbox and output are the same file", true},
		"the lock":      {func(o *Options) { o.Output = o.State + ".lock" }, "output and lock are the same file", true},
		"no name":       {func(o *Options) { o.Inbox = "" }, "the inbox has no name", true},
	} {
		o := Options{ID: "A", Data: []int32{1}, Inbox: at("in"), Outbox: at("out"), Output: at("sorted"), State: at("state")}
		c.change(&o)
		_, err := NewWorker(o)
		var input *InputError
		if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, ErrFiles) != c.usage || errors.As(err, &input) == c.usage {
			t.Errorf("%s: %v", name, err)
		}
	}
	names, err := vfs.OS{}.ReadDir(dir)
	if got := strings.Join(names, " "); got != "file folder link" || err != nil {
		t.Errorf("%s, %v", got, err)
	}
}

// Two workers of a job that are given one part: the second is refused, while
// the first has it and when it has finished, and nothing of it is lost.
func TestJobOnePart(t *testing.T) {
	t.Parallel()
	c := plainCrew(t, 2)
	mistaken := func() error {
		o := c.options(1)
		o.Output = c.options(0).Output
		m, err := NewMember(t.Context(), o, c.seat(1))
		if err == nil {
			m.Close()
		}
		return err
	}
	a := c.member(t, 0)
	var input *InputError
	if err := mistaken(); !errors.As(err, &input) || !strings.Contains(err.Error(), "/job/part.0: worker 0 of the job writes it") || !strings.Contains(err.Error(), "remove /job/part.0.test.0.1.tmp") {
		t.Error(err)
	}
	a.Close()
	if err := mistaken(); err != nil { // it is free again, and the file is not in use by it
		t.Error(err)
	}
	a = c.member(t, 0)
	defer a.Close()
	b := c.member(t, 1)
	for steps := 0; a.Record().Part == nil; steps++ {
		m := a
		if steps%1000 == 999 { // a has read all there is
			m = b
		}
		if _, err := m.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if b.Close(); b.Record().Part != nil {
		t.Fatal("worker 1 finished before worker 0")
	}
	if err := mistaken(); !errors.As(err, &input) || !strings.Contains(err.Error(), "/job/part.0: it is the part of worker 0") {
		t.Error(err)
	}
	a.Close()
	c.run(t)
	names, err := c.disk.ReadDir("/job")
	if got := strings.Join(names, " "); got != "part.0 part.1" || err != nil {
		t.Errorf("%s, %v", got, err)
	}
}
