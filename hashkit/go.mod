module github.com/dynomite-go/dynomite/hashkit

go 1.26.0

require github.com/cespare/xxhash/v2 v2.3.0
