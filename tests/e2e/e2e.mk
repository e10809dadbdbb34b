# SPDX-License-Identifier: Apache-2.0

# The official SDK at both ends, mcpjail between them. Fetches npm packages once.
.PHONY: e2e
e2e:
	@tests/deps.sh $(DEPS_BUILD) $(DEPS_E2E)
	@$(MAKE) --no-print-directory $(BUILD)/mcpjail $(PROMPTFAX)
	$(Q)BUILD=$(BUILD) tests/e2e/run.sh
