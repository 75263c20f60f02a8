// Package archtest holds the architecture's rules as data, and checks them
// against the source of the module: who imports whom, which packages are pure
// and what purity forbids, what packages may be called, and a few habits that
// a compiler cannot know. Each finding says how to mend it.
//
// It reads the syntax of every file whatever its build tags, and no types: it
// can be misled by a local variable that has the name of an imported package,
// and it cannot see what a pure package does through an interface or whether
// the order of a map reaches an output.
//
// The rules are tables in rules.go; [Check] applies them. The test of this
// package applies them to the module itself.
package archtest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Violation is one breach of a rule.
type Violation struct {
	Where  Place
	What   string
	Remedy string
}

// A Place is a line of a file, or a folder if there is no line.
type Place struct {
	Name string // from the root of the module
	Line int
}

func (p Place) String() string {
	if p.Line == 0 {
		return p.Name
	}
	return fmt.Sprintf("%s:%d", p.Name, p.Line)
}

func (v Violation) String() string {
	return fmt.Sprintf("%s: %s. To mend it: %s", v.Where, v.What, v.Remedy)
}

// Check applies all rules to m and gives the violations by place.
func Check(m *Module) []Violation {
	var all []Violation
	for _, check := range []func(*Module) []Violation{
		checkDirection, checkDependencies, checkPurity, checkUses, checkNames, checkHabits, checkTestVariables,
	} {
		all = append(all, check(m)...)
	}
	slices.SortStableFunc(all, func(a, b Violation) int {
		return cmp.Or(strings.Compare(a.Where.Name, b.Where.Name), cmp.Compare(a.Where.Line, b.Where.Line))
	})
	return all
}

// A pattern names packages by their folder in the module: "replay" is one
// package, "replay/..." it and all below, "..." all; "!" in front excludes what
// it matches. A list of patterns matches if the last one that fits does not exclude.
type pattern string

func matches(list []pattern, pkg string) bool {
	found := false
	for _, p := range list {
		p, exclude := strings.CutPrefix(string(p), "!")
		if below, ok := strings.CutSuffix(p, "..."); pkg == p || ok && strings.HasPrefix(pkg+"/", below) {
			found = !exclude
		}
	}
	return found
}
