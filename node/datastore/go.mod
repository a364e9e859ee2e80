module github.com/dynomite-go/dynomite/node/datastore

go 1.26.0

require (
	github.com/cespare/xxhash/v2 v2.3.0
	github.com/tidwall/btree v1.8.2
)
