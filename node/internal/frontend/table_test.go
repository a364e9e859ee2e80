package frontend

import (
	"slices"
	"testing"

	"github.com/dynomite-go/dynomite/node/internal/command"
)

func TestTable_WhatIsAboutNoKey_IsAnsweredHereOrByTheRouter(t *testing.T) {
	// These the router answers though they name no key.
	router := []string{"dyn.local", "dyn.ring", "object", "object|help"}
	for _, e := range newTable().all {
		keyless := e.spec.Keys == command.KeyNone || e.spec.Keys == command.Connection
		switch {
		case e.run != nil && !keyless:
			t.Errorf("%s is about data but answered here", e.name)
		case e.run == nil && keyless && !slices.Contains(router, e.name):
			t.Errorf("%s is answered by nobody", e.name)
		}
	}
}

func TestTable_NamesFit(t *testing.T) {
	for _, e := range newTable().all {
		if len(e.name) > maxName {
			t.Errorf("%s is longer than maxName", e.name)
		}
	}
}
