package cli

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"holdfast/engine/enginetest"
)

// checked are the tests, which leave nothing behind.
type checked struct{ m *testing.M }

func (c checked) Run() int { return enginetest.Main(c.m, "holdfast/internal/cli") }

func TestMain(m *testing.M) {
	testscript.Main(checked{m}, map[string]func(){
		"holdfast": func() { os.Exit(Main(os.Args[1:], OS(os.Exit))) },
	})
}

// TestScript runs every verb as a user would. `status N CMD...` expects an
// exit status.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
		Cmds:          map[string]func(*testscript.TestScript, bool, []string){"status": status, "count": count, "lab": lab, "engine": engineUp, "up": up},
	})
}
