package des_test

import (
	"fmt"
	"time"

	"holdfast/internal/des"
)

func ExampleQueue() {
	var q des.Queue[string]
	q.At(time.Second, "lease ends")
	q.At(0, "claim")
	for what, ok := q.Next(); ok; what, ok = q.Next() {
		fmt.Println(q.Now(), what)
		if what == "claim" {
			q.After(4*time.Millisecond, "commit")
		}
	}
	// Output:
	// 0s claim
	// 4ms commit
	// 1s lease ends
}
