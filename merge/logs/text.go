package logs

import "bytes"

// textLines splits text as GNU sort does: a record is a line, whatever bytes
// it holds. Without a delimiter a field reaches from the end of the one before
// it to the next blank that follows something else, so it begins with the
// blanks between the two; with one, it is what stands between two delimiters.
// A field that a line does not have is empty.
type textLines struct {
	want      []int // numbers from 1, 0 for the whole line
	delimiter byte  // 0: blanks
}

func (t *textLines) next(b []byte) (record, error) {
	n := bytes.IndexByte(b, '\n')
	if n < 0 {
		return record{}, nil
	}
	return record{size: n + 1, body: n, lines: 1}, nil
}

func (t *textLines) unfinished() error { return errNewline }

func (t *textLines) fields(r []byte, into []field) error {
	for i, n := range t.want {
		from, to := 0, len(r)
		if n > 0 {
			if t.delimiter != 0 {
				from, to = delimited(r, n, t.delimiter)
			} else {
				from, to = blanked(r, n)
			}
		}
		into[i] = field{text: r[from:to], at: from}
	}
	return nil
}

func delimited(r []byte, n int, delimiter byte) (from, to int) {
	for ; n > 1; n-- {
		i := bytes.IndexByte(r[from:], delimiter)
		if i < 0 {
			return len(r), len(r)
		}
		from += i + 1
	}
	if i := bytes.IndexByte(r[from:], delimiter); i >= 0 {
		return from, from + i
	}
	return from, len(r)
}

func blanked(r []byte, n int) (from, to int) {
	for ; n > 0; n-- {
		from = to
		for to < len(r) && (r[to] == ' ' || r[to] == '\t') {
			to++
		}
		for to < len(r) && r[to] != ' ' && r[to] != '\t' {
			to++
		}
	}
	return from, to
}
