package main

import (
	"bufio"
	"os"
	"strconv"
	"time"
)

// The shape of the preset dmr2025: an event every 5 ms, its symbol and price
// uniform, and after one event in 280 a copy on the next line, 1 to 10 ms
// later and up to 0.50 off. Two rows share a key only where a copy falls on a
// later event of its symbol: about 8 in 70,000.
const (
	eventStep  = 5 * time.Millisecond
	copyEvery  = 280
	copyLatest = 10
	copyCents  = 50
)

var symbols = []string{"TCS", "INFY", "RELIANCE", "HDFCBANK", "ICICIBANK", "SBIN", "ITC"}

// generate writes an output file of exactly the given number of rows; equal
// arguments give equal bytes.
func generate(path string, rows int) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	w := bufio.NewWriterSize(f, 1<<20)
	w.WriteString("symbol,timestamp,price\n")
	r := splitMix(1)
	now := time.Date(2025, 7, 14, 9, 15, 0, 0, time.UTC)
	var line []byte
	for n := 0; n < rows; now = now.Add(eventStep) {
		symbol := symbols[r.below(uint64(len(symbols)))]
		cents := 100_000 + int64(r.below(200_001))
		line = appendRow(line[:0], symbol, now, cents)
		n++
		if r.below(copyEvery) == 0 && n < rows {
			late := time.Duration(1+r.below(copyLatest)) * time.Millisecond
			off := int64(r.below(2*copyCents+1)) - copyCents
			line = appendRow(line, symbol, now.Add(late), cents+off)
			n++
		}
		w.Write(line)
	}
	return w.Flush()
}

// appendRow spells a row as the lab does: six digits of fraction, none for a
// whole second; the shortest price with at least one decimal.
func appendRow(b []byte, symbol string, t time.Time, cents int64) []byte {
	b = append(append(b, symbol...), ',')
	layout := "2006-01-02T15:04:05.000000Z"
	if t.Nanosecond() == 0 {
		layout = "2006-01-02T15:04:05Z"
	}
	b = append(t.AppendFormat(b, layout), ',')
	b = append(strconv.AppendInt(b, cents/100, 10), '.', byte('0'+cents/10%10))
	if cents%10 != 0 {
		b = append(b, byte('0'+cents%10))
	}
	return append(b, '\n')
}

// splitMix is the generator SplitMix64.
type splitMix uint64

func (s *splitMix) below(n uint64) uint64 {
	*s += 0x9e3779b97f4a7c15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return (z ^ z>>31) % n
}
