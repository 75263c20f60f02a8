package vfs

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
)

// Set is a group of output files that appear together. Use it from one
// goroutine; different members may be written by different ones.
type Set struct {
	fs      FS
	outputs []*Output
}

// NewSet makes an empty set of files on fsys.
func NewSet(fsys FS) *Set { return &Set{fs: fsys} }

// Create begins a new file of the set, as [Create] does. A member may be
// committed or aborted by itself; the set then leaves it alone.
func (s *Set) Create(path string) (*Output, error) {
	o, err := Create(s.fs, path)
	if err != nil {
		return nil, err
	}
	same := func(p *Output) bool { return !p.done && p.target == o.target }
	if o.temp != "" && slices.ContainsFunc(s.outputs, same) {
		o.Abort()
		return nil, describe("create", path, fmt.Errorf("two outputs have this name: %w", fs.ErrExist))
	}
	s.outputs = append(s.outputs, o)
	return o, nil
}

// Commit makes all files visible: every file is complete and synced before the
// first of them gets its name. After an error none of them has changed.
func (s *Set) Commit() error {
	open := slices.DeleteFunc(slices.Clone(s.outputs), func(o *Output) bool { return o.done })
	return commit(s.fs, open)
}

// Abort removes everything that was not committed. It can be deferred.
func (s *Set) Abort() {
	for _, o := range s.outputs {
		o.Abort()
	}
}

// commit is the order that all guarantees rest on: complete all BEFORE any
// rename, renames BEFORE the folders are synced, folders synced BEFORE the
// backups of the old files go.
func commit(fsys FS, outputs []*Output) error {
	for _, o := range outputs {
		if o.done {
			return describe("commit", o.path, fs.ErrClosed)
		}
	}
	defer func() {
		for _, o := range outputs {
			o.Abort()
		}
	}()
	for _, o := range outputs {
		if err := o.complete(); err != nil {
			return err
		}
	}
	p := publication{fs: fsys}
	if err := p.publish(outputs); err != nil {
		p.undo()
		return err
	}
	p.forget()
	return nil
}

// A publication gives files their names and can take that back.
type publication struct {
	fs     FS
	steps  []step
	synced []string
}

// A step is one file that has its name, and where the file before it is kept.
type step struct {
	output *Output
	backup string // "" when there was none, or the file system has no hard links
	fresh  bool   // there was none
}

func (p *publication) publish(outputs []*Output) error {
	for _, o := range outputs {
		if o.temp == "" {
			continue // written in place
		}
		s := p.keepOld(o)
		if err := p.fs.Rename(o.temp, o.target); err != nil {
			p.drop(s.backup)
			return describe("rename", o.path, err)
		}
		o.temp = ""
		p.steps = append(p.steps, s)
	}
	for _, s := range p.steps {
		dir := filepath.Dir(s.output.target)
		if slices.Contains(p.synced, dir) {
			continue
		}
		if err := p.fs.SyncDir(dir); err != nil {
			return describe("sync the folder of", s.output.path, err)
		}
		p.synced = append(p.synced, dir)
	}
	return nil
}

// keepOld gives the old file a second name: a hard link, not a rename, because
// so it never lacks its first one.
func (p *publication) keepOld(o *Output) step {
	name := tempName(filepath.Dir(o.target))
	err := p.fs.Link(o.target, name)
	if err == nil {
		return step{output: o, backup: name}
	}
	return step{output: o, fresh: errors.Is(err, fs.ErrNotExist)}
}

// undo puts the old files back, newest step first.
func (p *publication) undo() {
	for _, s := range slices.Backward(p.steps) {
		switch {
		case s.backup != "":
			p.fs.Rename(s.backup, s.output.target)
		case s.fresh:
			p.fs.Remove(s.output.target)
		}
	}
}

// forget drops the old files.
func (p *publication) forget() {
	for _, s := range p.steps {
		p.drop(s.backup)
	}
}

func (p *publication) drop(backup string) {
	if backup != "" {
		p.fs.Remove(backup)
	}
}
