package dedupe

import (
	"bytes"
	"fmt"
	"math/big"
	"sort"
	"strings"
	"unicode/utf8"

	"holdfast/replay/tick"
)

// twin is ByKey written the obvious way: everything in memory, byte by byte,
// a map from keys to rows.
type twin struct {
	out     strings.Builder
	removed strings.Builder
	result  Result
}

type twinRecord struct {
	raw    string
	fields []string
	spans  [][2]int
	line   int
	ended  bool
}

// twinRecords splits text at LF, CRLF and CR outside of quoted fields.
func twinRecords(text string, delimiter byte) (records []twinRecord) {
	line := 1
	for i := 0; i < len(text); {
		r := twinRecord{line: line}
		start, field, begin := i, []byte{}, i
		inQuotes, atStart := false, true
		end := func() {
			r.fields = append(r.fields, string(field))
			r.spans = append(r.spans, [2]int{begin - start, i - start})
		}
		for ; ; i++ {
			if i == len(text) {
				end()
				break
			}
			c := text[i]
			if inQuotes {
				if c == '"' && i+1 < len(text) && text[i+1] == '"' {
					field = append(field, '"')
					i++
				} else if c == '"' {
					inQuotes = false
				} else {
					if c == '\n' || c == '\r' && !(i+1 < len(text) && text[i+1] == '\n') {
						line++
					}
					field = append(field, c)
				}
				continue
			}
			if c == '"' && atStart {
				inQuotes, atStart = true, false
				continue
			}
			atStart = false
			if c == delimiter {
				end()
				field, begin, atStart = nil, i+1, true
				continue
			}
			if c == '\n' || c == '\r' {
				end()
				r.raw, r.ended = text[start:i], true
				if c == '\r' && i+1 < len(text) && text[i+1] == '\n' {
					i++
				}
				i++
				line++
				break
			}
			field = append(field, c)
		}
		if !r.ended {
			r.raw = text[start:i]
		}
		records = append(records, r)
	}
	return records
}

type twinRow struct {
	n      int
	record twinRecord
	key    string
	price  tick.Price
	reason string
}

func runTwin(data []byte, key []string, keep string) *twin {
	t := &twin{}
	text := string(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
	records := twinRecords(text, ',')
	blank := func(r twinRecord) bool { return strings.Trim(r.raw, " \t") == "" }
	for len(records) > 0 && (blank(records[0]) || records[0].raw[0] == '#') {
		records = records[1:]
	}
	if len(records) == 0 {
		t.out.WriteString("symbol,timestamp,price\n")
		t.removed.WriteString(removedHeader)
		return t
	}
	header := records[0]
	column := map[string]int{}
	for i, name := range header.fields {
		column[strings.ToLower(strings.TrimSpace(name))] = i
	}
	var rows []*twinRow
	for _, r := range records[1:] {
		if blank(r) || strings.HasPrefix(r.raw, "#") && len(r.fields) != len(header.fields) {
			continue
		}
		row := &twinRow{n: len(rows) + 1, record: r}
		row.read(column, key, len(header.fields))
		if row.reason != "" && !r.ended {
			row.reason = "truncated-tail"
		}
		rows = append(rows, row)
	}
	t.decide(rows, keep, header.raw, column["price"])
	return t
}

func (row *twinRow) read(column map[string]int, key []string, width int) {
	r := row.record
	if len(r.fields) != width {
		row.reason = "field-count"
		return
	}
	for _, c := range append([]string{"symbol", "timestamp", "price"}, key...) {
		if f := r.fields[column[c]]; strings.Contains(f, "\x00") || !utf8.ValidString(f) {
			row.reason = "bad-text"
			return
		}
	}
	trim := func(c string) string { return strings.Trim(r.fields[column[c]], " \t\n\v\f\r") }
	for _, c := range []string{"symbol", "timestamp"} {
		switch strings.ToLower(trim(c)) {
		case "", "null", "none", "nan", "nat", "n/a", "na", `\n`, "-":
			row.reason = "missing-field"
			return
		}
	}
	at, _, err := tick.ParseTime([]byte(trim("timestamp")), tick.Zone{})
	if err != nil {
		row.reason = "bad-time"
		return
	}
	if row.price, err = tick.ParsePrice([]byte(trim("price"))); err != nil {
		row.reason = "bad-price"
		return
	}
	for _, c := range key {
		switch c {
		case "timestamp":
			row.key += fmt.Sprintf("%d|", at)
		case "price":
			row.key += fmt.Sprintf("%d|", row.price)
		default:
			row.key += fmt.Sprintf("%q|", r.fields[column[c]])
		}
	}
}

func (t *twin) decide(rows []*twinRow, keep, header string, priceColumn int) {
	groups := map[string][]*twinRow{}
	for _, r := range rows {
		if r.reason == "" {
			groups[r.key] = append(groups[r.key], r)
		}
	}
	for _, g := range groups {
		if len(g) > 1 {
			t.result.Groups++
		}
	}
	t.out.WriteString(header + "\n")
	t.removed.WriteString(removedHeader)
	for _, r := range rows {
		t.result.RowsIn++
		if r.reason != "" {
			t.result.Rejected++
			fmt.Fprintf(&t.removed, "%d,%d,rejected,%s,,,,%s\n", r.n, r.record.line, r.reason, appendField(nil, r.record.raw, false))
			continue
		}
		kept, mean := twinKeep(groups[r.key], keep)
		if kept != r {
			t.result.Removed++
			fmt.Fprintf(&t.removed, "%d,%d,removed,duplicate-key,%d,,,%s\n", r.n, r.record.line, kept.n, appendField(nil, r.record.raw, false))
			continue
		}
		t.result.Kept++
		raw := r.record.raw
		if mean != r.price {
			t.result.Rewritten++
			span := r.record.spans[priceColumn]
			raw = raw[:span[0]] + mean.String() + raw[span[1]:]
		}
		t.out.WriteString(raw + "\n")
	}
}

func twinKeep(g []*twinRow, keep string) (*twinRow, tick.Price) {
	byPrice := append([]*twinRow(nil), g...)
	sort.SliceStable(byPrice, func(i, j int) bool { return byPrice[i].price < byPrice[j].price })
	kept := g[len(g)-1]
	switch keep {
	case keepFirst:
		kept = g[0]
	case keepMedian:
		kept = byPrice[(len(g)-1)/2]
	case keepHighest:
		kept = byPrice[len(g)-1]
	case keepLowest:
		for _, r := range g {
			if r.price == byPrice[0].price {
				kept = r
			}
		}
	case keepMean:
		return kept, twinMean(g)
	}
	return kept, kept.price
}

// twinMean rounds with rational numbers and decimal text.
func twinMean(g []*twinRow) tick.Price {
	sum, places := new(big.Rat), 0
	for _, r := range g {
		sum.Add(sum, big.NewRat(int64(r.price), tick.Scale))
		if _, fraction, ok := strings.Cut(r.price.String(), "."); ok {
			places = max(places, len(fraction))
		}
	}
	mean := sum.Quo(sum, big.NewRat(int64(len(g)), 1))
	places = min(places+2, 9)
	scaled := new(big.Rat).Mul(mean, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(places)), nil)))
	floor := new(big.Int).Div(scaled.Num(), scaled.Denom())
	rest := new(big.Rat).Sub(scaled, new(big.Rat).SetInt(floor))
	if c := rest.Cmp(big.NewRat(1, 2)); c > 0 || c == 0 && floor.Bit(0) == 1 {
		floor.Add(floor, big.NewInt(1))
	}
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(9-places)), nil)
	return tick.Price(floor.Mul(floor, unit).Int64())
}
