module github.com/dynomite-go/dynomite/cmd/dynomited

go 1.26

require github.com/dynomite-go/dynomite/node v0.1.0
