package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
)

// checkTestVariables: tests do not change package variables, so they can all
// run in parallel, and no behaviour hangs on a hidden switch.
func checkTestVariables(m *Module) (found []Violation) {
	for _, p := range m.Packages {
		vars := packageVars(p)
		for _, f := range p.Files {
			if !f.Test {
				continue
			}
			for _, d := range f.Syntax.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if !ok || fn.Body == nil {
					continue
				}
				local := localNames(fn)
				assignments(fn.Body, func(target ast.Expr) {
					name := f.variable(m, target, vars, local)
					if name == "" {
						return
					}
					found = append(found, Violation{m.at(target.Pos()), fmt.Sprintf("a test changes the package variable %s", name),
						"make it a field of a Config with a documented zero value, or an argument"})
				})
			}
		}
	}
	return found
}

// packageVars gives the names of the variables that the files of a package,
// other than tests, declare outside functions.
func packageVars(p *Package) map[string]bool {
	vars := map[string]bool{}
	for _, f := range p.Files {
		if f.Test {
			continue
		}
		for _, d := range f.Syntax.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
				for _, spec := range g.Specs {
					for _, id := range spec.(*ast.ValueSpec).Names {
						vars[id.Name] = id.Name != "_" // var _ I = T{}
					}
				}
			}
		}
	}
	return vars
}

// localNames gives every name that a function declares anywhere.
func localNames(fn *ast.FuncDecl) map[string]bool {
	names := map[string]bool{}
	ast.Inspect(fn, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			for _, id := range n.Names {
				names[id.Name] = true
			}
		case *ast.ValueSpec:
			for _, id := range n.Names {
				names[id.Name] = true
			}
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				addIdents(names, n.Lhs...)
			}
		case *ast.RangeStmt:
			if n.Tok == token.DEFINE {
				addIdents(names, n.Key, n.Value)
			}
		}
		return true
	})
	return names
}

func addIdents(names map[string]bool, list ...ast.Expr) {
	for _, e := range list {
		if id, ok := e.(*ast.Ident); ok {
			names[id.Name] = true
		}
	}
}

// assignments visits what a body assigns to without declaring it.
func assignments(body ast.Node, visit func(target ast.Expr)) {
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				for _, e := range n.Lhs {
					visit(e)
				}
			}
		case *ast.IncDecStmt:
			visit(n.X)
		case *ast.RangeStmt:
			if n.Tok == token.ASSIGN {
				visit(n.Key)
				if n.Value != nil {
					visit(n.Value)
				}
			}
		}
		return true
	})
}

// variable gives the package variable that an assignment to target changes, ""
// if it is none of this module's.
func (f *File) variable(m *Module, target ast.Expr, vars, local map[string]bool) string {
	switch e := target.(type) {
	case *ast.Ident:
		if !f.XTest && vars[e.Name] && !local[e.Name] {
			return e.Name
		}
	case *ast.SelectorExpr:
		if dir, inside := m.inside(f.pathOf(e)); inside && !local[e.X.(*ast.Ident).Name] {
			return dir + "." + e.Sel.Name
		}
		return f.variable(m, e.X, vars, local)
	case *ast.IndexExpr:
		return f.variable(m, e.X, vars, local)
	case *ast.StarExpr:
		return f.variable(m, e.X, vars, local)
	case *ast.ParenExpr:
		return f.variable(m, e.X, vars, local)
	}
	return ""
}
