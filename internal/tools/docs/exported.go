package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"

	"github.com/dynomite-go/dynomite/internal/tools/workspace"
)

// fields are the endings of struct names whose fields are documented one by
// one: what users fill in or read.
var fields = []string{"Config", "Options", "Info", "Observer", "Error", "Stats"}

// undocumented returns a line for each exported name of the package whose
// comment is missing or repeats the name.
func undocumented(set *token.FileSet, p *workspace.Package) []string {
	c := &comments{set: set}
	for _, f := range p.Files {
		if f.Test || p.Name() == "main" {
			continue
		}
		for _, d := range f.Syntax.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				c.function(d)
			case *ast.GenDecl:
				c.general(d)
			}
		}
	}
	return c.problems
}

type comments struct {
	set      *token.FileSet
	problems []string
}

// need asks that one of the comments says something about the name.
func (c *comments) need(what string, name *ast.Ident, docs ...*ast.CommentGroup) {
	if !name.IsExported() {
		return
	}
	text := ""
	for _, d := range docs {
		text += " " + d.Text() // nil is ""
	}
	at := c.set.Position(name.Pos())
	switch {
	case strings.TrimSpace(text) == "":
		c.problems = append(c.problems, fmt.Sprintf("%s:%d: %s has no comment", at.Filename, at.Line, what))
	case !adds(name.Name, text):
		c.problems = append(c.problems, fmt.Sprintf("%s:%d: the comment of %s says no more than its name", at.Filename, at.Line, what))
	}
}

func (c *comments) function(d *ast.FuncDecl) {
	if d.Recv == nil {
		c.need(d.Name.Name, d.Name, d.Doc)
		return
	}
	receiver := receiverName(d.Recv.List[0].Type)
	if ast.IsExported(receiver) && !conventional[d.Name.Name] {
		c.need(receiver+"."+d.Name.Name, d.Name, d.Doc)
	}
}

// conventional are methods whose meaning the standard library fixes; a
// comment is welcome and not asked for.
var conventional = map[string]bool{
	"String": true, "Error": true, "Unwrap": true, "Is": true, "As": true,
	"Len": true, "Less": true, "Swap": true,
}

func (c *comments) general(d *ast.GenDecl) {
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			c.need(s.Name.Name, s.Name, d.Doc, s.Doc, s.Comment)
			if s.Doc == nil {
				s.Doc = d.Doc
			}
			c.members(s, s.Doc)
		case *ast.ValueSpec:
			for _, name := range s.Names {
				// A group's comment speaks for its members.
				c.need(name.Name, name, d.Doc, s.Doc, s.Comment)
			}
		}
	}
}

// members asks for comments on an interface's methods and on the fields of
// the structs that users fill in. A run of members without a blank line or a
// comment between them shares the comment above its first, and an only member
// shares the type's.
func (c *comments) members(s *ast.TypeSpec, doc *ast.CommentGroup) {
	if !s.Name.IsExported() {
		return
	}
	switch t := s.Type.(type) {
	case *ast.InterfaceType:
		c.run(s.Name.Name, t.Methods, doc)
	case *ast.StructType:
		if hasEnding(s.Name.Name) {
			c.run(s.Name.Name, t.Fields, doc)
		}
	}
}

func (c *comments) run(owner string, list *ast.FieldList, doc *ast.CommentGroup) {
	var above *ast.CommentGroup
	if len(list.List) == 1 {
		above = doc
	}
	last := 0
	for i, f := range list.List {
		line := c.set.Position(f.Pos()).Line
		switch {
		case f.Doc != nil:
			above = f.Doc
		case i > 0 && line != last+1:
			above = nil
		}
		last = c.set.Position(f.End()).Line
		for _, name := range f.Names {
			if !conventional[name.Name] {
				c.need(owner+"."+name.Name, name, above, f.Comment)
			}
		}
	}
}

func hasEnding(name string) bool {
	for _, end := range fields {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

func receiverName(t ast.Expr) string {
	switch t := t.(type) {
	case *ast.StarExpr:
		return receiverName(t.X)
	case *ast.IndexExpr:
		return receiverName(t.X)
	case *ast.IndexListExpr:
		return receiverName(t.X)
	case *ast.Ident:
		return t.Name
	}
	return ""
}
