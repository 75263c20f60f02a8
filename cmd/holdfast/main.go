// Command holdfast keeps event streams correct when the network, the processes
// and the schedule are not, and proves it. Run "holdfast help".
package main

import (
	"os"

	"holdfast/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], cli.OS(os.Exit))) }
