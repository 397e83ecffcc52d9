# make test   everything that must hold; installs the Debian packages it needs, or names them
# make exact  instructions of what is done most, against the kept figures (part of test)
# make demo   an office in the terminal
# make audit  licences, sources and advisories of what is linked (installs cargo-deny: minutes)
# make deb    a Debian package in target/debian (installs cargo-deb)
# make fuzz   every fuzz target for T seconds each (default 60)
# make torture-crash  an agent under load, killed ROUNDS times (default 200)
# make plant  known defects, of which the world must find each
# make world  SEEDS offices in virtual time over a faulty network (default 2000; part of test)
# make soak   the same for MINUTES (default 60), none seen before
# make bench  the cost beside Kamailio's and the kernel's, RUNS times (default 5), into docs/

SHELL := /bin/bash
CARGO ?= cargo
T ?= 60
ROUNDS ?= 200
SEEDS ?= 2000
MINUTES ?= 60
BUILT = $(or $(CARGO_TARGET_DIR),target)
TARGETS ?= $(basename $(notdir $(wildcard fuzz/targets/*.rs)))

# A command and the Debian package that brings it.
NEEDS = sipp:sip-tester xmllint:libxml2-utils valgrind:valgrind python3:python3
# Daemons come only where nothing would start them: containers. Elsewhere their tests are skipped.
ifeq ($(wildcard /run/systemd/system),)
NEEDS += fail2ban-regex:fail2ban
endif

.PHONY: test check unit world soak plant sipp killed torture-crash exact deps demo bench audit deb fuzz clean

test: deps check unit world sipp killed exact
	@echo "all tests passed"

deps:
	@missing=""; \
	for need in $(NEEDS); do \
	  command -v $${need%%:*} >/dev/null 2>&1 || missing="$$missing $${need##*:}"; \
	done; \
	[ -z "$$missing" ] && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	  echo "installing$$missing"; \
	  (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing) >/dev/null; \
	else \
	  echo "these packages are missing:$$missing"; \
	  echo "install them with: sudo apt-get install$$missing"; exit 1; \
	fi

check:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --all-targets --locked -- -D warnings

	@if command -v cargo-deny >/dev/null 2>&1; then \
	  $(CARGO) deny --locked check licenses bans sources; \
	else echo "cargo-deny is not installed: tests/house.rs checks licences and sources"; fi

unit:
	$(CARGO) test --locked

# Two thousand offices in virtual time, each with other faults, built as the instruction counts are.
world:
	WORLD_SEEDS=$(SEEDS) $(CARGO) test --locked --profile bench --test world

# As many as there is time for, none of them seen before.
soak:
	WORLD_MINUTES=$(MINUTES) WORLD_FROM=$${FROM:-$$(date +%s)000} \
	  $(CARGO) test --locked --profile bench --test world -- --nocapture the_lamps

plant:
	contrib/torture/plant

sipp:
	$(CARGO) build --locked
	tests/sipp/run

# A change that costs more than 3 % more instructions fails until the kept figure is changed.
exact:
	contrib/bench/exact

# A few kills of the agent as the other tests build it.
killed:
	$(CARGO) build --locked
	contrib/torture/crash --binary $(BUILT)/debug/fanal --rounds 5

torture-crash:
	$(CARGO) build --release --locked
	contrib/torture/crash --binary $(BUILT)/release/fanal --rounds $(ROUNDS)

demo:
	$(CARGO) run --release -- demo

bench:
	contrib/bench/run

audit:
	@command -v cargo-deny >/dev/null 2>&1 || $(CARGO) install cargo-deny --locked
	$(CARGO) deny check

deb:
	@command -v cargo-deb >/dev/null 2>&1 || $(CARGO) install cargo-deb --locked
	$(CARGO) deb --locked

# Seeds are the messages and documents the tests use, and what stands in fuzz/seeds.
SEEDS_message = tests/torture/rfc4475 tests/torture/rfc5118 tests/corpus/sip
SEEDS_stream = $(SEEDS_message)
SEEDS_rsip_differs = $(SEEDS_message)
SEEDS_pidf = tests/corpus/docs/pidf tests/corpus/docs/rpid tests/corpus/docs/cipid
SEEDS_dialog_info = tests/corpus/docs/dialog-info
SEEDS_summary = tests/corpus/docs/message-summary
SEEDS_ical = tests/corpus/ical

fuzz: $(TARGETS:%=fuzz-%)

fuzz-%:
	@command -v cargo-fuzz >/dev/null 2>&1 || $(CARGO) install cargo-fuzz --locked
	@mkdir -p fuzz/corpus/$* fuzz/seeds/$*
	@echo "== $*, $(T) s"
	@set -o pipefail; RUSTC_BOOTSTRAP=1 $(CARGO) fuzz run -s none $* fuzz/corpus/$* \
	  fuzz/seeds/$* $(SEEDS_$*) -- -max_total_time=$(T) -max_len=8192 -timeout=10 2>&1 \
	  | grep -E "panicked|assert|SUMMARY|ERROR|Test unit|artifact|^Done" ; \
	  [ $${PIPESTATUS[0]} = 0 ]

clean:
	$(CARGO) clean
