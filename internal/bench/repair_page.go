package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// page is docs/repair.md: an introduction and sections. A part that is measured
// again takes the place of its section; the others, and what somebody wrote
// between them, stay.
type page struct {
	intro    string
	sections []section
}

type section struct{ title, body string }

// readPage takes a file that does not exist for an empty page.
func readPage(path string) (page, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return page{}, nil
	}
	return parsePage(string(data)), err
}

func parsePage(text string) page {
	var p page
	for i, part := range strings.Split("\n"+text, "\n## ") {
		if i == 0 {
			p.intro = strings.TrimSpace(part)
			continue
		}
		title, body, _ := strings.Cut(part, "\n")
		p.sections = append(p.sections, section{title, strings.TrimSpace(body)})
	}
	return p
}

// put replaces the section of that title, or adds it behind the last one of
// those that come before it in order.
func (p *page) put(s section, order []string) {
	for i := range p.sections {
		if p.sections[i].title == s.title {
			p.sections[i] = s
			return
		}
	}
	at := 0
	for _, title := range order {
		if title == s.title {
			break
		}
		for i := range p.sections {
			if p.sections[i].title == title {
				at = i + 1
			}
		}
	}
	p.sections = append(p.sections[:at], append([]section{s}, p.sections[at:]...)...)
}

func (p page) String() string {
	var out strings.Builder
	fmt.Fprintln(&out, p.intro)
	for _, s := range p.sections {
		fmt.Fprintf(&out, "\n## %s\n\n%s\n", s.title, s.body)
	}
	return out.String()
}
