package fetch

// Keywords finds any number of words in a stream, in one pass and across the
// edges of reads: an Aho-Corasick automaton with all its steps worked out. It
// is read only and shared by all attempts; each has a [Finder] of its own.
//
// Words are exact bytes, or, without case, ASCII letters of either case. One
// bytes.Index per word and buffer would be faster for a single word, but needs
// the tail of the last read kept and searched again for each.
type Keywords struct {
	words []string
	class [256]uint8 // bytes that no word holds share class 0
	width int        // number of classes
	next  []int32    // state*width + class -> state
	ends  [][]int32  // state -> words that end here
}

// NewKeywords prepares the search for words. Empty words find nothing.
func NewKeywords(words []string, ignoreCase bool) *Keywords {
	k := &Keywords{words: words, width: 1}
	k.classes(ignoreCase)
	fail := k.trie()
	k.close(fail)
	return k
}

// classes numbers the bytes that occur, so that the table stays small.
func (k *Keywords) classes(ignoreCase bool) {
	for _, w := range k.words {
		for i := range len(w) {
			c := w[i]
			if ignoreCase {
				c = lower(c)
			}
			if k.class[c] == 0 && k.width < 256 {
				k.class[c] = uint8(k.width)
				k.width++
			}
			if ignoreCase && 'a' <= c && c <= 'z' {
				k.class[c-'a'+'A'] = k.class[c]
			}
		}
	}
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c - 'A' + 'a'
	}
	return c
}

// trie enters the words, with -1 where a word would have to go on differently,
// and returns room for the failure links.
func (k *Keywords) trie() (fail []int32) {
	add := func() int32 {
		for range k.width {
			k.next = append(k.next, -1)
		}
		k.ends = append(k.ends, nil)
		return int32(len(k.ends) - 1)
	}
	add()
	for n, w := range k.words {
		if w == "" {
			continue
		}
		var s int32
		for i := range len(w) {
			at := int(s)*k.width + int(k.class[w[i]])
			if k.next[at] < 0 {
				k.next[at] = add()
			}
			s = k.next[at]
		}
		k.ends[s] = append(k.ends[s], int32(n))
	}
	return make([]int32, len(k.ends))
}

// close works out every step, breadth first: where no word goes on, the
// longest suffix that is still a prefix of one does.
func (k *Keywords) close(fail []int32) {
	queue := []int32{0}
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		for c := range k.width {
			at := int(s)*k.width + c
			onFail := int32(0)
			if s != 0 {
				onFail = k.next[int(fail[s])*k.width+c]
			}
			t := k.next[at]
			if t < 0 {
				k.next[at] = onFail
				continue
			}
			fail[t] = onFail
			k.ends[t] = append(k.ends[t], k.ends[onFail]...)
			queue = append(queue, t)
		}
	}
}

// A Finder is one search in one body.
type Finder struct {
	k     *Keywords
	state int32
	left  int
	found []bool
}

// Reset begins a new body.
func (f *Finder) Reset(k *Keywords) {
	f.k, f.state, f.left = k, 0, 0
	for _, w := range k.words {
		if w != "" {
			f.left++
		}
	}
	f.found = append(f.found[:0], make([]bool, len(k.words))...)
}

// Write searches on in p. It never fails.
func (f *Finder) Write(p []byte) (int, error) {
	if f.left == 0 {
		return len(p), nil
	}
	k, s := f.k, f.state
	for _, c := range p {
		s = k.next[int(s)*k.width+int(k.class[c])]
		if len(k.ends[s]) > 0 {
			f.mark(k.ends[s])
		}
	}
	f.state = s
	return len(p), nil
}

func (f *Finder) mark(words []int32) {
	for _, n := range words {
		if !f.found[n] {
			f.found[n] = true
			f.left--
		}
	}
}

// Found gives the words that were found, each once, in the order in which they
// were given.
func (f *Finder) Found() []string {
	var words []string
	for n, found := range f.found {
		if found {
			words = append(words, f.k.words[n])
		}
	}
	return words
}
