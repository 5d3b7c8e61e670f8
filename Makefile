# The table of contents. What each does stands in tools/.

.DEFAULT_GOAL := help
.PHONY: help setup setup-tests build run test torture dev bench lint fmt clean

help: ## List what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what building needs, where it is missing
	@tools/setup.sh

setup-tests: setup ## Install what the tests need besides
	@tools/setup-tests.sh

build: setup ## Build the whole program for production as one file, target/release/refundry
	@tools/build.sh --release

run: setup ## Build quickly, and start the console with demonstration data; says where, and the login
	@tools/build.sh
	@target/quick/refundry demo

test: setup-tests ## Run every check and test, those in the browser included
	@tools/test.sh

torture: setup-tests ## Kill and starve real nodes under load for TORTURE_MINUTES (20)
	@tools/torture.sh

dev: setup ## Start it in debug; rebuild and reload whenever a file changes
	@tools/dev.sh

bench: setup ## Measure what it bears
	@cargo bench --profile release --bench '*'

lint: setup ## Check format and lints of both sides, and the dependencies
	@tools/lint.sh

fmt: ## Format the source
	@cargo fmt --all

clean: ## Remove everything that was built or fetched into this folder
	@cargo clean --quiet
	@rm -rf end2end/node_modules end2end/results end2end/clients/target end2end/clients/*/target end2end/clients/*/*/target
