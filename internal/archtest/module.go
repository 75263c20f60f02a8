package archtest

import (
	"bufio"
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Module is the source of a Go module.
type Module struct {
	Path     string
	Packages []*Package // by folder
	files    *token.FileSet
}

// Package is one folder with Go files: a package, its tests and its external tests.
type Package struct {
	Dir   string // slash-separated, from the root of the module
	Files []*File
}

// File is one Go file.
type File struct {
	Name    string // from the root of the module
	Test    bool   // *_test.go
	XTest   bool   // and of package x_test
	Syntax  *ast.File
	Imports []Import
}

// Import is one import of a file.
type Import struct {
	Path  string
	Local string // the name that the file uses
	Pos   token.Pos
}

// Load reads the module whose go.mod is at the root of fsys. Folders named
// testdata, hidden folders and other modules are left out.
func Load(fsys fs.FS) (*Module, error) {
	mod, err := fs.ReadFile(fsys, "go.mod")
	if err != nil {
		return nil, err
	}
	m := &Module{Path: modulePath(mod), files: token.NewFileSet()}
	err = fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return m.enter(fsys, name)
		case strings.HasSuffix(name, ".go"):
			return m.add(fsys, name)
		}
		return nil
	})
	return m, err
}

func modulePath(mod []byte) string {
	lines := bufio.NewScanner(bytes.NewReader(mod))
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "module "); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

func (m *Module) enter(fsys fs.FS, dir string) error {
	if dir == "." {
		return nil
	}
	base := path.Base(dir)
	if base == "testdata" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return fs.SkipDir
	}
	if _, err := fs.Stat(fsys, path.Join(dir, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

func (m *Module) add(fsys fs.FS, name string) error {
	src, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	syntax, err := parser.ParseFile(m.files, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return fmt.Errorf("the rules need source that parses: %w", err)
	}
	f := &File{Name: name, Syntax: syntax, Test: strings.HasSuffix(name, "_test.go")}
	f.XTest = f.Test && strings.HasSuffix(syntax.Name.Name, "_test")
	for _, spec := range syntax.Imports {
		f.Imports = append(f.Imports, newImport(spec))
	}
	dir := path.Dir(name)
	i := slices.IndexFunc(m.Packages, func(p *Package) bool { return p.Dir == dir })
	if i < 0 {
		i = len(m.Packages)
		m.Packages = append(m.Packages, &Package{Dir: dir})
	}
	m.Packages[i].Files = append(m.Packages[i].Files, f)
	return nil
}

func newImport(spec *ast.ImportSpec) Import {
	p, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		panic(err) // the parser takes no other
	}
	i := Import{Path: p, Local: path.Base(p), Pos: spec.Pos()}
	if len(i.Local) > 1 && i.Local[0] == 'v' && strings.Trim(i.Local[1:], "0123456789") == "" {
		i.Local = path.Base(path.Dir(p)) // math/rand/v2 is rand
	}
	if spec.Name != nil {
		i.Local = spec.Name.Name
	}
	return i
}

// inside gives the folder of an imported package of the module itself.
func (m *Module) inside(importPath string) (dir string, ok bool) {
	if importPath == m.Path {
		return ".", true
	}
	return strings.CutPrefix(importPath, m.Path+"/")
}

func (m *Module) at(pos token.Pos) Place {
	p := m.files.Position(pos)
	return Place{p.Filename, p.Line}
}

// imports calls visit for each import of each file.
func (m *Module) imports(visit func(*Package, *File, Import)) {
	for _, p := range m.Packages {
		for _, f := range p.Files {
			for _, i := range f.Imports {
				visit(p, f, i)
			}
		}
	}
}
