module github.com/dynomite-go/dynomite/hints

go 1.26.0
