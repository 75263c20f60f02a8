package tick_test

import (
	"fmt"

	"holdfast/replay/tick"
)

func Example() {
	a, _, _ := tick.ParseTime([]byte("2025-07-14T14:45:00.005000+05:30"), tick.Zone{})
	b, _, _ := tick.ParseTime([]byte("2025-07-14 09:15:00Z"), tick.Zone{})
	p, _ := tick.ParsePrice([]byte("1.30575e3"))
	fmt.Println(a, b < a, p)
	fmt.Printf("%s ms later\n", (a - b).AppendMillis(nil))
	// Output:
	// 2025-07-14T09:15:00.005Z true 1305.75
	// 5 ms later
}
