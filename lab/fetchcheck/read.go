package fetchcheck

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"holdfast/lab/urls"
)

// maxLine is the most bytes of a line. Records are far shorter.
const maxLine = 1 << 20

// lines gives every line of in that is not blank, with its number. A line that
// is too long comes as nil.
func lines(in io.Reader, each func(number int, line []byte)) error {
	r := bufio.NewReaderSize(in, 64<<10)
	var long []byte
	for number := 1; ; number++ {
		long = long[:0]
		size := 0
		var err error
		for {
			var part []byte
			part, err = r.ReadSlice('\n')
			size += len(part)
			if size <= maxLine+1 {
				long = append(long, part...)
			}
			if !errors.Is(err, bufio.ErrBufferFull) {
				break
			}
		}
		switch line := bytes.TrimSpace(long); {
		case size > maxLine+1:
			each(number, nil)
		case len(line) > 0:
			each(number, line)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// readLog reads every record into the trail of its URL, and judges the format: V6.
func (c *checker) readLog() error {
	var last time.Time
	var first *InputError
	err := lines(c.in.Log, func(number int, line []byte) {
		c.lines++
		r, url, err := record{}, "", error(nil)
		if line == nil {
			err = fmt.Errorf("longer than %d bytes", maxLine)
		} else {
			r, url, err = parseRecord(line)
		}
		r.line = number
		c.rules[v6].Checked++
		if err != nil {
			c.fail(v6, url, &r, "%v", err)
			if first == nil {
				first = &InputError{c.in.LogName, err.Error(), number}
			}
			if url == "" || r.event == "" {
				return
			}
		}
		c.records++
		if r.at.Before(last) && !r.at.IsZero() {
			c.fail(v6, url, &r, "the time goes back by %s", last.Sub(r.at))
		} else if !r.at.IsZero() {
			last = r.at
		}
		if c.o.Policy == "" {
			c.o.Policy = r.policy
		}
		c.file(url, r)
	})
	if err != nil {
		return err
	}
	if c.records == 0 && c.lines > 0 {
		first.What = "not a fetch log, no line of it is a record: " + first.What
		return first
	}
	if c.o.Base == "" {
		c.o.Base, _ = urls.SplitBase(c.all[0])
	}
	if c.o.Policy == "" {
		c.o.Policy = "spec"
	}
	for i := range c.trails {
		_, rest := urls.SplitBase(c.all[i])
		c.trails[i].url = c.o.Base + rest
	}
	return nil
}

// file adds the record to the trail of its URL.
func (c *checker) file(url string, r record) {
	base, rest := urls.SplitBase(url)
	i, known := c.place[rest]
	if known && c.o.Base == "" {
		c.o.Base = base
	}
	if !known || base != c.o.Base {
		c.rules[v2].Checked++
		c.fail(v2, clip(url), &r, "%s of a URL that is not in the set%s", r.event, c.elsewhere(known))
		return
	}
	t := &c.trails[i]
	if len(t.records) > 0 && r.run > t.records[len(t.records)-1].run {
		t.records = nil // an earlier run was broken off; this one begins the URL again
	}
	t.records = append(t.records, r)
}

func (c *checker) elsewhere(known bool) string {
	if known {
		return ", which is at " + c.o.Base + ": see --base"
	}
	return ""
}
