# Two commands do everything on a fresh machine: `make demo` and `make test`.
.DEFAULT_GOAL := help
SHELL := /bin/bash
BIN := .venv/bin

.PHONY: help setup demo test test-fast check format lab doctor bench dispatch-eval clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## System packages, .venv with the `liandong` command, the lab's Asterisk and Redis
	@tools/setup.sh

demo: setup ## One real call from ringing phone to delivered ticket; exit 0 only if all of it happened
	@$(BIN)/liandong demo

test: setup ## Unit, contract, end-to-end and page tests
	@$(BIN)/python -m pytest

test-fast: setup ## Unit and contract tests only
	@$(BIN)/python -m pytest tests/unit tests/contract

check: setup ## ruff, mypy --strict, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: setup ## Mend what ruff can mend
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lab: setup ## A private PBX, Redis, gateway and order system that stay up; register your softphone
	@$(BIN)/liandong lab up

doctor: setup ## Look at the PBX of your settings (CONFIG=file.toml)
	@$(BIN)/liandong doctor $(if $(CONFIG),--config $(CONFIG))

bench: setup ## Key to INVITE beside the native transfer, and the latency of every stage
	@$(BIN)/python -m gateway.lab.bench

dispatch-eval: setup ## How good the dispatch advice is: by source, with confusions; fails below the floors
	@$(BIN)/python -m gateway.dispatch.cli_train eval tests/data/dispatch_eval/tuned tests/data/dispatch_eval/second
	@$(BIN)/python -m gateway.dispatch.cli_train eval --no-floors tests/data/dispatch_eval/third

clean: ## Remove .venv and caches (the lab's chroot stays, shared by all checkouts)
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
