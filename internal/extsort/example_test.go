package extsort_test

import (
	"fmt"

	"holdfast/internal/extsort"
)

func Example() {
	s := extsort.New(extsort.Config{Memory: 1 << 20})
	defer s.Close()
	for i, symbol := range []string{"TCS", "INFY", "TCS", "ITC"} {
		key := extsort.AppendInt64(extsort.AppendString(nil, symbol), int64(-i))
		if err := s.Add(key, fmt.Appendf(nil, "row %d", i)); err != nil {
			fmt.Println(err)
			return
		}
	}
	sorted, err := s.Sort()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sorted.Close()
	for key, value := range sorted.All(&err) {
		symbol, _ := extsort.ReadString(key)
		fmt.Printf("%s %s\n", symbol, value)
	}
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// INFY row 1
	// ITC row 3
	// TCS row 2
	// TCS row 0
}
