module github.com/dynomite-go/dynomite/gossip

go 1.26
