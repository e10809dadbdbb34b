# SPDX-License-Identifier: Apache-2.0
#
# The probes: one static program, which needs nothing of whatever tree it finds itself in. Not
# under sanitizers: they ask the kernel for more than a probe may.

ESCAPE	:= $(BUILD)/tests/jail/escape/escape
ESCAPE_OBJS := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/jail/escape/*.c))

$(ESCAPE_OBJS): ALL_CFLAGS = -std=gnu17 $(CFLAGS) $(WARN) -Wno-missing-field-initializers -fno-stack-protector

$(ESCAPE): $(ESCAPE_OBJS)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) -static -pthread -o $@ $^

-include $(wildcard $(BUILD)/obj/tests/jail/escape/*.d)

.PHONY: escape escape-mutants
escape:
	@$(MAKE) --no-print-directory deps-test
	@$(MAKE) --no-print-directory $(BUILD)/mcpjail $(ESCAPE) $(JAIL_HELPERS)
	@tests/jail/escape/run.sh

escape-mutants:
	@$(MAKE) --no-print-directory deps-test
	@$(MAKE) --no-print-directory $(BUILD)/mcpjail $(ESCAPE) $(JAIL_HELPERS)
	@python3 tests/jail/mutants/run.py $(MUTANTS)

# The table in docs/THREATS.md; tests/jail/threats_are_documented.t sees that it is up to date.
.PHONY: escape-docs
escape-docs: $(ESCAPE)
	@$(ESCAPE) list >$(BUILD)/probes && python3 tests/jail/escape/document.py $(BUILD)/probes docs/THREATS.md
