module github.com/dynomite-go/dynomite/respserver

go 1.26.0

require (
	github.com/tidwall/redcon v1.6.2
	go.uber.org/goleak v1.3.0
)

require (
	github.com/tidwall/btree v1.1.0 // indirect
	github.com/tidwall/match v1.1.1 // indirect
)
