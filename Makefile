# Shortcuts for people. CI runs .ci/run.
.PHONY: help fast test whole race modes vm bench update site release ci

help: ## this list
	@grep -E '^[a-z]+: ## ' Makefile | sed 's/: ## /\t/' | expand -t 10

fast: ## vet, and the tests with -short
	go vet ./...
	go test -short ./...

test: ## all tests, with some of the cases of sweeps
	go test ./...

whole: ## all tests, with all cases of sweeps
	SPROG_TEST_SWEEPS=whole go test -timeout 20m ./...

race: ## tests with the race detector
	go test -race -short -timeout 20m ./...

modes: ## tests of starts in every build mode
	script/build-modes

vm: ## tests on other kernels, in virtual machines
	script/amd64-vm -suite bookworm -short -timeout 15m -run 'Cgroup|TestView|TestErrors' . ./internal/cgroup
	script/amd64-vm -suite bullseye -short -timeout 15m -run 'TestView|TestErrors' .
	script/arm64-vm -short -quiet -timeout 30m ./internal/atstart ./internal/program ./internal/machine .

bench: ## measurements beside os/exec and others, five minutes
	go run ./bench

update: ## rewrite golden plans, docs/errors.md, docs/api.txt; look at the diff
	go test -run 'Plan|TestErrors' . -update
	go test ./internal/api -update
	go test ./cmd/sprog -run TestScripts -update

site: ## the documentation as a website in dist/site; it takes npm
	script/site/build

release: ## binaries, packages, an image, a bill of materials in dist
	script/release

ci: ## everything that a change has to pass
	.ci/run
