// Package tools is the workshop of this repository: the programs that check
// what the compiler does not. It holds no code itself; each folder below is a
// program that the root's Makefile calls by the same name.
//
//	layers     who imports whom, against /layers.txt
//	docs       every exported name documented, every module complete
//	lint       gofmt, gofumpt, go vet, staticcheck
//	isolated   each module on its own, as a stranger would use it
//	mutants    planted defects: each must make its named test fail
//	rehearse   a release, packed into a file proxy and installed from it
//	fresh      a fresh clone with an empty module cache runs the README
//	clients    node-redis, ioredis and redis-py against a running server
//	fuzz       every fuzz target for a few seconds
//	deps       installs what the tests need from the system
//	steps      runs make targets one after the other, timed and bounded
//
// Three packages serve the programs: workspace (which modules there are),
// run (child processes that cannot be left behind) and server (a dynomited on
// free ports).
//
// The module stays outside go.work, because a module in the workspace raises
// everybody's versions. Build and test it with GOWORK=off from this folder.
package tools
