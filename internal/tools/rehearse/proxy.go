package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"

	"github.com/dynomite-go/dynomite/internal/tools/workspace"
)

// pack lays a module out below proxy as the module proxy protocol wants it:
// <path>/@v/list and, for the version, .info, .mod and .zip.
func pack(proxy string, ws *workspace.Workspace, m *workspace.Module, version string) error {
	escaped, err := module.EscapePath(m.Path)
	if err != nil {
		return err
	}
	dir := filepath.Join(proxy, filepath.FromSlash(escaped), "@v")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	from := filepath.Join(ws.Root, filepath.FromSlash(m.Dir))
	mod, err := os.ReadFile(filepath.Join(from, "go.mod"))
	if err != nil {
		return err
	}
	// The time is fixed, so that packing the same tree gives the same bytes.
	info := fmt.Sprintf("{\"Version\":%q,\"Time\":\"2020-01-01T00:00:00Z\"}\n", version)
	for name, text := range map[string]string{"list": version + "\n", version + ".info": info, version + ".mod": string(mod)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return create(filepath.Join(dir, version+".zip"), func(w io.Writer) error {
		// It leaves out the modules nested below this one, as a release does.
		return zip.CreateFromDir(w, module.Version{Path: m.Path, Version: version}, from)
	})
}

func create(name string, write func(io.Writer) error) (err error) {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() {
		if closed := file.Close(); err == nil {
			err = closed
		}
	}()
	return write(file)
}
