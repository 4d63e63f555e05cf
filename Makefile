# sendoff. Two commands do everything from a fresh clone, `make demo` and `make test`; `make` lists the rest.
#
# What they need is found or installed by .ci/tools, into this folder where possible. Everything here is safe under
# -j, and does again only what has changed.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

# --- What is pinned -------------------------------------------------------------------------------------------
# The crate, the program that reads its wasm, and the test runner have to be of one version: Cargo.toml names it.
WASM_BINDGEN := $(shell sed -n 's/^wasm-bindgen = "=\(.*\)"/\1/p' Cargo.toml)
WASM_PACK := 0.15.1
GECKODRIVER_VERSION := 0.37.0

# --- Where things are -----------------------------------------------------------------------------------------
TARGET := $(or $(CARGO_TARGET_DIR),target)
COLLECTOR_TARGET := www-demo/collector/target
STAGE := $(TARGET)/sendoff-pkg
PKG := pkg
TOOLS := .ci/tools
IN_ENV := source .ci/env.sh;
LAYER := .ci/layer
export COLLECTOR_TARGET

DEMO_PORT ?= 8787
DEMO_DB ?= target/demo/events.db

# In CI a lockfile that does not fit is an error; elsewhere cargo brings it up to date.
LOCKED := $(if $(CI),--locked)
# A snapshot that differs is a failure, never a file written beside it.
export INSTA_UPDATE ?= no

# --- Help -----------------------------------------------------------------------------------------------------
.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

# --- Tools: always asked for, installed only if missing ---------------------------------------------------------
.PHONY: tools tool-rust tool-bindgen tool-cargo tool-node tool-bundlers tool-frameworks tool-vendors tool-chromium tool-browsers
tools: tool-rust tool-cargo tool-node tool-bundlers tool-frameworks tool-vendors tool-browsers ## find or install everything that build and tests need

tool-rust:
	@$(TOOLS) rust
tool-bindgen: | tool-rust
	@$(TOOLS) cargo wasm-bindgen-cli@$(WASM_BINDGEN)
tool-cargo: | tool-bindgen
	@$(TOOLS) cargo wasm-pack@$(WASM_PACK) geckodriver@$(GECKODRIVER_VERSION)
tool-node:
	@$(TOOLS) node
tool-bundlers: | tool-node
	@$(TOOLS) packages tests/packaging
tool-frameworks: | tool-node tool-rust
	@$(TOOLS) packages tests/frameworks
	@$(TOOLS) nginx
tool-vendors: | tool-node
	@$(TOOLS) packages tests/differential
tool-chromium: | tool-rust # one apt-get at a time
	@$(TOOLS) chromium
tool-browsers: | tool-chromium
	@$(TOOLS) browsers

# --- Build ----------------------------------------------------------------------------------------------------
RUST_SOURCES := Cargo.toml rust-toolchain.toml .ci/wasm-flags.mk $(wildcard Cargo.lock .cargo/config.toml) $(shell find src -name '*.rs' -o -name '*.js')
PACKAGE_SOURCES := $(shell find pkg-template -type f) $(wildcard LICENSE*)

# What rustc, LLVM and binaryen are asked to do beyond Cargo.toml's profile. WITHOUT leaves some of it out: that is how
# `make switches` measures it.
include .ci/wasm-flags.mk
without = $(filter-out $(WITHOUT),$1)

comma := ,
empty :=
toml_list = [$(subst $(empty) $(empty),$(comma),$(strip $1))]

.PHONY: build
build: $(PKG)/package.json ## build the npm package into pkg/

# The engine is built twice: as it is, and with the formats of other vendors' back ends.
ENGINES := core destinations
FEATURES.destinations := --features destinations

# `cargo rustc --crate-type cdylib`, because cargo does no link-time optimisation for a crate that is an rlib as well.
$(ENGINES:%=$(STAGE)/%/sendoff_bg.wasm): $(STAGE)/%/sendoff_bg.wasm: $(RUST_SOURCES) | tool-rust tool-bindgen
	RUSTC_BOOTSTRAP=1 cargo rustc $(LOCKED) --release --lib --crate-type cdylib --target wasm32-unknown-unknown \
	  $(FEATURES.$*) $(call without,$(CARGO_FLAGS)) \
	  --config 'target.wasm32-unknown-unknown.rustflags=$(call toml_list,$(patsubst %,"%",$(call without,$(RUSTC_FLAGS))))'
	$(IN_ENV) wasm-bindgen --target web --encode-into always --no-typescript --omit-default-module-path --out-name sendoff \
	  --out-dir $(STAGE)/$* $(TARGET)/wasm32-unknown-unknown/release/sendoff.wasm
	@touch $@

# One after the other: cargo writes both to the same place.
$(STAGE)/destinations/sendoff_bg.wasm: | $(STAGE)/core/sendoff_bg.wasm

$(STAGE)/%/optimised.wasm: $(STAGE)/%/sendoff_bg.wasm | tool-node
	$(IN_ENV) wasm-opt $(call without,$(WASM_OPT_FLAGS)) -o $@ $< > $(STAGE)/$*/names.json

# The same engine as JavaScript, for pages that may not run WebAssembly. What wasm2js does not know is put in words that it knows.
LOWERING := --llvm-nontrapping-fptoint-lowering --signext-lowering --llvm-memory-copy-fill-lowering -Oz
$(STAGE)/%/plain.mjs: $(STAGE)/%/optimised.wasm
	$(IN_ENV) wasm-opt $(LOWERING) -o $(STAGE)/$*/lowered.wasm $<
	$(IN_ENV) wasm2js -Oz -o $@ $(STAGE)/$*/lowered.wasm

$(PKG)/package.json: $(foreach engine,$(ENGINES),$(STAGE)/$(engine)/optimised.wasm $(STAGE)/$(engine)/plain.mjs) $(PACKAGE_SOURCES) Cargo.toml | tool-node
	node pkg-template/build.mjs --stage $(STAGE) --out $(PKG)
	@touch $@

# Optimised for the demo. The tests share one that is not, with the collector's own: it is up in half the time.
.PHONY: collector collector-debug
COLLECTOR_BUILD = cargo build $(LOCKED) --manifest-path www-demo/collector/Cargo.toml --target-dir $(COLLECTOR_TARGET)
collector: | tool-rust ## build the collector
	$(COLLECTOR_BUILD) --release
collector-debug: | tool-rust
	$(COLLECTOR_BUILD)

.PHONY: demo
demo: build collector ## build all, and serve the demo page on http://localhost:8787 (DEMO_PORT, DEMO_DB)
	@mkdir -p $(dir $(DEMO_DB))
	@printf '\n  The demo is on  http://localhost:%s  (its rows are in %s; Ctrl-C ends it)\n\n' $(DEMO_PORT) $(DEMO_DB)
	@exec $(COLLECTOR_TARGET)/release/collector --listen 127.0.0.1:$(DEMO_PORT) --db $(DEMO_DB) --www www-demo --www /pkg=pkg --www /vendor/uplot=tests/node_modules/uplot/dist --faults --demo

# --- Tests ----------------------------------------------------------------------------------------------------
LAYERS := lint test-build test-host test-collector test-facade test-differential test-web test-platform test-packaging test-frameworks test-e2e size

.PHONY: test layers $(LAYERS)
test: $(LAYERS) ## all layers below
layers: # their names, for .ci/run
	@echo $(LAYERS)

NODE_TEST := node --test --test-reporter=spec

lint: | tool-rust tool-node ## rustfmt, clippy and rustdoc, warnings denied
	@$(LAYER) $@ .ci/lint

test-build: | tool-node ## the build's own scripts
	@$(LAYER) $@ $(NODE_TEST) .ci/*.test.mjs pkg-template/*.test.mjs tests/size/*.test.mjs

test-host: | tool-rust ## the engine on the host: units, stories, wire formats, simulation
	@$(LAYER) $@ cargo test $(LOCKED) --no-fail-fast --features destinations

test-collector: | tool-rust ## the collector
	@$(LAYER) $@ cargo test $(LOCKED) --no-fail-fast --manifest-path www-demo/collector/Cargo.toml --target-dir $(COLLECTOR_TARGET)

test-facade: build ## the JavaScript facade and its type declarations, in Node
	@$(LAYER) $@ $(NODE_TEST) tests/facade/*.test.mjs

test-differential: | tool-rust tool-vendors ## our formats beside the vendors' own SDKs
	@$(LAYER) $@ $(NODE_TEST) --test-force-exit tests/differential/*.test.mjs

test-web: | tool-rust tool-cargo tool-browsers ## src/web inside Chromium, Firefox and WebKit, by wasm-pack
	@$(LAYER) $@ .ci/web-tests all --lib

test-platform: build | tool-node tool-chromium ## the platform's JavaScript and the package's first use, in headless Chromium
	@$(LAYER) $@ $(NODE_TEST) --test-concurrency=1 tests/web/*.test.mjs

test-packaging: build collector-debug | tool-bundlers tool-chromium ## the packed package, with every bundler, test runner and checker
	@$(LAYER) $@ $(NODE_TEST) --test-concurrency=1 tests/packaging/*.test.mjs

test-frameworks: build collector-debug | tool-frameworks tool-chromium ## the recipes of FRAMEWORKS.md, with every framework, workerd and nginx
	@$(LAYER) $@ $(NODE_TEST) --test-concurrency=1 tests/frameworks/*.test.mjs

.PHONY: packaging
packaging: test-packaging test-frameworks ## both of the above

test-e2e test-packaging test-frameworks delivery: export COLLECTOR ?= $(CURDIR)/$(COLLECTOR_TARGET)/debug/collector
test-e2e: build collector-debug | tool-node tool-cargo tool-browsers ## real browsers, real package, real collector
	@$(LAYER) $@ $(NODE_TEST) --test-concurrency=1 tests/e2e/*.test.mjs

size: build ## what a page downloads, held against tests/size/budget.json
	@$(LAYER) $@ node tests/size/size.mjs --named $(STAGE)/core/sendoff_bg.wasm

.PHONY: bench
bench: build collector-debug | tool-vendors tool-chromium ## what an SDK costs its page: ours and its peers', in turns (ten minutes)
	@node tests/bench/bench.mjs --rounds $${ROUNDS:-3}
	@node tests/bench/feel.mjs --rounds $${ROUNDS:-3}

.PHONY: soak
soak: | tool-rust ## the simulation on new seeds until one fails
	SIM_SOAK=$${SIM_SOAK:-$$(date +%s%3N)} CARGO_PROFILE_TEST_OPT_LEVEL=3 cargo test --test sim --target-dir $(TARGET)/soak -- --ignored soak --nocapture

.PHONY: fuzz
fuzz: build | tool-rust ## damaged storage, messages, answers and calls, and hostile values: a hundred thousand cases (five minutes)
	FUZZ_CASES=$${FUZZ_CASES:-100000} $(NODE_TEST) tests/facade/fuzz.test.mjs
	PROPTEST_CASES=$${PROPTEST_CASES:-20000} cargo test --features destinations --test wire damage

.PHONY: bugs
bugs: | tool-rust ## deliberate bugs, each of which the simulation has to catch (five minutes)
	@tests/bugs/run

.PHONY: delivery
delivery: build collector-debug | tool-node tool-cargo tool-browsers ## the table: what arrives, for every way a page can end
	$(IN_ENV) node tests/e2e/delivery.mjs

.PHONY: reproducible switches release-check
release-check: build reproducible ## all that publishing would need, short of it
	@node .ci/release-check.mjs
reproducible: build ## build again in another folder: the same bytes?
	@.ci/reproducible
switches: | tool-rust tool-bindgen tool-node ## what each compiler switch of .ci/wasm-flags.mk saves; a build each
	node tests/size/switches.mjs

# --- Cleaning -------------------------------------------------------------------------------------------------
.PHONY: clean distclean
clean: ## remove what was built
	rm -rf target pkg $(COLLECTOR_TARGET) tests/e2e/out
distclean: clean ## and the installed tools
	rm -rf .tools tests/node_modules tests/{packaging,frameworks,differential}/node_modules
