module github.com/dynomite-go/dynomite/node

go 1.26.0

require (
	github.com/dynomite-go/dynomite/gossip v0.1.0
	github.com/dynomite-go/dynomite/hashkit v0.1.0
	github.com/dynomite-go/dynomite/node/datastore v0.1.0
	github.com/dynomite-go/dynomite/peerwire v0.1.0
	github.com/dynomite-go/dynomite/quorum v0.1.0
	github.com/dynomite-go/dynomite/respserver v0.1.0
	github.com/dynomite-go/dynomite/tokenring v0.1.0
)

require (
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/prometheus/client_golang v1.25.0 // indirect
	github.com/redis/go-redis/v9 v9.23.0 // indirect
	github.com/redis/rueidis v1.0.79 // indirect
	go.uber.org/atomic v1.12.0 // indirect
	go.uber.org/dig v1.19.0 // indirect
	go.uber.org/fx v1.24.0 // indirect
	go.uber.org/multierr v1.10.0 // indirect
	go.uber.org/zap v1.26.0 // indirect
	golang.org/x/sys v0.48.0 // indirect
)

replace (
	github.com/dynomite-go/dynomite/gossip => ../gossip
	github.com/dynomite-go/dynomite/hashkit => ../hashkit
	github.com/dynomite-go/dynomite/node/datastore => ./datastore
	github.com/dynomite-go/dynomite/peerwire => ../peerwire
	github.com/dynomite-go/dynomite/quorum => ../quorum
	github.com/dynomite-go/dynomite/respserver => ../respserver
	github.com/dynomite-go/dynomite/tokenring => ../tokenring
)
