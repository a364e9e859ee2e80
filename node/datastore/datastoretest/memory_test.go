package datastoretest_test

import (
	"testing"

	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/node/datastore/datastoretest"
)

func TestMemory_Conforms(t *testing.T) {
	for name, cfg := range map[string]datastore.Config{
		"without a log": {},
		"with a log":    {Dir: "set", Sync: datastore.SyncNo},
		"one shard":     {Shards: 1},
	} {
		t.Run(name, func(t *testing.T) {
			datastoretest.Run(t, func(t *testing.T, s datastoretest.Setup) datastore.Store {
				cfg.Clock, cfg.Token, cfg.DigestKey = s.Clock, s.Token, s.DigestKey
				if cfg.Dir != "" {
					cfg.Dir = t.TempDir()
				}
				m, err := datastore.Open(t.Context(), cfg)
				if err != nil {
					t.Fatal(err)
				}
				return m
			})
		})
	}
}
