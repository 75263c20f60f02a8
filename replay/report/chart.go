package report

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"slices"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"holdfast/replay/tick"
)

// A chart is a Gantt chart as a picture: workers from top to bottom, time from
// left to right, drawn with the standard library and one font.
type chart struct {
	img      *image.RGBA
	face     font.Face
	from, to int64 // ns since Page.Base
	base     tick.Nanos
}

const (
	chartWidth = 1200
	chartLeft  = 120 // names of workers
	chartTop   = 46  // title and times
	laneHeight = 18
)

var (
	white     = color.RGBA{255, 255, 255, 255}
	ink       = color.RGBA{23, 32, 43, 255}
	softInk   = color.RGBA{86, 98, 116, 255}
	gridInk   = color.RGBA{222, 228, 235, 255}
	successes = color.RGBA{91, 143, 199, 255}
	timeouts  = color.RGBA{224, 160, 48, 255}
	failures  = color.RGBA{200, 85, 61, 255}
	unknowns  = color.RGBA{152, 162, 174, 255}
	doubled   = color.RGBA{123, 45, 139, 255}
	crashes   = color.RGBA{163, 52, 31, 255}
)

var statusColors = [...]color.RGBA{successes, timeouts, failures, unknowns}

func newChart(p *Page, height int, from, to int64, title string) (*chart, error) {
	f, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return nil, err
	}
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: 13, DPI: 72})
	if err != nil {
		return nil, err
	}
	base, _, err := tick.ParseTime([]byte(p.Base), tick.Zone{})
	if err != nil {
		return nil, err
	}
	c := &chart{img: image.NewRGBA(image.Rect(0, 0, chartWidth, height)), face: face, from: from, to: max(to, from+1), base: base}
	draw.Draw(c.img, c.img.Bounds(), image.NewUniform(white), image.Point{}, draw.Src)
	c.text(8, 17, title, ink)
	c.axis(height)
	return c, nil
}

func (c *chart) x(at int64) int {
	return chartLeft + int(float64(chartWidth-chartLeft-8)*float64(at-c.from)/float64(c.to-c.from))
}

func (c *chart) fill(x0, y0, x1, y1 int, col color.Color) {
	r := image.Rect(max(x0, chartLeft), y0, min(x1, chartWidth), y1)
	draw.Draw(c.img, r, image.NewUniform(col), image.Point{}, draw.Src)
}

func (c *chart) box(x0, y0, x1, y1 int, col color.Color) {
	c.fill(x0, y0, x1, y0+2, col)
	c.fill(x0, y1-2, x1, y1, col)
	c.fill(x0, y0, x0+2, y1, col)
	c.fill(x1-2, y0, x1, y1, col)
}

func (c *chart) text(x, y int, s string, col color.Color) {
	d := font.Drawer{Dst: c.img, Src: image.NewUniform(col), Face: c.face, Dot: fixed.P(x, y)}
	d.DrawString(ValidText(s))
}

// axis draws times at round steps.
func (c *chart) axis(height int) {
	step := roundStep(float64(c.to-c.from) / 8)
	first := (int64(c.base) + c.from + step - 1) / step * step
	for at := first - int64(c.base); at <= c.to; at += step {
		x := c.x(at)
		c.fill(x, chartTop-8, x+1, height, gridInk)
		c.text(min(x, chartWidth-90), chartTop-14, clockAt(c.base+tick.Nanos(at), step), softInk)
	}
}

// clockAt spells a time as finely as the steps of an axis need.
func clockAt(at tick.Nanos, step int64) string {
	if step >= int64(second) {
		return clock(at)[:8]
	}
	return clock(at)
}

// roundStep is the least of 1, 2, 5 times a power of ten (of seconds also 15,
// 30, 60, …) that is not less than ns.
func roundStep(ns float64) int64 {
	for _, s := range []float64{1e9, 2e9, 5e9, 10e9, 15e9, 30e9, 60e9, 120e9, 300e9, 600e9, 1800e9, 3600e9, 7200e9, 21600e9, 86400e9} {
		if ns > 5e8 && s >= ns {
			return int64(s)
		}
	}
	p := math.Pow(10, math.Floor(math.Log10(max(ns, 1))))
	for _, m := range []float64{1, 2, 5, 10} {
		if m*p >= ns {
			return int64(m * p)
		}
	}
	return int64(10 * p)
}

// The markers: ▲ a retry, ✖ an attempt without end, ◆ an overlap.

func (c *chart) triangle(x, y int) {
	for i := range 8 {
		c.fill(x-i/2, y+i, x+i/2+1, y+i+1, ink)
	}
}

func (c *chart) diamond(x, y int) {
	for i := -4; i <= 4; i++ {
		w := 4 - max(i, -i)
		c.fill(x-w, y+4+i, x+w+1, y+5+i, ink)
	}
}

func (c *chart) cross(x, y int) {
	for i := range 9 {
		c.fill(x+i-4, y+i, x+i-2, y+i+2, crashes)
		c.fill(x+4-i, y+i, x+6-i, y+i+2, crashes)
	}
}

func (c *chart) png() ([]byte, error) {
	var b bytes.Buffer
	e := png.Encoder{CompressionLevel: png.BestCompression}
	err := e.Encode(&b, c.img)
	return b.Bytes(), err
}

// overviewChart shows the whole run: for each worker how many attempts began
// when, and where the duplicates are.
func overviewChart(p *Page) ([]byte, error) {
	const rowHeight = 64
	c, err := newChart(p, chartTop+len(p.Workers)*rowHeight+10, 0, p.SpanNS, "The whole run: attempts begun, by worker; below, events written more than once")
	if err != nil {
		return nil, err
	}
	for w := range p.Workers {
		c.density(p, w, chartTop+w*rowHeight, rowHeight-22)
	}
	return c.png()
}

// density draws one worker's attempts over time, and its duplicates below.
func (c *chart) density(p *Page, w, top, height int) {
	c.fill(chartLeft, top-1, chartWidth, top, gridInk)
	c.text(8, top+height/2+6, clipText(p.Workers[w].Name, 16), ink)
	most := int64(1)
	columns := make([]int64, chartWidth+1)
	for bin, n := range p.Density.Starts[w] {
		if at := int64(bin) * p.Density.WidthNS; n > 0 && at >= c.from && at <= c.to {
			columns[c.x(at)] += n
		}
	}
	for _, n := range columns {
		most = max(most, n)
	}
	for x, n := range columns {
		if n > 0 {
			h := max(1, int(int64(height)*n/most))
			c.fill(x, top+height-h, x+1, top+height, successes)
		}
	}
	for bin, n := range p.Density.Marked[w] {
		if at := int64(bin) * p.Density.WidthNS; n > 0 && at >= c.from && at <= c.to {
			x := c.x(at)
			c.fill(x-1, top+height+2, x+2, top+height+14, doubled)
		}
	}
}

// workerChart shows one worker's lanes over the whole run, with a marker for
// every retry, overlap and crash that is drawn exactly.
func workerChart(p *Page, w int) ([]byte, error) {
	const height = 90
	c, err := newChart(p, chartTop+height+70, 0, p.SpanNS, p.Workers[w].Name+": attempts begun, and below them retries, overlaps and attempts without end")
	if err != nil {
		return nil, err
	}
	c.density(p, w, chartTop, height)
	row := chartTop + height + 20
	for i, label := range []string{"retries", "overlaps", "no end"} {
		c.text(20, row+i*15+9, label, softInk)
	}
	at := int64(0)
	for i := range p.Bars.Start {
		at += p.Bars.Start[i]
		if p.Bars.Worker[i] != w {
			continue
		}
		x := c.x(at)
		if p.Bars.Flags[i]&flagRetry != 0 {
			c.triangle(x, row)
		}
		if p.Bars.Flags[i]&flagOverlap != 0 {
			c.diamond(x, row+15)
		}
		if p.Bars.Flags[i]&flagCrash != 0 {
			c.cross(x, row+30)
		}
	}
	return c.png()
}

// storyChart is a close-up of one duplicate: its attempts, framed, among what
// its workers did at the time.
func storyChart(p *Page, s *pageStory) ([]byte, error) {
	pad := max((s.To-s.From)*6/10, int64(4*millisecond))
	from, to := s.From-pad, s.To+pad
	rows := map[[2]int]int{} // worker and lane: its row
	var order [][2]int
	eachBar(p, from, to, func(i int, _ int64) {
		k := [2]int{p.Bars.Worker[i], p.Bars.Lane[i]}
		if _, ok := rows[k]; !ok {
			rows[k] = 0
			order = append(order, k)
		}
	})
	sortLanes(order)
	if len(order) > mostLanes {
		order = order[:mostLanes]
	}
	for i, k := range order {
		rows[k] = i + 1
	}
	title := s.Cause + ": " + s.Event + ", row " + number(s.Row) + " copies row " + number(s.Canonical)
	c, err := newChart(p, chartTop+max(len(order), 1)*laneHeight+12, from, to, title)
	if err != nil {
		return nil, err
	}
	last := -1
	for i, k := range order {
		y := chartTop + i*laneHeight
		if k[0] != last {
			c.fill(0, y-1, chartWidth, y, gridInk)
			c.text(8, y+13, clipText(p.Workers[k[0]].Name, 16), ink)
			last = k[0]
		}
	}
	eachBar(p, from, to, func(i int, at int64) {
		if row := rows[[2]int{p.Bars.Worker[i], p.Bars.Lane[i]}]; row > 0 {
			c.attempt(p, i, at, chartTop+(row-1)*laneHeight, p.Bars.Event[i] == s.Event)
		}
	})
	return c.png()
}

// mostLanes bounds the height of a close-up.
const mostLanes = 40

func (c *chart) attempt(p *Page, i int, at int64, y int, own bool) {
	x0, length := c.x(at), p.Bars.Length[i]
	x1 := max(c.x(at+max(length, 0)), x0+2)
	if length < 0 {
		x1 = x0 + 14
	}
	y0, y1 := y+2, y+laneHeight-3
	c.fill(x0, y0, x1, y1, statusColors[p.Bars.Status[i]])
	if own {
		c.box(x0-1, y0-1, x1+1, y1+1, doubled)
	}
	switch f := p.Bars.Flags[i]; {
	case f&flagCrash != 0:
		c.cross(x0+8, y0+2)
	case f&flagRetry != 0:
		c.triangle(x0+6, y0+3)
	case f&flagOverlap != 0:
		c.diamond(x0+6, y0+2)
	}
}

// eachBar visits the exact bars that reach into a stretch of time.
func eachBar(p *Page, from, to int64, visit func(i int, at int64)) {
	at := int64(0)
	for i := range p.Bars.Start {
		at += p.Bars.Start[i]
		if at <= to && at+max(p.Bars.Length[i], 0) >= from {
			visit(i, at)
		}
	}
}

func clipText(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}

// sortLanes orders by worker, then lane.
func sortLanes(list [][2]int) {
	slices.SortFunc(list, func(a, b [2]int) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
}
