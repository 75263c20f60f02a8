package report

import (
	"strings"
	"testing"
	"unicode"
)

func TestNamesAreInertInMarkdown(t *testing.T) {
	for in, want := range map[string]string{
		"evt_0000412":            "evt_0000412",
		"worker-1":               "worker-1",
		"":                       "(empty)",
		"_x_":                    "`_x_`",
		"a__b":                   "`a__b`",
		"www.evil.example":       "`www.evil.example`",
		"</script><b>":           "`</script><b>`",
		"=CMD()":                 "`=CMD()`",
		"a|b":                    "`a\\u{7c}b`",
		"a\n# Title":             "`a\\n# Title`",
		"`code`":                 "`` `code` ``",
		"a``b":                   "```a``b```",
		"abc\u202edef\u2066":     "`abc\\u{202e}def\\u{2066}`",
		"\xff\x00\x1b[31m":       "`\\xff\\x00\\x1b[31m`",
		"[x](javascript:a)":      "`[x](javascript:a)`",
		"TCS 🚀":                  "`TCS 🚀`",
		strings.Repeat("x", 100): "`" + strings.Repeat("x", 64) + "…(100 bytes)`",
	} {
		if got := markdownName(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

// readCodeSpan undoes codeSpan as CommonMark 6.1 says.
func readCodeSpan(t *testing.T, s string) string {
	t.Helper()
	body := strings.TrimLeft(s, "`")
	fence := s[:len(s)-len(body)]
	end := -1
	for i := 0; i < len(body); {
		if body[i] != '`' {
			i++
			continue
		}
		run := len(body[i:]) - len(strings.TrimLeft(body[i:], "`"))
		if run == len(fence) {
			end = i
			break
		}
		i += run
	}
	if end != len(body)-len(fence) {
		t.Fatalf("the code span %q ends too early", s)
	}
	body = body[:end]
	if len(body) > 1 && body[0] == ' ' && body[len(body)-1] == ' ' && strings.Trim(body, " ") != "" {
		body = body[1 : len(body)-1]
	}
	return body
}

func FuzzMarkdownNames(f *testing.F) {
	for _, s := range []string{"", "TCS", "`", " ` ", "``a", "a|b", "\n", "\u202e", "<b>", "\\`", "  "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		got := markdownName(in)
		for _, r := range got {
			if r != ' ' && (!unicode.IsGraphic(r) || unicode.IsSpace(r)) {
				t.Fatalf("%q becomes %q, which holds %U", in, got, r)
			}
		}
		switch {
		case strings.Contains(got, "|"):
			t.Fatalf("%q becomes %q, which holds a pipe", in, got)
		case in == "":
		case got[0] == '`':
			if text := readCodeSpan(t, got); text != strings.ReplaceAll(visible(in), "|", `\u{7c}`) {
				t.Fatalf("%q becomes %q, which reads %q", in, got, text)
			}
		case got != in || strings.ContainsAny(in, "<>&*[]()!#`~\\\"'= \n"):
			t.Fatalf("%q becomes %q", in, got)
		}
	})
}

func TestGridLinesUp(t *testing.T) {
	g := newGrid("cause", ">count")
	g.add("short-lease", "1,200")
	g.add("`é`", "3")
	want := "" +
		"| cause       | count |\n" +
		"| ----------- | ----: |\n" +
		"| short-lease | 1,200 |\n" +
		"| `é`         |     3 |\n"
	if got := g.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
