package relay

import (
	"os"
	"testing"

	"holdfast/internal/leak"
)

func TestMain(m *testing.M) { os.Exit(leak.Main(m, "holdfast/engine/relay")) }
