package relay

import (
	"os"
	"testing"

	"holdfast/engine/enginetest"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m, "holdfast/engine/relay")) }
