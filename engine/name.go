package engine

// IsName reports whether a job's name can be part of the names of streams,
// buckets and subjects: letters, digits, - and _, at least one and at most so
// many. A bounded regular expression says the same, and takes milliseconds at
// the start of each process.
func IsName(name string, most int) bool {
	for _, c := range []byte(name) {
		switch {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return 1 <= len(name) && len(name) <= most
}
