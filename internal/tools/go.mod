module github.com/dynomite-go/dynomite/internal/tools

go 1.26
