# SPDX-License-Identifier: Apache-2.0

# Real programs around mcpjail: the official SDK at both ends, agent hosts with a scripted
# model, what agents run. Fetches npm packages once, a gigabyte of them for the agent hosts;
# e2e-sdk does without those.
.PHONY: e2e e2e-sdk
e2e:
	@tests/deps.sh $(DEPS_BUILD) $(DEPS_E2E)
	@$(MAKE) --no-print-directory $(BUILD)/mcpjail $(PROMPTFAX)
	$(Q)BUILD=$(BUILD) tests/e2e/run.sh
e2e-sdk:
	@tests/deps.sh $(DEPS_BUILD) $(DEPS_E2E)
	@$(MAKE) --no-print-directory $(BUILD)/mcpjail $(PROMPTFAX)
	$(Q)BUILD=$(BUILD) tests/e2e/run.sh sdk

# One agent host to try by hand, or TRY=COMMAND in its place. An environment's HOST is a machine.
.PHONY: try
try:
	@tests/deps.sh $(DEPS_BUILD) $(DEPS_TRY)
	@$(MAKE) -s --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$$(nproc)) $(BUILD)/mcpjail $(PROMPTFAX)
	$(Q)BUILD=$(BUILD) tests/e2e/try.sh $(if $(filter command,$(origin HOST)),$(HOST))
