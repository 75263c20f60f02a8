package replay

import "fmt"

// Floor is what is asked of an answer to a preset: detection F1, linking
// accuracy and cause credit; 0 asks nothing.
type Floor struct {
	Detection, Linking, Cause float64
	// Decided asks that at least so many of the copies be claimed likely or
	// better, and DecidedAccuracy that so many of these be right.
	Decided, DecidedAccuracy float64
	// NoFindings asks that no duplicate be claimed at all.
	NoFindings bool
}

// Floors are the floors of R93 by preset.
func Floors() map[string]Floor {
	retry := Floor{Detection: .99, Linking: .99, Cause: .95}
	mixed := Floor{Detection: .98, Linking: .97, Cause: .85}
	return map[string]Floor{
		"dmr2025":        {Detection: 1, Linking: 1, Cause: 1},
		"zombie":         retry,
		"ack-lost":       retry,
		"lease-short":    retry,
		"replay-burst":   retry,
		"source-double":  {Detection: .95, Cause: .95},
		"skewed-clocks":  {Detection: .99, Linking: .99, Cause: .85},
		"dense-walk":     {Detection: .98, Linking: .90, Cause: .90, Decided: .80, DecidedAccuracy: .99},
		"mixed":          mixed,
		"hostile-format": mixed,
		"clean":          {NoFindings: true},
	}
}

// checkFloors holds a report against the floor of its preset. An undefined
// figure had nothing to be measured on and fails no floor.
func checkFloors(r Report) FloorsResult {
	result := FloorsResult{Failed: []string{}}
	floor, ok := Floors()[r.Preset]
	if !ok {
		return result
	}
	for _, f := range []struct {
		name  string
		value Ratio
		least float64
	}{
		{"detection f1", r.Detection.F1, floor.Detection},
		{"linking accuracy", r.Linking.Accuracy, floor.Linking},
		{"cause credit", r.Cause.Credit, floor.Cause},
		{"linking decided", r.Linking.Decided, floor.Decided},
		{"linking accuracy of the decided", r.Linking.DecidedAccuracy, floor.DecidedAccuracy},
	} {
		if f.value.Defined && f.value.Value < f.least {
			result.Failed = append(result.Failed, fmt.Sprintf("%s %s is below %.2f", f.name, f.value, f.least))
		}
	}
	if claimed := r.Detection.TP + r.Detection.FP; floor.NoFindings && claimed > 0 {
		result.Failed = append(result.Failed, fmt.Sprintf("%s claimed, none allowed", count(claimed, "duplicate")))
	}
	met := len(result.Failed) == 0
	result.Met = &met
	return result
}
