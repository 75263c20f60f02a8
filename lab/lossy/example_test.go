package lossy_test

import (
	"context"
	"fmt"
	"io"
	"math/big"
	"os"

	"holdfast/lab/lossy"
)

func Example() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	c := lossy.Default(42)
	c.TotalPackets, c.TerminationProb, c.StateDir = 100, 0, dir
	source, err := lossy.New(c)
	if err != nil {
		fmt.Println(err)
		return
	}
	good, damaged := 0, 0
	for {
		d, err := source.Receive(context.Background())
		if err == io.EOF {
			break
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		if d.Valid {
			good++
			continue
		}
		damaged++
		if err := source.RequestRetransmit(d.Sequence, 1); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(good, "packets,", damaged, "damaged")
	// Output: 99 packets, 2 damaged
}

func ExampleDemo() {
	if err := lossy.Demo(os.Stdout, big.NewInt(42), 100, ""); err != nil {
		fmt.Println(err)
	}
	// Output:
	// Total deliveries: 99
	// Received: 99 packets
	// Corrupted: 2
	// Unique sequences: 96
	// Duplicates: 3
	// Inversions: 35
}

func ExampleStream_Emit() {
	c := lossy.Default(42)
	c.TotalPackets = 2
	s, err := lossy.Generate(c)
	if err == nil {
		err = s.Emit(os.Stdout)
	}
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// {"priority": 1, "packet": {"sequence": 0, "timestamp": 1.113310681656804e-05, "payload": "7061636b65745f3030303030305f363730343837", "checksum": 2568824835}, "corrupted": false}
	// {"priority": 7, "packet": {"sequence": 1, "timestamp": 0.001027502931836912, "payload": "7061636b65745f3030303030315f373737353732", "checksum": 4111221238}, "corrupted": false}
}
