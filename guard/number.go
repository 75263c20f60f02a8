package guard

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

var errExponent = errors.New("its exponent is out of range")

// decimal gives the one spelling of a JSON number's value: sign, digits
// without zeros at either end, e, exponent of the last digit. 1, 1.0 and 10e-1
// are 1e0; 0 and -0 are 0. No float: 0.1 and 0.10000000000000001 differ.
func decimal(text string) (string, error) {
	sign := ""
	if rest, ok := strings.CutPrefix(text, "-"); ok {
		sign, text = "-", rest
	}
	mantissa, exponent := text, int64(0)
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		mantissa = text[:i]
		var err error
		if exponent, err = strconv.ParseInt(text[i+1:], 10, 64); err != nil {
			if strings.Trim(mantissa, "0.") == "" {
				return "0", nil
			}
			return "", errExponent
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	short := strings.TrimRight(digits, "0")
	if short == "" {
		return "0", nil
	}
	shift := int64(len(digits)-len(short)) - int64(len(fraction))
	if shift > 0 && exponent > math.MaxInt64-shift || shift < 0 && exponent < math.MinInt64-shift {
		return "", errExponent
	}
	return sign + short + "e" + strconv.FormatInt(exponent+shift, 10), nil
}
