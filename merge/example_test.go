package merge_test

import (
	"fmt"
	"strings"

	"holdfast/merge"
)

// Two workers of twenty values each, and what they told each other.
func Example() {
	var a, b []int32
	for i := range int32(20) {
		a = append(a, 1000*i*i)
		b = append(b, 1000*i*i+7)
	}
	pair, err := merge.NewMemory(merge.Config{}, a, b)
	if err != nil {
		fmt.Println(err)
		return
	}
	result, err := pair.Run(merge.Alternate(), 100_000)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.Join(strings.Fields(string(pair.Output))[:6], " "), "...")
	fmt.Printf("%d steps, %d messages (bound %d), balance %v\n", result.TotalSteps, result.Messages, merge.BoundMessages(a, b, merge.Words), result.Balance)
	for _, lines := range merge.Explain(merge.Log{From: "A", Messages: pair.Workers[0].Sent}, merge.Log{From: "B", Messages: pair.Workers[1].Sent}) {
		fmt.Println(strings.Join(lines, "\n"))
	}
	// Output:
	// 0 7 1000 1007 4000 4007 ...
	// 5 steps, 3 messages (bound 1), balance 1
	// A SKTCH: 20 values in 0..361000, ship cost 2, gaps 256000-289000, 289000-324000, 324000-361000
	// B DATA: words 1 to 10 of 14; 20 values, counted, 28 comparisons, the other writes from byte 0 on, up to 7 above the other's greatest
	// B DATA: words 11 to 14 of 14; 7, 1007, 4007, 9007, 16007, 25007, ..., 196007, 225007, 256007, 289007, 324007, 361007
}

// A shell's loop: deliver what has come, perform what is to be done.
func ExampleCore() {
	core, err := merge.NewCore(merge.Config{ID: 1, Data: []int32{30, 10}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fromA := merge.Message{Type: merge.TypeSketch, Values: []int32{281018368}} // A has no values
	if err := core.Deliver(fromA); err != nil {
		fmt.Println(err)
		return
	}
	for {
		e := core.Next(1 << 20)
		for _, span := range e.Output {
			fmt.Printf("write at byte %d: %q\n", span.Off, core.Render(nil, span))
		}
		if e.Send != nil {
			fmt.Println("send", e.Send.Type)
		}
		if e.Done || !e.Progress {
			fmt.Println("done:", e.Done, core.Snapshot().Stats)
			return
		}
	}
	// Output:
	// write at byte 0: "10\n30\n"
	// done: true {0 0 1 2}
}
