module github.com/dynomite-go/dynomite/respserver

go 1.26
