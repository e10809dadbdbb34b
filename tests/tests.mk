# SPDX-License-Identifier: Apache-2.0
# Targets that install, demonstrate and test. Included by the Makefile.

DEPS_BUILD := gcc make pkg-config libc6-dev libssl-dev libjansson-dev libseccomp-dev libc-ares-dev libpcre2-dev \
	      publicsuffix clang libbpf-dev libelf-dev zlib1g-dev
DEPS_TEST  := libcmocka-dev nodejs openssl curl python3 iproute2 iputils-ping util-linux procps \
	      netcat-openbsd strace ca-certificates git wget openssh-client libnss3-tools chromium \
	      bubblewrap default-jdk-headless gdb gron npm python3-docker python3-jsonschema socat tmux dbus
DEPS_E2E   := nodejs npm openssl diffutils curl python3 git ca-certificates bubblewrap socat ripgrep
DEPS_TRY   := nodejs npm openssl diffutils curl ca-certificates
DEPS_BENCH := nginx-light bubblewrap
DEPS_PEERS := haproxy h2o stunnel4 squid-openssl mitmproxy
DEPS_FUZZ  := clang libclang-rt-dev node-llhttp
DEPS_LINT  := clang-format clang-tidy cppcheck python3

.PHONY: deps deps-test deps-lint
deps:
	@tests/deps.sh $(DEPS_BUILD) nodejs openssl
deps-test:
	@tests/deps.sh $(DEPS_BUILD) $(DEPS_TEST)
deps-lint:
	@tests/deps.sh $(DEPS_BUILD) $(DEPS_LINT)

-include tests/fake/fake.mk tests/e2e/e2e.mk tests/bench/bench.mk tests/fuzz/fuzz.mk

JAIL_HELPERS := $(patsubst tests/jail/%.c,$(BUILD)/tests/jail/%,$(wildcard tests/jail/*.c))
$(BUILD)/tests/jail/%: tests/jail/%.c $(LIB)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP $(ALL_LDFLAGS) -o $@ $< $(LIB) $(LDLIBS)

include tests/jail/escape/escape.mk

.PHONY: tests
tests: $(BUILD)/mcpjail unit $(JAIL_HELPERS) $(ESCAPE) $(BUILD)/tests/fake/promptfax

.PHONY: check
check:
	@$(MAKE) --no-print-directory deps-test
	@$(MAKE) --no-print-directory tests
	@tests/run.sh

.PHONY: demo
demo:
	@$(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory $(BUILD)/mcpjail $(BUILD)/tests/fake/promptfax
	@tests/demo/run.sh
