package match

import "math/bits"

// residuals is the model of R35: how likely a row of an event is so much later
// and so much dearer than the event. Time and price are independent histograms,
// mixed with an outlier component that is uniform over the band.
type residuals struct {
	time, price axis
	table       []cost // [time bin * price bins + price bin]
	uniform     cost   // -ln of the uniform density over the band
	outlier     cost   // the outlier component: its weight times the uniform density
}

// tally is what the model is learned from: weights of rows (fixed point) by
// bin, and the part of them that the outlier component explains.
type tally struct {
	time, price []uint64
	outliers    uint64
	total       uint64
}

// Weights of the outlier component: at first, and at least (R35).
const (
	firstOutliers = one / 100
	leastOutliers = one / 10_000
)

func newResiduals(b Band, unitT, unitP int64, bins int) residuals {
	r := residuals{
		time:  newAxis(-int64(b.Early), int64(b.Late), unitT, bins),
		price: newAxis(-int64(b.Price), int64(b.Price), unitP, bins),
	}
	r.uniform = ln(r.time.size()) + ln(r.price.size())
	r.outlier = r.uniform + lnRatio(one, firstOutliers)
	r.table = make([]cost, len(r.time.points)*len(r.price.points))
	for i := range r.table {
		r.table[i] = r.uniform
	}
	return r
}

// cell is the table index of a residual within the band.
func (r *residuals) cell(dt, dp int64) int {
	return r.time.bin(dt)*len(r.price.points) + r.price.bin(dp)
}

func (r *residuals) newTally() tally {
	return tally{time: make([]uint64, len(r.time.points)), price: make([]uint64, len(r.price.points))}
}

// add counts weight w of a row at a cell.
func (r *residuals) add(t *tally, cell int, w uint64) {
	n := len(r.price.points)
	t.time[cell/n] += w
	t.price[cell%n] += w
	t.total += w
	t.outliers += scaled(w, weight(r.outlier-r.table[cell]))
}

// fit takes over what the tally says and reports whether any cost changed.
func (r *residuals) fit(t tally) bool {
	out := uint64(firstOutliers)
	if t.total > 0 {
		out = portion(t.outliers, t.total)
	}
	out = min(max(out, leastOutliers), one/2)
	r.outlier = r.uniform + lnRatio(one, out)
	inlier := lnRatio(one, one-out)
	times, prices := costsOf(t.time, r.time.points), costsOf(t.price, r.price.points)
	changed := false
	for i, ct := range times {
		for j, cp := range prices {
			c := either(inlier+ct+cp, r.outlier)
			cell := i*len(prices) + j
			changed = changed || c != r.table[cell]
			r.table[cell] = c
		}
	}
	return changed
}

// costsOf is -ln of each bin's density, a half added to every count (which
// counts double here) of a bin that holds any multiple.
func costsOf(counts, points []uint64) []cost {
	total := uint64(0)
	for i, n := range counts {
		if points[i] > 0 {
			total += 2*n + one
		}
	}
	cs := make([]cost, len(counts))
	for i, n := range counts {
		if cs[i] = far; points[i] > 0 {
			cs[i] = lnRatio(total, 2*n+one) + ln(points[i])
		}
	}
	return cs
}

// either is the cost of two ways in which a thing can come about.
func either(a, b cost) cost {
	if a > b {
		a, b = b, a
	}
	return a - lnRatio(one+weight(b-a), one)
}

// scaled is w times a weight of at most one.
func scaled(w, by uint64) uint64 {
	hi, lo := bits.Mul64(w, by)
	return hi<<32 | lo>>32
}

// portion is part/whole as a weight, for part <= whole and whole > 0.
func portion(part, whole uint64) uint64 {
	q, _ := bits.Div64(part>>32, part<<32, whole)
	return q
}
