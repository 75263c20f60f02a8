package fetch

import (
	"net/url"
	"strings"
	"testing"
)

func TestRedactURL(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"http://a/b?x=1", "http://a/b?x=1"},
		{"http://user:hunter2@a/b", "http://REDACTED@a/b"},
		{"http://user@a/b", "http://REDACTED@a/b"},
		{"http://a/b@c?d=e@f", "http://a/b@c?d=e@f"},
		{"http://a/?token=abc&x=1", "http://a/?token=REDACTED&x=1"},
		{"http://a/?x=1&ToKen=abc#f", "http://a/?x=1&ToKen=REDACTED#f"},
		{"http://a/?X-Amz-Signature=ab&X-Goog-Date=1", "http://a/?X-Amz-Signature=REDACTED&X-Goog-Date=REDACTED"},
		{"http://a/?%74oken=abc", "http://a/?%74oken=REDACTED"},
		{"http://a/#access_token=abc", "http://a/#access_token=REDACTED"},
		{"http://a/?token=", "http://a/?token="},
		{"http://a/?token", "http://a/?token"},
		{"http://a/?tokens=1", "http://a/?tokens=1"},
		{"not a url", "not a url"},
	} {
		if got := RedactURL(c.in); got != c.want {
			t.Errorf("%s: %s, want %s", c.in, got, c.want)
		}
	}
}

func TestRedactText(t *testing.T) {
	raw := "http://u:hunter2@h/?token=abc"
	got := newRedactor(raw).text(`Get "http://u:***@h/?token=abc": dial tcp: refused by ` + raw)
	if strings.Contains(got, "abc") || strings.Contains(got, "hunter2") {
		t.Errorf("a secret is left in %s", got)
	}
}

// FuzzRedactURL: no secret survives, and what is shown is stable.
func FuzzRedactURL(f *testing.F) {
	for _, s := range []string{"http://u:hunter2@h/p?a=b&token=hunter2", "//u:hunter2@h?sig=hunter2", "x?;auth=hunter2;b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		shown := RedactURL(raw)
		if again := RedactURL(shown); again != shown {
			t.Fatalf("%q shows %q, that shows %q", raw, shown, again)
		}
		u, err := url.Parse(shown)
		if err != nil {
			return
		}
		if u.User != nil && u.User.String() != redacted {
			t.Fatalf("%q shows the user %q", raw, u.User)
		}
		for name, values := range u.Query() {
			for _, v := range values {
				if secretParameter(name) && v != "" && v != redacted {
					t.Fatalf("%q shows %s=%q", raw, name, v)
				}
			}
		}
	})
}
