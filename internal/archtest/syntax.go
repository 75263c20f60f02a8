package archtest

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
)

// checkUses: names of other packages that some packages do without, and in
// pure ones also statements.
func checkUses(m *Module) (found []Violation) {
	for _, p := range m.Packages {
		for _, f := range p.Files {
			if f.Test {
				continue
			}
			report := func(n ast.Node, what, remedy string) {
				found = append(found, Violation{m.at(n.Pos()), fmt.Sprintf("%s uses %s", p.Dir, what), remedy})
			}
			ast.Inspect(f.Syntax, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.SelectorExpr:
					for _, r := range uses {
						if matches(r.in, p.Dir) && f.pathOf(n) == r.pkg && slices.Contains(r.names, n.Sel.Name) != r.except {
							report(n, n.X.(*ast.Ident).Name+"."+n.Sel.Name, r.remedy)
						}
					}
				case *ast.GoStmt:
					if matches(pure, p.Dir) {
						report(n, "a goroutine", oneThread)
					}
				case *ast.CallExpr:
					if id, ok := n.Fun.(*ast.Ident); ok && (id.Name == "print" || id.Name == "println") {
						report(n, "the builtin "+id.Name, giveText)
					}
				}
				return true
			})
		}
	}
	return found
}

// pathOf gives the import that the left side of a selector names, "" if none.
func (f *File) pathOf(s *ast.SelectorExpr) string {
	if id, ok := s.X.(*ast.Ident); ok {
		for _, i := range f.Imports {
			if i.Local == id.Name {
				return i.Path
			}
		}
	}
	return ""
}

// checkNames: a package is named for what it gives.
func checkNames(m *Module) (found []Violation) {
	for _, p := range m.Packages {
		names := []string{path.Base(p.Dir)}
		for _, f := range p.Files {
			if !f.XTest {
				names = append(names, f.Syntax.Name.Name)
			}
		}
		for _, name := range names {
			if slices.Contains(emptyNames, name) {
				found = append(found, Violation{Place{Name: p.Dir}, fmt.Sprintf("the name %q says nothing", name),
					"name the package for what it gives, or move its contents to the packages that use them"})
				break
			}
		}
	}
	return found
}

// checkHabits: no init functions, no dot imports, a comment on each package.
func checkHabits(m *Module) (found []Violation) {
	for _, p := range m.Packages {
		commented := false
		for _, f := range p.Files {
			commented = commented || f.Syntax.Doc != nil
			for _, d := range f.Syntax.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
					found = append(found, Violation{m.at(fn.Pos()), "init function",
						"initialise in New or at the variable, and let internal/cli wire what would register itself"})
				}
			}
			for _, i := range f.Imports {
				if i.Local == "." {
					found = append(found, Violation{m.at(i.Pos), "dot import of " + i.Path, "import it by name"})
				}
			}
		}
		if !commented {
			found = append(found, Violation{Place{Name: p.Dir}, "no package comment",
				"say above one package clause what the package promises, what it does not, and which function to call first"})
		}
	}
	return found
}
