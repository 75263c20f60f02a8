package ingest

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// names gives equal texts one string, so that a name that stands in every
// record is held once. It remembers up to maxNames of them.
type names struct {
	known map[string]string // as spelled -> as used
	size  int
}

// get returns b as a string.
func (n *names) get(b []byte) string {
	if s, ok := n.known[string(b)]; ok {
		return s
	}
	return n.add(b, string(b))
}

// folded returns b as FoldSymbol has it.
func (n *names) folded(b []byte) string {
	if s, ok := n.known[string(b)]; ok {
		return s
	}
	return n.add(b, FoldSymbol(b))
}

func (n *names) add(b []byte, used string) string {
	if len(n.known) < maxNames && n.size+len(b) <= maxNameBytes {
		if n.known == nil {
			n.known = map[string]string{}
		}
		n.known[string(b)] = used
		n.size += len(b)
	}
	return used
}

// sorted returns the names as used, each once.
func (n *names) sorted() []string {
	return slices.Compact(slices.Sorted(maps.Values(n.known)))
}

// FoldSymbol is the symbol that stands for all that differ from b in case or
// outer spaces only: each letter is the first of those that Unicode's simple
// case folding holds equal, which of ASCII letters is the capital one.
func FoldSymbol(b []byte) string {
	return string(bytes.Map(func(r rune) rune {
		first := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			first = min(first, next)
		}
		return first
	}, Trim(b)))
}

// NearSymbols returns a warning for each set of symbols that differ in case or
// outer spaces only and that no single file has all of (those are among the
// file's own Warnings).
func NearSymbols(files ...Stats) []string {
	var all []string
	own := map[string]bool{}
	for _, f := range files {
		all = append(all, f.Symbols...)
		for _, w := range nearSymbols(f.Symbols) {
			own[w] = true
		}
	}
	slices.Sort(all)
	return slices.DeleteFunc(nearSymbols(slices.Compact(all)), func(w string) bool { return own[w] })
}

// nearSymbols returns a warning for each set of the sorted symbols that differ
// in case or outer spaces only, ten at most and then how many more (R11).
func nearSymbols(sorted []string) []string {
	spellings := map[string][]string{}
	for _, s := range sorted {
		key := FoldSymbol([]byte(s))
		spellings[key] = append(spellings[key], s)
	}
	maps.DeleteFunc(spellings, func(_ string, s []string) bool { return len(s) < 2 })
	var warnings []string
	for _, key := range slices.Sorted(maps.Keys(spellings)) {
		if len(warnings) == 10 {
			warnings = append(warnings, fmt.Sprintf("near-symbols: %d more sets", len(spellings)-10))
			break
		}
		var list strings.Builder
		for i, s := range spellings[key][:min(len(spellings[key]), 5)] {
			if i > 0 {
				list.WriteString(", ")
			}
			list.WriteString(clip([]byte(s)))
		}
		warnings = append(warnings, fmt.Sprintf("near-symbols: %s differ only in case or outer spaces: --fold-case makes them one", &list))
	}
	return warnings
}

// spellings counts distinct texts.
type spellings struct{ n map[string]*int64 }

func (s *spellings) count(b []byte) {
	if n := s.n[string(b)]; n != nil {
		*n++
		return
	}
	if s.n == nil {
		s.n = map[string]*int64{}
	}
	key := others
	if len(s.n) < maxSpellings && len(b) <= keptRaw && utf8.Valid(b) {
		key = string(b)
	}
	n := s.n[key]
	if n == nil {
		n = new(int64)
		s.n[key] = n
	}
	*n++
}

func (s *spellings) counts() map[string]int64 {
	m := make(map[string]int64, len(s.n))
	for text, n := range s.n {
		m[text] = *n
	}
	return m
}
