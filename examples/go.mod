module github.com/dynomite-go/dynomite/examples

go 1.26.0

require github.com/dynomite-go/dynomite/node v0.1.0

require (
	github.com/beorn7/perks v1.0.1 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/dgryski/go-jump v0.0.0-20170409065014-e1f439676b57 // indirect
	github.com/dynomite-go/dynomite/gossip v0.1.0 // indirect
	github.com/dynomite-go/dynomite/hashkit v0.1.0 // indirect
	github.com/dynomite-go/dynomite/hints v0.1.0 // indirect
	github.com/dynomite-go/dynomite/merkle v0.1.0 // indirect
	github.com/dynomite-go/dynomite/node/datastore v0.1.0 // indirect
	github.com/dynomite-go/dynomite/peerwire v0.1.0 // indirect
	github.com/dynomite-go/dynomite/quorum v0.1.0 // indirect
	github.com/dynomite-go/dynomite/respserver v0.1.0 // indirect
	github.com/dynomite-go/dynomite/slicing v0.1.0 // indirect
	github.com/dynomite-go/dynomite/tokenring v0.1.0 // indirect
	github.com/google/btree v1.1.3 // indirect
	github.com/hashicorp/errwrap v1.1.0 // indirect
	github.com/hashicorp/go-immutable-radix v1.3.1 // indirect
	github.com/hashicorp/go-metrics v0.7.0 // indirect
	github.com/hashicorp/go-msgpack/v2 v2.1.5 // indirect
	github.com/hashicorp/go-multierror v1.1.1 // indirect
	github.com/hashicorp/go-sockaddr v1.0.7 // indirect
	github.com/hashicorp/golang-lru v1.0.2 // indirect
	github.com/hashicorp/memberlist v0.7.0 // indirect
	github.com/miekg/dns v1.1.73 // indirect
	github.com/munnerz/goautoneg v0.0.0-20191010083416-a7dc8b61c822 // indirect
	github.com/prometheus/client_golang v1.25.0 // indirect
	github.com/prometheus/client_model v0.6.3 // indirect
	github.com/prometheus/common v0.72.0 // indirect
	github.com/prometheus/procfs v0.22.0 // indirect
	github.com/sean-/seed v0.0.0-20170313163322-e2103e2c3529 // indirect
	github.com/tidwall/btree v1.8.2 // indirect
	github.com/tidwall/match v1.1.1 // indirect
	github.com/tidwall/redcon v1.6.2 // indirect
	go.uber.org/dig v1.19.0 // indirect
	go.uber.org/fx v1.24.0 // indirect
	go.uber.org/multierr v1.10.0 // indirect
	go.uber.org/zap v1.26.0 // indirect
	golang.org/x/net v0.59.0 // indirect
	golang.org/x/sys v0.48.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)

replace (
	github.com/dynomite-go/dynomite/gossip => ../gossip
	github.com/dynomite-go/dynomite/hashkit => ../hashkit
	github.com/dynomite-go/dynomite/hints => ../hints
	github.com/dynomite-go/dynomite/merkle => ../merkle
	github.com/dynomite-go/dynomite/node => ../node
	github.com/dynomite-go/dynomite/node/datastore => ../node/datastore
	github.com/dynomite-go/dynomite/peerwire => ../peerwire
	github.com/dynomite-go/dynomite/quorum => ../quorum
	github.com/dynomite-go/dynomite/respserver => ../respserver
	github.com/dynomite-go/dynomite/slicing => ../slicing
	github.com/dynomite-go/dynomite/tokenring => ../tokenring
)
