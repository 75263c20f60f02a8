package runner

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"

	"holdfast/merge"
)

// Union is what a run writes for two lists: all values in order, each once with
// merge.Drop.
func Union(a, b []int32, d merge.Dup) []int32 {
	all := slices.Concat(a, b)
	slices.Sort(all)
	if d == merge.Drop {
		all = slices.Compact(all)
	}
	return all
}

// Verify reads an output from its beginning to its end and compares it with
// the union of the lists, line for line.
func Verify(output io.Reader, a, b []int32, d merge.Dup) error {
	r := bufio.NewReaderSize(output, 64<<10)
	var want []byte
	for i, v := range Union(a, b, d) {
		want = append(strconv.AppendInt(want[:0], int64(v), 10), '\n')
		got, err := r.ReadSlice('\n')
		if err != nil && err != io.EOF && err != bufio.ErrBufferFull {
			return err
		}
		if !bytes.Equal(got, want) {
			return fmt.Errorf("line %d is %.40q, not %d", i+1, bytes.TrimSuffix(got, []byte{'\n'}), v)
		}
	}
	if rest, err := r.ReadSlice('\n'); len(rest) > 0 || err != io.EOF {
		return fmt.Errorf("there is more behind the last value: %.40q", rest)
	}
	return nil
}
