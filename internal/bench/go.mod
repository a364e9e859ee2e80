module github.com/dynomite-go/dynomite/internal/bench

go 1.26
