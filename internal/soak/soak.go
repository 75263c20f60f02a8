// Package soak says how long a test goes on: a few rounds with -short, as many
// as take seconds in a normal run, and more of them in a soak.
//
// It promises nothing about time. Its one function is [Rounds]; a soak is
//
//	go run ./internal/check -soak 20
package soak

import (
	"os"
	"strconv"
	"testing"
)

// Env holds the factor of a soak, a whole number.
const Env = "HOLDFAST_SOAK"

// Rounds is how many rounds a test does: short with -short, else normal, times
// the factor of a soak.
func Rounds(short, normal int) int {
	if testing.Short() {
		return short
	}
	factor, err := strconv.Atoi(os.Getenv(Env))
	if err != nil || factor < 1 {
		factor = 1
	}
	return normal * factor
}
