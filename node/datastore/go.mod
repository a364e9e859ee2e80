module github.com/dynomite-go/dynomite/node/datastore

go 1.26
