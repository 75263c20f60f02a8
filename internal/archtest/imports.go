package archtest

import (
	"fmt"
	"slices"
	"strings"
)

// checkDirection: imports inside the module point down.
func checkDirection(m *Module) (found []Violation) {
	for _, p := range m.Packages {
		if ruleFor(p.Dir) == nil {
			found = append(found, Violation{Place{Name: p.Dir},
				"this package has no place in the architecture",
				"put it where docs/architecture.md shows, or add it there and to the directions in internal/archtest/rules.go (benchmarks against peers have a go.mod of their own)"})
		}
	}
	m.imports(func(p *Package, f *File, i Import) {
		to, inside := m.inside(i.Path)
		rule := ruleFor(p.Dir)
		if !inside || rule == nil || matches(rule.may, to) || f.XTest && matches(inXTests, to) || f.XTest && to == p.Dir {
			return
		}
		v := Violation{m.at(i.Pos), fmt.Sprintf("%s imports %s", p.Dir, to), rule.remedy}
		if f.Test && matches(inXTests, to) {
			v.Remedy = "move the test to package " + f.Syntax.Name.Name + "_test"
		}
		found = append(found, v)
	})
	return found
}

func ruleFor(dir string) *directionRule {
	i := slices.IndexFunc(directions, func(r directionRule) bool { return matches(r.of, dir) })
	if i < 0 {
		return nil
	}
	return &directions[i]
}

// checkDependencies: a dependency lives where the table says.
func checkDependencies(m *Module) (found []Violation) {
	m.imports(func(p *Package, f *File, i Import) {
		first, _, _ := strings.Cut(i.Path, "/")
		if _, inside := m.inside(i.Path); inside || i.Path != "C" && !strings.Contains(first, ".") {
			return
		}
		at := slices.IndexFunc(dependencies, func(d dependencyRule) bool { return strings.HasPrefix(i.Path, d.module) })
		what := fmt.Sprintf("%s imports %s", p.Dir, i.Path)
		switch {
		case i.Path == "C":
			found = append(found, Violation{m.at(i.Pos), what, "users build without a C compiler: find a pure Go way, or move it to bench"})
		case at < 0:
			found = append(found, Violation{m.at(i.Pos), what, "do without a new dependency, or list it in the dependencies of internal/archtest/rules.go"})
		case f.Test && dependencies[at].inTests, matches(dependencies[at].by, p.Dir):
		case dependencies[at].by == nil:
			found = append(found, Violation{m.at(i.Pos), what, "it is for tests only"})
		default:
			found = append(found, Violation{m.at(i.Pos), what, fmt.Sprintf("only %s may: go through that package, or extend it", join(dependencies[at].by))})
		}
	})
	return found
}

func join(list []pattern) string {
	words := make([]string, len(list))
	for i, p := range list {
		words[i] = string(p)
	}
	return strings.Join(words, ", ")
}

// checkPurity: a pure package imports nothing that can act.
func checkPurity(m *Module) (found []Violation) {
	m.imports(func(p *Package, f *File, i Import) {
		if f.Test || !matches(pure, p.Dir) {
			return
		}
		if remedy := impurity(m, i.Path); remedy != "" {
			found = append(found, Violation{m.at(i.Pos), fmt.Sprintf("pure package %s imports %s", p.Dir, i.Path), remedy})
		}
	})
	return found
}

// impurity says what to do instead of an import in a pure package, "" if it is fine.
func impurity(m *Module, importPath string) (remedy string) {
	if dir, inside := m.inside(importPath); inside {
		if matches(pure, dir) {
			return ""
		}
		return "a core calls only cores: pass in its result, or let the shell call both"
	}
	under := func(parent string) bool { return importPath == parent || strings.HasPrefix(importPath, parent+"/") }
	if slices.ContainsFunc(impureExcept, under) || slices.ContainsFunc(pureDependencies, under) {
		return ""
	}
	for _, i := range impure {
		if under(i.path) {
			return i.remedy
		}
	}
	if first, _, _ := strings.Cut(importPath, "/"); strings.Contains(first, ".") {
		return "keep dependencies out of cores, or list a pure one in the pureDependencies of internal/archtest/rules.go"
	}
	return ""
}
