package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dynomite-go/dynomite/node"
	"github.com/dynomite-go/dynomite/node/placement"
)

// source is where a command has a layout from: a running node, or the
// configuration files of all nodes that would form a cluster.
type source struct {
	admin
	files []string
}

func (s *source) register(cmd *cobra.Command) {
	s.admin.register(cmd)
	cmd.Flags().StringArrayVarP(&s.files, "conf-file", "c", nil, "instead of asking a node: the configuration file of each node, or a pattern such as 'conf/*.yml'; may be repeated")
}

// offline says that files are given, and no node is asked.
func (s *source) offline() bool { return len(s.files) > 0 }

func (s *source) layout(ctx context.Context) (*placement.Layout, error) {
	if s.offline() {
		return s.formed()
	}
	body, err := s.fetch(ctx, "/layout")
	if err != nil {
		return nil, err
	}
	l, err := placement.Decode(body)
	if err != nil {
		return nil, fmt.Errorf("the node at %s answers with a layout that cannot be read: %w", s.addr, err)
	}
	return l, nil
}

// fetch asks for what is there, or nothing.
func (s *source) fetch(ctx context.Context, path string) ([]byte, error) {
	body, status, err := s.ask(ctx, http.MethodGet, path)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, errors.New(strings.TrimSpace(string(body)))
	}
	return body, nil
}

// formed is the layout that the nodes of the files would agree on. Flags and the
// environment are those of one node, and say nothing here.
func (s *source) formed() (*placement.Layout, error) {
	var configs []node.Config
	for _, pattern := range s.files {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			return nil, usageError{fmt.Errorf("-c: %q: %w", pattern, err)}
		}
		if len(paths) == 0 {
			return nil, usageError{fmt.Errorf("-c: there is no file %s", pattern)}
		}
		for _, path := range paths {
			of := settings{file: path, origins: map[string]string{}}
			var c node.Config
			if err := of.loadFile(&c); err != nil {
				return nil, usageError{err}
			}
			if err := c.Validate(); err != nil {
				return nil, usageError{fmt.Errorf("%s: %w", path, err)}
			}
			configs = append(configs, c)
		}
	}
	l, err := node.FirstLayout(configs...)
	if err != nil {
		return nil, usageError{err}
	}
	return l, nil
}

// oneOf refuses an output format that a command has not.
func oneOf(format string, known ...string) error {
	for _, k := range known {
		if format == k {
			return nil
		}
	}
	last := len(known) - 1
	return usageError{fmt.Errorf("-o: %q is none of %s and %s", format, strings.Join(known[:last], ", "), known[last])}
}
