module github.com/dynomite-go/dynomite/examples

go 1.26.0
