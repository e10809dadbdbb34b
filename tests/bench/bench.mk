# SPDX-License-Identifier: Apache-2.0

BENCH	:= $(BUILD)/tests/bench/client $(BUILD)/tests/bench/launch

$(BUILD)/tests/bench/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP $(ALL_LDFLAGS) -o $@ $< $(LDLIBS)

# Added latency beside nginx and launch beside bubblewrap, in under a minute.
.PHONY: bench-quick
bench-quick:
	@tests/deps.sh $(DEPS_BUILD) $(DEPS_BENCH)
	@$(MAKE) --no-print-directory $(BUILD)/mcpjail $(PROMPTFAX) $(BENCH)
	$(Q)BUILD=$(BUILD) tests/bench/quick.sh
