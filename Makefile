# Two commands do everything on a fresh Debian or Raspberry Pi OS machine: `make demo` and `make test`.
# Each installs what it needs first (Debian packages through apt, Python packages into .venv) and is quiet about it.

PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)
VENV := .venv
BIN := $(VENV)/bin
SANDBOX := $(BIN)/python -m kazasu.virtual.sandbox --

# What pyscard is built with, and the real parts that the demo and the tests run against.
DEBIAN_PACKAGES := faketime fonts-unifont gcc libpcsclite-dev mosquitto mosquitto-clients opensc pcscd pkg-config python3-dev python3-venv strace swig \
	vsmartcard-vpcd

# What runs a machine to try the package in.
VM_PACKAGES := debootstrap e2fsprogs ipxe-qemu qemu-system-x86 qemu-utils seabios

.PHONY: demo test bench lint format deb debs deb-test vm-test power-cut fuzz attack setup clean
.SILENT:

demo: setup
	$(BIN)/kazasu demo

test: setup
	.ci/postgresql
	$(SANDBOX) $(BIN)/pytest -q

# ARGS="--quick": to see that it runs, not to quote; ARGS="collector roster": only these.
ARGS :=
bench: setup
	.ci/postgresql
	$(PYTHON) -m venv build/installed
	build/installed/bin/pip install -qq --disable-pip-version-check .
	$(SANDBOX) $(BIN)/python -m tests.bench $(ARGS)

# A package in dist/, for this machine's release and architecture; or, as root: make deb RELEASE=trixie ARCH=arm64
RELEASE := $(shell . /etc/os-release && echo $$VERSION_CODENAME)
ARCH := $(shell dpkg --print-architecture)
deb: dist/.built-$(RELEASE)-$(ARCH)

dist/.built-%: packaging/build-deb $(shell packaging/build-deb --inputs)
	packaging/build-deb $(subst -, ,$*)
	touch $@

# All of them, and each installed, upgraded and purged in a Debian of its own (as root; the first time half an hour, arm64 is emulated).
KINDS := bookworm-amd64 bookworm-arm64 trixie-amd64 trixie-arm64
debs: $(KINDS:%=dist/.built-%)
deb-test: setup debs
	.ci/packages binutils lintian
	$(BIN)/pytest -q -rP tests/package

# The package in a virtual machine, under systemd and on a GPIO chip; the first time makes the machine's disk (as root).
vm-test: setup deb
	.ci/packages $(VM_PACKAGES)
	$(BIN)/python tests/vm/image.py
	$(SANDBOX) $(BIN)/pytest -q -rP tests/vm

# Every state in which a power cut can leave the disk around a tap; then the plug of the machine is pulled N times.
N := 100
power-cut: setup deb
	.ci/packages $(VM_PACKAGES)
	$(BIN)/python tests/vm/image.py
	PYTHONPATH=tests $(SANDBOX) $(BIN)/python -m vm.flush_boundaries
	PYTHONPATH=tests $(SANDBOX) $(BIN)/python -m vm.power_cut --cuts $(N)

# Generated messages and files, N to everybody who takes any: a process for each of them, one a processor at a time.
# Half an hour on two processors; a part of a name chooses some: make attack OF=collector N=1000
OF :=
attack: N := 100000
attack: setup
	mkdir -p build/attack
	$(BIN)/pytest -q --collect-only -m hostile -k "$(OF)" tests/property > build/attack/subscribers
	grep :: build/attack/subscribers | MESSAGES=$(N) TMPDIR=$(firstword $(wildcard /dev/shm) /tmp) \
		nice xargs -n 1 -P $$(nproc) $(BIN)/pytest -q -rp -m hostile -o faulthandler_timeout=0

# Cards that answer nonsense, guided by what code it reaches, for so many seconds. atheris has no build for every machine.
FOR := 60
fuzz: setup
	$(BIN)/python -c "import atheris" 2> /dev/null || $(BIN)/pip install -qq --disable-pip-version-check atheris==3.0.0
	mkdir -p build/fuzz/corpus
	$(BIN)/python tests/fuzz/fuzz_cards.py -max_total_time=$(FOR) -max_len=64 -timeout=10 -artifact_prefix=build/fuzz/ \
		-print_final_stats=1 -verbosity=0 build/fuzz/corpus

lint: setup
	$(BIN)/ruff check --quiet
	$(BIN)/ruff format --quiet --check
	$(BIN)/mypy --no-error-summary

format: setup
	$(BIN)/ruff check --quiet --fix
	$(BIN)/ruff format --quiet

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml Makefile
	PYTHON="$(PYTHON)" ./.ci/setup "$(VENV)" $(DEBIAN_PACKAGES)
	touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
