# SPDX-License-Identifier: Apache-2.0

BENCH	:= $(patsubst %,$(BUILD)/tests/bench/%,client launch origin connects parts policy limits)

$(BUILD)/tests/bench/client: tests/bench/call.c tests/bench/call.h
$(addprefix $(BUILD)/tests/bench/,parts policy limits): $(LIB)
$(BUILD)/tests/bench/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP $(ALL_LDFLAGS) -o $@ \
		$(filter %.c %.a,$^) $(LDLIBS)

# Added latency beside nginx and launch beside bubblewrap, in under a minute.
.PHONY: bench-quick bench deps-peers
bench-quick:
	@tests/deps.sh $(DEPS_BUILD) $(DEPS_BENCH)
	@$(MAKE) --no-print-directory $(BUILD)/mcpjail $(PROMPTFAX) $(BENCH)
	$(Q)BUILD=$(BUILD) tests/bench/quick.sh

# All that docs/PERFORMANCE.md shows. Peers that are not installed are left out, and named.
bench:
	@tests/deps.sh $(DEPS_BUILD) $(DEPS_BENCH) python3
	@$(MAKE) --no-print-directory $(BUILD)/mcpjail $(BENCH)
	$(Q)BUILD=$(BUILD) tests/bench/bench.py

deps-peers:
	@tests/deps.sh $(DEPS_PEERS)
