package ingest_test

import (
	"context"
	"fmt"
	"strings"

	"holdfast/replay/ingest"
)

func ExampleOpenRows() {
	text := "Timestamp;symbol;price\r\n2025-07-14T09:15:00,005Z;TCS;1305.75\nsoon;TCS;1305.75\n"
	rows, err := ingest.OpenRows(context.Background(), "-", ingest.Options{
		Stdin: strings.NewReader(text),
		OnReject: func(r ingest.Reject) error {
			fmt.Printf("%s:%d: %s (%s)\n", r.File, r.Line, r.Reason, r.Hint)
			return nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer rows.Close()
	for {
		row, err := rows.Next()
		if err != nil {
			fmt.Println(err)
			break
		}
		fmt.Println(row.N, row.Symbol, row.Time, row.Price)
	}
	// Output:
	// 1 TCS 2025-07-14T09:15:00.005Z 1305.75
	// standard input:3: bad-time ("soon" is not a time such as 2025-07-14T09:15:00.005Z)
	// EOF
}

func ExampleScanner() {
	s := ingest.NewScanner(strings.NewReader("a,\"b\nc\"\rd,\"e\nf,g"), ',')
	for s.Scan() {
		fmt.Printf("line %d: %q %q\n", s.Line(), s.Fields(), s.Fault())
	}
	// Output:
	// line 1: ["a" "b\nc"] ""
	// line 3: [] "bad-text"
	// line 4: ["f" "g"] ""
}
