# SPDX-License-Identifier: Apache-2.0
#
# The PromptFax stand-in: main, lib/, and the buffer of base/. Nothing else of the
# program under test is in it.

FAKE_OBJS := $(patsubst %.c,$(BUILD)/obj/%.o,tests/fake/promptfax.c $(wildcard tests/fake/lib/*.c) \
	     launcher/base/buf.c)
PROMPTFAX := $(BUILD)/tests/fake/promptfax

$(PROMPTFAX): $(FAKE_OBJS)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/gen/fake_tools.inc: tests/fake/tools.json
	@mkdir -p $(@D)
	$(call say,GEN,$@)od -An -v -tu1 $< | sed 's/ \+/,/g;s/^,//;s/$$/,/' > $@

$(BUILD)/obj/tests/fake/lib/fax.o: $(BUILD)/gen/fake_tools.inc

-include $(wildcard $(BUILD)/obj/tests/fake/*.d $(BUILD)/obj/tests/fake/lib/*.d)
