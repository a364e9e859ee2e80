module github.com/dynomite-go/dynomite/merkle

go 1.26.0

require github.com/dynomite-go/dynomite/hashkit v0.1.0

require github.com/cespare/xxhash/v2 v2.3.0 // indirect

replace github.com/dynomite-go/dynomite/hashkit => ../hashkit
