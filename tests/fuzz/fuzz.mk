# SPDX-License-Identifier: Apache-2.0
#
# Fuzzers: tests/fuzz/NAME.c is a libFuzzer harness, tests/fuzz/corpus/NAME/ what it
# begins with, tests/fuzz/NAME.dict (optional) its words. The program is compiled once
# more for them, with clang, ASan and UBSan, into $(BUILD)/fuzz.

FUZZ_CC	?= clang
FUZZERS	:= $(filter-out llhttp_oracle,$(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c)))
FUZZ_SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FUZZ_MAKE = $(MAKE) --no-print-directory BUILD=$(BUILD)/fuzz CC=$(FUZZ_CC) SANITIZE=1 \
	    CFLAGS='-O1 -g' WARN='-Wall -Wextra' \
	    HARDEN='-fPIE -ftrivial-auto-var-init=pattern -fsanitize=fuzzer-no-link $(FUZZ_SANITIZERS)'

# Debian's node-llhttp holds llhttp's C sources; there is no library of it.
LLHTTP	?= /usr/share/llhttp
LLHTTP_OBJS := $(BUILD)/llhttp/llhttp.o $(BUILD)/llhttp/api.o $(BUILD)/llhttp/http.o

$(BUILD)/llhttp/%.o: $(LLHTTP)/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) -O1 -w -DLLHTTP_STRICT_MODE=1 -I/usr/share/include/llhttp -fPIE -c -o $@ $<

$(BUILD)/tests/fuzz/http_request $(BUILD)/tests/fuzz/http_response: \
	tests/fuzz/llhttp_oracle.c $(LLHTTP_OBJS)

$(BUILD)/tests/fuzz/%: tests/fuzz/%.c $(LIB)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(CPPFLAGS) -I/usr/share/include/llhttp $(ALL_CFLAGS) -MMD -MP \
		$(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $(filter %.c %.o,$^) $(LIB) $(LDLIBS) -lresolv

.PHONY: fuzzers fuzz fuzz-quick fuzz-corpus
fuzzers:
	@tests/deps.sh $(DEPS_BUILD) $(DEPS_FUZZ)
	+@$(FUZZ_MAKE) $(FUZZERS:%=$(BUILD)/fuzz/tests/fuzz/%)

# Ten seconds of each.
fuzz-quick: fuzzers
	@tests/fuzz/fuzz.sh run $(BUILD)/fuzz 10 "$(FUZZ)" $(FUZZERS)

# As long as wanted: make fuzz SECONDS=600 FUZZ=http. What is new stays in $(BUILD)/fuzz/corpus.
SECONDS ?= 60
fuzz: fuzzers
	@tests/fuzz/fuzz.sh run $(BUILD)/fuzz $(SECONDS) "$(FUZZ)" $(FUZZERS)

# Choose anew, of the kept corpora and of what "make fuzz" has found, the few files that cover all.
fuzz-corpus: fuzzers
	@tests/fuzz/fuzz.sh corpus $(BUILD)/fuzz 0 "$(FUZZ)" $(FUZZERS)
