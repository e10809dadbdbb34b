# SPDX-License-Identifier: Apache-2.0

# The official SDK at both ends, mcpjail between them. Fetches npm packages once.
.PHONY: e2e
e2e: $(BUILD)/mcpjail $(PROMPTFAX)
	$(Q)BUILD=$(BUILD) tests/e2e/run.sh
