package soak

import "testing"

func TestRounds(t *testing.T) {
	for value, want := range map[string]int{"": 7, "1": 7, "3": 21, "0": 7, "-2": 7, "many": 7} {
		t.Setenv(Env, value)
		if testing.Short() {
			want = 2
		}
		if got := Rounds(2, 7); got != want {
			t.Errorf("%s=%s: %d rounds, want %d", Env, value, got, want)
		}
	}
}
