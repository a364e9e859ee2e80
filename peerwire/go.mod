module github.com/dynomite-go/dynomite/peerwire

go 1.26
