# What must hold, and how to look at it. `make help` lists the targets.
#
# The root has no go.mod: `go test work` covers the workspace, `./...` fails.
# The checks themselves are programs in internal/tools.

# A checkout that belongs to somebody else must build too.
export GOFLAGS := $(filter-out -buildvcs=%,$(GOFLAGS)) -buildvcs=false

BIN     := .cache/bin
TOOLS   := $(shell find internal/tools -name '*.go' -o -name go.mod -o -name go.sum 2>/dev/null)
TIMEOUT := 25m
FUZZ    := 5s
SOAK    := 15m
CHAOS   := 24
BENCH   :=

# The steps of `make test`, the quick ones first.
STEPS := lint layers docs unit unit-tools chaos isolated-build mutants rehearse fresh

SHELL := /bin/bash

.PHONY: help chaos soak test all unit unit-tools isolated isolated-build tidy lint format layers docs fuzz bench bench-placement bench-repair bench-reconcile mutants rehearse fresh clients run dev deps clean
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: deps $(BIN)/steps ## everything that must hold; installs what is missing
	@$(BIN)/steps -each $(TIMEOUT) $(STEPS)

unit: ## the tests of the workspace, with the race detector, shuffled
	go test -race -shuffle=on -timeout $(TIMEOUT) work

unit-tools: ## the tests of internal/tools and internal/bench
	cd internal/tools && GOWORK=off go test -timeout $(TIMEOUT) ./...
	cd internal/bench && GOWORK=off go test -timeout $(TIMEOUT) ./...

chaos: ## CHAOS=24 random histories of clusters with faults, in virtual time
	go test -count=1 -timeout $(TIMEOUT) -run TestChaos ./node -chaos $(CHAOS)

isolated: $(BIN)/isolated ## each module alone, with GOWORK=off: build, vet, tidy, tests
	@$(BIN)/isolated -test

isolated-build: $(BIN)/isolated ## the same without running the tests again
	@$(BIN)/isolated

tidy: $(BIN)/isolated ## go mod tidy in every module, cmd/dynomited through a copy
	@$(BIN)/isolated -tidy

lint: $(BIN)/lint ## gofmt, gofumpt, go vet, staticcheck
	@$(BIN)/lint

format: $(BIN)/lint ## gofumpt -w on every file
	@$(BIN)/lint -fix

layers: $(BIN)/layers ## who imports whom, against layers.txt
	@$(BIN)/layers

docs: $(BIN)/docs ## every exported name documented, every module complete, links alive
	@$(BIN)/docs

fuzz: $(BIN)/fuzz ## every fuzz target for FUZZ=5s
	@$(BIN)/fuzz -each $(FUZZ)

bench: deps ## the numbers against redis-server, into docs/performance.md
	cd internal/bench && GOWORK=off go run . $(BENCH)

bench-placement: ## movement, balance, memory and look-up of each distribution, into docs/placement.md
	cd internal/bench && GOWORK=off go run ./placement

bench-reconcile: ## the bytes of finding differences, three ways, into docs/reconciliation.md
	cd internal/bench && GOWORK=off go run ./reconcile $(BENCH)

bench-repair: deps ## what hints, absences and quorums cost, into docs/repair.md
	cd internal/bench && GOWORK=off go run . repair $(BENCH)

soak: deps ## the end-to-end run with faults for SOAK=15m, its figures in .cache/soak.txt
	@mkdir -p .cache
	go test -count=1 -v -timeout 3h -run ThreeNodes ./cmd/dynomited -soak $(SOAK) 2>&1 | tee .cache/soak.txt; exit $${PIPESTATUS[0]}

mutants: $(BIN)/mutants ## planted defects: each must make its test fail
	@$(BIN)/mutants

rehearse: $(BIN)/rehearse ## a release, packed into a file proxy and installed from it
	@$(BIN)/rehearse

fresh: $(BIN)/fresh ## a fresh clone with an empty module cache runs the README
	@$(BIN)/fresh

clients: $(BIN)/clients $(BIN)/deps ## node-redis, ioredis and redis-py against a running server
	@$(BIN)/deps -clients
	@$(BIN)/clients

run: ## one node on 127.0.0.1:8102
	go run ./cmd/dynomited

dev: ## three nodes in one process
	go run ./cmd/dynomited dev

deps: $(BIN)/deps ## gcc, redis and tcl through apt-get, where missing
	@$(BIN)/deps

clean: ## what the targets above leave behind
	rm -rf .cache

# Everything is built at once: the programs share their packages, and lint
# looks for gofumpt and staticcheck beside itself.
$(BIN)/%: $(BIN)/.built
	@:

$(BIN)/.built: $(TOOLS)
	@mkdir -p $(BIN)
	@cd internal/tools && GOWORK=off go build -o ../../$(BIN)/ ./... honnef.co/go/tools/cmd/staticcheck mvdan.cc/gofumpt
	@touch $@
