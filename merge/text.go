package merge

import "strconv"

// lineBytes is the length of a value's line.
func lineBytes(v int32) int {
	n := 2 // a digit and the end of the line
	u := int64(v)
	if u < 0 {
		n, u = 3, -u
	}
	for u >= 10 {
		u /= 10
		n++
	}
	return n
}

// textBytes is the length of the lines of values.
func textBytes(values []int32) (n int64) {
	for _, v := range values {
		n += int64(lineBytes(v))
	}
	return n
}

// fit is how many of the values have lines of at most room bytes together, and
// how many bytes these have.
func fit(values []int32, room int) (n, size int) {
	for n < len(values) {
		line := lineBytes(values[n])
		if size+line > room {
			break
		}
		size += line
		n++
	}
	return n, size
}

// appendLines appends the lines of values.
func appendLines(dst []byte, values []int32) []byte {
	for _, v := range values {
		dst = strconv.AppendInt(dst, int64(v), 10)
		dst = append(dst, '\n')
	}
	return dst
}
