# Two commands do everything on a fresh machine: `make demo` and `make test`.
.DEFAULT_GOAL := help
SHELL := /bin/bash
BIN := .venv/bin

.PHONY: help setup demo test test-fast check format lab doctor bench call-matrix leg-log-check load bench-speech soak-speech overload-speech dispatch-eval dispatch-speech bench-dispatch asr-eval model lab-audio chaos fuzz clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## System packages, .venv with the `liandong` command, the lab's Asterisk and Redis
	@tools/setup.sh

demo: setup ## One real call, from ringing phone to delivered ticket; another one: DIALOGUE=gas
	@$(BIN)/liandong demo $(if $(DIALOGUE),--dialogue $(DIALOGUE))

test: setup ## Unit, contract, end-to-end and page tests, in three processes (PROCESSES=)
	@$(BIN)/python -m pytest -n $(or $(PROCESSES),3) --dist loadgroup --no-loadscope-reorder

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

STREAMS := $(BIN)/python -m gateway.lab.bench.streams

call-matrix: setup ## Every verb with every outcome on real calls, one switch and two, 20 min (ONLY="REFER"; ROWS=1-30)
	@$(BIN)/python -m gateway.lab.matrix $(foreach word,$(ONLY),--only $(word)) $(if $(ROWS),--rows $(ROWS))

load: setup ## 10 to 100 calls at a time, each transferred once: drops, gaps, key to INVITE, CPU, 8 min (QUICK=1)
	@mkdir -p $(or $(OUT),build/bench)
	@$(BIN)/python -m gateway.lab.load $(if $(QUICK),--quick) \
		--json $(or $(OUT),build/bench)/load.json --svg $(or $(OUT),build/bench)/load.svg

bench-speech: setup ## Streams a core transcribes in time, beside a plain loop, 15 min (QUICK=1: 5; MODEL=; OUT=dir)
	@mkdir -p $(or $(OUT),build/bench)
	@$(STREAMS) $(if $(QUICK),--quick) $(if $(MODEL),--model $(MODEL)) \
		--json $(or $(OUT),build/bench)/speech.json --svg $(or $(OUT),build/bench)/speech.svg

soak-speech: setup ## Memory of the speech process: 20 streams for 10 minutes (MINUTES=60; MODEL=)
	@$(STREAMS).soak --minutes $(or $(MINUTES),10) $(if $(MODEL),--model $(MODEL))

overload-speech: setup ## Three times the taps that fit: who is admitted stays in time (MODEL=)
	@$(STREAMS).overload $(if $(MODEL),--model $(MODEL))

model: setup ## The Mandarin demo model anew from its recipe, 3 h on two cores; resumes (asr_models/recipe)
	@tools/model.sh

dispatch-eval: setup ## How good the dispatch advice is: by source, with confusions; fails below the floors
	@$(BIN)/python -m gateway.dispatch.cli_train eval

dispatch-speech: setup ## Dispatch advice on the same calls spoken and recognised, 1.5 h; resumes (ROWS=100: 8 min; ERRORS=1)
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --group model
	@$(BIN)/python -m asr_models.recipe.dispatched $(if $(ROWS),--rows $(ROWS)) $(if $(ERRORS),--errors)

bench-dispatch: setup ## What advice costs: start-up, an update of a five-minute call, memory
	@$(BIN)/python -m gateway.dispatch.bench

lab-audio: setup ## Speak the lab's dialogues and the announcements anew (ONLY="gas fraud": these alone)
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --group model
	@$(BIN)/python -m tools.make_lab_audio $(ONLY)
	@$(BIN)/python -m tools.make_announcements

asr-eval: setup ## What the Mandarin model hears: CER, finals, word times (FULL=1: every set, made anew, 15 min)
	@$(if $(FULL),tools/model.sh,$(BIN)/python -m asr_models.recipe) evaluate

leg-log-check: setup ## The leg log of 30 mixed calls beside a capture of their SIP, 4 min (as root; ONLY=hold)
	@$(BIN)/python -m gateway.lab.leg_check $(if $(ONLY),--only $(ONLY))

chaos: setup ## Faults at random moments of random transfers, 45 min (FAULTS=25 SEED=2 KINDS=redis-kill,ami-cut CALLS=47)
	@$(BIN)/python -m gateway.lab.chaos $(if $(FAULTS),--faults $(FAULTS)) $(if $(SEED),--seed $(SEED)) \
		$(if $(KINDS),--kinds $(KINDS)) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(ASTERISK),--asterisk) \
		$(if $(CALLS),--calls $(CALLS))

fuzz: setup ## What strangers, phones and programs could send, on the lab, 2 min (SEED=2 ONLY=refer,taps)
	@$(BIN)/python -m gateway.lab.fuzz $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY)) \
		$(if $(MINUTES),--minutes $(MINUTES))

clean: ## Remove .venv and caches (the lab's chroot stays, shared by all checkouts)
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
