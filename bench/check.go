package main

import (
	"bufio"
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"os"
	"strconv"
	"strings"
)

// digest is the result of a job, whatever the order of its lines and the
// spelling of its values: the number of lines, and the sum of their hashes.
type digest struct {
	lines int
	sum   uint64
}

var seed = maphash.MakeSeed()

func (d *digest) add(line string) {
	d.lines++
	d.sum += maphash.String(seed, line)
}

// readRows calls do with the fields of each line behind the header.
func readRows(path string, do func(fields []string)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Scan()
	for s.Scan() {
		do(strings.Split(s.Text(), ","))
	}
	return s.Err()
}

// expect is what a job must find, by a plain map.
func expect(j job, in string) (digest, error) {
	type group struct {
		count     int
		last      string
		low, high float64
	}
	groups := map[string]*group{}
	err := readRows(in, func(f []string) {
		key, price := f[0]+","+f[1], number(f[2])
		g := groups[key]
		if g == nil {
			g = &group{low: price, high: price}
			groups[key] = g
		}
		g.count++
		g.last = f[2]
		g.low, g.high = min(g.low, price), max(g.high, price)
	})
	var d digest
	for key, g := range groups {
		symbol, time, _ := strings.Cut(key, ",")
		switch {
		case j.kind == "last":
			d.add(normal(symbol, time, cents(g.last)))
		case g.count > 1:
			d.add(normal(symbol, time, strconv.Itoa(g.count), cents(fmt.Sprint(g.high-g.low))))
		}
	}
	return d, err
}

// digestOf is what a contestant found.
func digestOf(j job, out string) (d digest, err error) {
	bad := error(nil)
	err = readRows(out, func(f []string) {
		switch {
		case j.kind == "last" && len(f) == 3:
			d.add(normal(f[0], f[1], cents(f[2])))
		case j.kind == "count" && len(f) >= 4:
			d.add(normal(f[0], f[1], f[2], cents(f[3])))
		default:
			bad = fmt.Errorf("%s: a line of %d fields", out, len(f))
		}
	})
	return d, errors.Join(err, bad)
}

// normal spells a line in one way: some tools write 2025-07-14 09:15:00.005 for
// 2025-07-14T09:15:00.005000Z.
func normal(symbol, time string, rest ...string) string {
	time = strings.Replace(strings.TrimSuffix(time, "Z"), " ", "T", 1)
	if strings.Contains(time, ".") {
		time = strings.TrimRight(strings.TrimRight(time, "0"), ".")
	}
	return symbol + "," + time + "," + strings.Join(rest, ",")
}

// cents undoes binary fractions: all prices of the files are whole cents.
func cents(s string) string {
	return strconv.FormatInt(int64(math.Round(number(s)*100)), 10)
}

func number(s string) float64 {
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return math.NaN()
	}
	return x
}
