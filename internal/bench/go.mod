module github.com/dynomite-go/dynomite/internal/bench

go 1.26.0

require (
	github.com/dynomite-go/dynomite/hashkit v0.1.0
	github.com/dynomite-go/dynomite/merkle v0.1.0
	github.com/dynomite-go/dynomite/slicing v0.1.0
	github.com/dynomite-go/dynomite/tokenring v0.1.0
)

require (
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/dgryski/go-jump v0.0.0-20170409065014-e1f439676b57 // indirect
)

replace (
	github.com/dynomite-go/dynomite/hashkit => ../../hashkit
	github.com/dynomite-go/dynomite/merkle => ../../merkle
	github.com/dynomite-go/dynomite/slicing => ../../slicing
	github.com/dynomite-go/dynomite/tokenring => ../../tokenring
)
