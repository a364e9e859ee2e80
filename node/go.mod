module github.com/dynomite-go/dynomite/node

go 1.26

require (
	github.com/dynomite-go/dynomite/gossip v0.1.0
	github.com/dynomite-go/dynomite/hashkit v0.1.0
	github.com/dynomite-go/dynomite/node/datastore v0.1.0
	github.com/dynomite-go/dynomite/peerwire v0.1.0
	github.com/dynomite-go/dynomite/quorum v0.1.0
	github.com/dynomite-go/dynomite/respserver v0.1.0
	github.com/dynomite-go/dynomite/tokenring v0.1.0
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
