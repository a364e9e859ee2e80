module github.com/dynomite-go/dynomite/quorum

go 1.26.0
