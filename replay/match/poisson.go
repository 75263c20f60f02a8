package match

import "math"

// unlikely reports whether a Poisson variable with mean lambda reaches g with a
// probability below level.
func unlikely(g int64, lambda, level float64) bool {
	k := float64(g)
	if k <= lambda {
		return false // the median is at most a third above the mean
	}
	logGamma, _ := math.Lgamma(k + 1)
	term := math.Exp(float64(k*math.Log(lambda)) - lambda - logGamma) // P(X = g)
	sum := 0.0
	for term > float64(level*1e-9) {
		sum += term
		if sum >= level {
			return false
		}
		k++
		term = float64(term * float64(lambda/k))
	}
	return sum < level
}
