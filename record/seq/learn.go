package seq

import "time"

// Bounds and first values of the two limbs that tell lost from late (G2).
const (
	minD, maxD    = 3, 1 << 16
	minT, maxT    = time.Millisecond, 100 * time.Millisecond
	firstT        = 10 * time.Millisecond
	halvingPeriod = 1 << 16 // packets after which the largest extent counts half
)

// learn takes the lesson of an original that came late: packets may be that
// late, and if it was asked for by then, the limb D was too short (G8).
func (k *core) learn(a acceptance) {
	extent := max(k.policy.Extent, a.extent)
	if a.asked {
		extent = max(k.policy.Extent+1, a.extent)
	}
	k.policy.Extent = min(extent, maxD)
	k.policy.Delay = min(max(k.policy.Delay, a.delay), maxT)
}

// countLimb is D: a sequence that so many passed is taken for lost (G2, Q4).
func (k *core) countLimb() uint64 {
	if k.c.Source.Definitive {
		return max(1, k.c.Window)
	}
	floor := uint64(minD)
	if k.c.Window > 0 {
		floor = min(k.c.Window, maxD)
	}
	return min(max(k.policy.Extent+1, floor), maxD)
}

// timeLimb is T: a sequence missed for so long is taken for lost (G2).
func (k *core) timeLimb() time.Duration {
	if k.policy.Delay == 0 {
		return firstT
	}
	return min(max(k.policy.Delay+k.policy.Delay/4, minT), maxT)
}

// corruptLimb is what D is for a sequence of which a damaged copy came (G3).
func (k *core) corruptLimb() uint64 {
	switch g := k.c.CorruptGrace; {
	case g > 0:
		return uint64(g)
	case g < 0:
		return 0
	}
	return max(1, k.countLimb()/2)
}
