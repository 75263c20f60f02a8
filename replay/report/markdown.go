package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text from an input file is hostile until shown otherwise: it may hold
// markup, line ends, pipes, backticks, or marks that turn the reading
// direction around. Documents take it through a voice, which makes it inert
// for one kind of document.
type voice struct {
	name  func(string) string // text of the input
	label func(string) string // a slug, flag or file name of ours
}

// plainVoice is for terminals and for pages that escape markup themselves.
var plainVoice = voice{name: visible, label: func(s string) string { return s }}

// markdownVoice is for Markdown files.
var markdownVoice = voice{name: markdownName, label: func(s string) string { return "`" + s + "`" }}

// shownRunes bounds what a document repeats of one input field, and shownLine
// a line that quotes some; the CSV files hold them whole.
const (
	shownRunes = 64
	shownLine  = 1000
)

// visible makes one line of s in which every rune can be seen: control and
// format characters, blanks other than the space and broken UTF-8 appear as
// escapes.
func visible(s string) string { return shown(s, shownRunes) }

// shown is visible for at most so many runes.
func shown(s string, most int) string {
	var b strings.Builder
	for i, r := range s {
		if most == 0 {
			fmt.Fprintf(&b, "…(%d bytes)", len(s))
			break
		}
		most--
		switch {
		case r == utf8.RuneError && strings.HasPrefix(s[i:], "\xef\xbf\xbd"):
			b.WriteRune(r)
		case r == utf8.RuneError:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == ' ' || unicode.IsGraphic(r) && !unicode.IsSpace(r):
			b.WriteRune(r)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u{%x}`, r)
		}
	}
	return b.String()
}

// markdownName leaves plain names as they are and puts everything else in a
// code span. A pipe becomes an escape there: in a table no spelling of it is
// safe with every reader, because a backslash may stand before it.
func markdownName(s string) string {
	if isPlainName(s) {
		return s
	}
	return codeSpan(strings.ReplaceAll(visible(s), "|", `\u{7c}`))
}

// markdownLine makes a line of our own that may quote the input inert: what
// Markdown could act on is escaped, what cannot be seen is shown.
func markdownLine(line string) string {
	var b strings.Builder
	before := ' '
	text := shown(line, shownLine)
	for i, r := range text {
		after, _ := utf8.DecodeRuneInString(text[i+1:])
		inWord := r == '_' && isWordRune(before) && isWordRune(after)
		if strings.ContainsRune("\\`*_{}[]<>#|~!&", r) && !inWord {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
		before = r
	}
	return b.String()
}

func isWordRune(r rune) bool { return r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r)) }

// isPlainName reports that s is letters and digits, single or parted by single
// dots, hyphens, underscores or colons: Markdown has no use for that.
func isPlainName(s string) bool {
	parted := true
	for i := range len(s) {
		c := s[i]
		switch {
		case '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z':
			parted = false
		case parted || strings.IndexByte("._-:", c) < 0:
			return false
		default:
			parted = true
		}
	}
	return !parted && len(s) <= shownRunes && !strings.HasPrefix(strings.ToLower(s), "www.")
}

// codeSpan makes a Markdown code span of s, with a fence that is longer than
// any run of backticks inside.
func codeSpan(s string) string {
	if s == "" {
		return "(empty)"
	}
	longest, run := 0, 0
	for i := range len(s) {
		if s[i] != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	fence, pad := strings.Repeat("`", longest+1), ""
	if edges := s[:1] + s[len(s)-1:]; strings.ContainsAny(edges, "` ") && strings.Trim(s, " ") != "" {
		pad = " " // the reader drops one blank on each side
	}
	return fence + pad + s + pad + fence
}

// grid is a Markdown table whose columns line up in the source too.
type grid struct {
	head  []string
	right []bool // figures stand to the right
	rows  [][]string
}

// newGrid takes the column heads; one that begins with > holds figures.
func newGrid(heads ...string) *grid {
	g := &grid{}
	for _, h := range heads {
		text, right := strings.CutPrefix(h, ">")
		g.head = append(g.head, text)
		g.right = append(g.right, right)
	}
	return g
}

// add takes a row. No cell may hold a pipe or a line end; names do not.
func (g *grid) add(cells ...string) { g.rows = append(g.rows, cells) }

func (g *grid) String() string {
	widths := make([]int, len(g.head))
	for i := range widths {
		widths[i] = max(3, utf8.RuneCountInString(g.head[i]))
		for _, r := range g.rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(r[i]))
		}
	}
	var b strings.Builder
	g.line(&b, g.head, widths)
	for i, w := range widths {
		rule := strings.Repeat("-", w)
		if g.right[i] {
			rule = rule[1:] + ":"
		}
		b.WriteString("| " + rule + " ")
	}
	b.WriteString("|\n")
	for _, r := range g.rows {
		g.line(&b, r, widths)
	}
	return b.String()
}

func (g *grid) line(b *strings.Builder, cells []string, widths []int) {
	for i, c := range cells {
		blank := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c))
		if g.right[i] {
			c, blank = blank, c
		}
		b.WriteString("| " + c + blank + " ")
	}
	b.WriteString("|\n")
}
