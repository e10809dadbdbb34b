# SPDX-License-Identifier: Apache-2.0
#
# make          build/mcpjail
# make deps     install what building and testing need (Debian, Ubuntu)
# make demo     dependencies, build, and the main job on embedded parts, no network
# make try      a shell with Claude Code in reach of a scripted model; HOST=codex, gemini, opencode
# make check    what the tests need, and the tests
# make escape   every known way out of the jail, tried inside it and outside: two minutes
# make escape-mutants   each defence switched off: its attempts must succeed; half an hour, or MUTANTS=… those
# make lint     layout, layering and static analysis
# make e2e      real agent hosts and the official MCP SDK in the jail; fetches npm packages
# make bench-quick   latency beside nginx, launch beside bubblewrap; make bench: all of docs/PERFORMANCE.md
# make fuzz-quick    ten seconds of each fuzzer; make fuzz SECONDS=600 FUZZ=http: as long as wanted
# make install, make uninstall   PREFIX=/usr/local DESTDIR=
# make clean
#
# V=1 shows commands; SHARED=1 links the libraries dynamically; SANITIZE=1 builds with ASan and UBSan into build/san.

MAKEFLAGS += --no-builtin-rules # else policy/egress, a directory, would be made from egress.c
CC	?= gcc
PREFIX	?= /usr/local
DESTDIR	?=
SANITIZE ?= 0
V	?= 0

BUILD	?= $(if $(filter 1,$(SANITIZE)),build/san,build)
Q	:= $(if $(filter 1,$(V)),,@)
say	= $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' '$(1)' '$(2)';)

PKGS	:= libssl libcrypto jansson libseccomp libcares libpcre2-8 # for their headers
VERSION	:= 0.1.0
,	:= ,

WARN	:= -Wall -Wextra -Wshadow -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes -Wcast-qual \
	   -Wvla -Wundef -Wconversion -Wsign-conversion -Werror
HARDEN	:= -fPIE -fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero
ifeq ($(shell uname -m),x86_64)
HARDEN	+= -fcf-protection=full
endif
ifeq ($(SANITIZE),1)
HARDEN	+= -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LDSAN	:= -fsanitize=address,undefined
else
HARDEN	+= -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
endif

CFLAGS	?= -O2 -g
CPPFLAGS += -Iinclude -Ilauncher -I. -I$(BUILD)/gen -D_GNU_SOURCE -DMCPJAIL_VERSION='"$(VERSION)"'
ALL_CFLAGS := -std=gnu17 $(CFLAGS) $(WARN) $(HARDEN) $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
LDHARDEN := -Wl,-z,relro,-z,now,-z,noexecstack
ALL_LDFLAGS := -pie $(LDHARDEN) -Wl,--as-needed $(LDSAN) $(LDFLAGS)
# The libraries go into the program, libc too: several processes of it start per run, and what
# the dynamic linker does was the largest part of such a start. SHARED=1 for distributions, which
# replace libraries under programs.
SHARED	?= $(SANITIZE)
LDLIBS_BPF := $(or $(shell pkg-config --static --libs-only-l libbpf 2>/dev/null),-lbpf -lelf -lz)
ifeq ($(SHARED),1)
LDLIBS	:= -lssl -lcrypto -ljansson -lcares -lpcre2-8 -lbpf
PROGRAM_LDFLAGS := $(ALL_LDFLAGS)
PROGRAM_LDLIBS := $(LDLIBS)
else
PROGRAM_LDLIBS := -lssl -lcrypto -ljansson -lcares -lpcre2-8 $(LDLIBS_BPF) -Wl,--gc-sections
LDLIBS	:= -Wl,-Bstatic $(PROGRAM_LDLIBS) -Wl,-Bdynamic
# Relocations as a bitmap, half a megabyte less to read, where libc's start-up knows that form.
RELR	:= $(if $(shell printf '\043include <features.h>\n\043if __GLIBC_PREREQ(2,36)\nyes\n\043endif\n' | \
		$(CC) -E -P - 2>/dev/null | grep -x yes),-Wl$(,)-z$(,)pack-relative-relocs)
# Libc would load modules for these; launcher/static_libc.c is in their place.
NOT_LIBC := getaddrinfo freeaddrinfo getnameinfo gethostbyname getservbyname getservbyport_r \
	    dlopen dlsym dlclose dlerror dladdr
# A table of OpenSSL's that nobody asks (base/crypto.c), and that each process would relocate.
NOT_CRYPTO := openssl_add_all_ciphers_int
PROGRAM_LDFLAGS := -static-pie $(LDHARDEN) $(RELR) $(patsubst %,-Wl$(,)--wrap=%,$(NOT_LIBC) $(NOT_CRYPTO)) $(LDFLAGS)
PROGRAM_OBJS := $(BUILD)/obj/launcher/static_libc.o
endif

NOT_LIB	:= launcher/main.c launcher/static_libc.c %.bpf.c
SRCS	?= $(sort $(filter-out $(NOT_LIB),$(wildcard launcher/*.c launcher/*/*.c launcher/*/*/*.c policy/*.c policy/*/*.c bpf/*.c)))
OBJS	:= $(SRCS:%.c=$(BUILD)/obj/%.o)
LIB	:= $(BUILD)/libmcpjail.a

.PHONY: all
all: $(BUILD)/mcpjail

$(BUILD)/mcpjail: $(BUILD)/obj/launcher/main.o $(PROGRAM_OBJS) $(LIB)
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $(PROGRAM_LDFLAGS) -o $@ $^ $(PROGRAM_LDLIBS)

$(LIB): $(OBJS)
	$(call say,AR,$@)rm -f $@ && ar qcs $@ $^

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# The built-in policy is the shipped file itself, as bytes.
$(BUILD)/gen/builtin_policy.inc: policy/promptfax.json
	@mkdir -p $(@D)
	$(call say,GEN,$@)od -An -v -tu1 $< | sed 's/ \+/,/g;s/^,//;s/$$/,/' > $@

$(BUILD)/obj/policy/builtin.o: $(BUILD)/gen/builtin_policy.inc

# The public suffixes that a wildcard may not be: Debian's package publicsuffix.
PUBLIC_SUFFIXES ?= /usr/share/publicsuffix/public_suffix_list.dafsa
$(BUILD)/gen/public_suffixes.inc: $(PUBLIC_SUFFIXES)
	@mkdir -p $(@D)
	$(call say,GEN,$@)od -An -v -tu1 $< | sed 's/ \+/,/g;s/^,//;s/$$/,/' > $@

$(BUILD)/obj/policy/public_suffix.o: $(BUILD)/gen/public_suffixes.inc

# So are the presets. The directory is named too, so that a preset taken away is one less.
PRESETS	:= $(sort $(wildcard policy/egress/*.json))
$(BUILD)/gen/presets.inc: $(PRESETS) policy/egress
	@mkdir -p $(@D)
	$(call say,GEN,$@)for f in $(PRESETS); do \
		printf 'PRESET("%s"\n' "$$(basename $$f .json)" && \
		od -An -v -tu1 $$f | sed 's/^ */,/;s/ \+/,/g' && echo ')' || exit; done > $@

$(BUILD)/obj/policy/presets.o: $(BUILD)/gen/presets.inc

# And AppArmor's profile, which `mcpjail doctor --apparmor` prints with the program's own path.
$(BUILD)/gen/apparmor.inc: launcher/apparmor/mcpjail.in
	@mkdir -p $(@D)
	$(call say,GEN,$@)od -An -v -tu1 $< | sed 's/ \+/,/g;s/^,//;s/$$/,/' > $@

$(BUILD)/obj/launcher/commands/doctor_settings.o: $(BUILD)/gen/apparmor.inc

# The programs of the second wall, as the BPF compiler's object, are part of the program too. -g
# is for the types that libbpf makes the maps by; <asm/types.h> is not where clang looks for it.
CLANG	?= clang
BPF_CFLAGS := -target bpf -mcpu=v3 -O2 -g -std=gnu17 -Wall -Wextra -Wshadow -Werror \
	      -idirafter /usr/include/$(shell $(CC) -print-multiarch)
$(BUILD)/gen/wall.bpf.o: bpf/wall.bpf.c bpf/wall_maps.h
	@mkdir -p $(@D)
	@command -v $(CLANG) >/dev/null || { echo 'make: clang is needed to compile bpf/*.bpf.c: apt-get install clang, or make deps' >&2; exit 1; }
	@echo '#include <bpf/libbpf.h>' | $(CC) -E -xc -o /dev/null - 2>/dev/null || \
		{ echo 'make: libbpf is needed: apt-get install libbpf-dev, or make deps' >&2; exit 1; }
	$(call say,BPF,$<)$(CLANG) $(BPF_CFLAGS) -c -o $@ $<

$(BUILD)/gen/wall_object.inc: $(BUILD)/gen/wall.bpf.o
	$(call say,GEN,$@)od -An -v -tu1 $< | sed 's/ \+/,/g;s/^,//;s/$$/,/' > $@

$(BUILD)/obj/bpf/wall.o: $(BUILD)/gen/wall_object.inc

# --- tests ------------------------------------------------------------------

UNIT_SRCS := $(wildcard tests/unit/test_*.c)
UNIT	:= $(UNIT_SRCS:tests/unit/%.c=$(BUILD)/tests/unit/%)

$(BUILD)/tests/unit/%: tests/unit/%.c $(LIB)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP $(ALL_LDFLAGS) -o $@ $< $(LIB) -lcmocka $(LDLIBS)

FAKE_SRCS := $(wildcard tests/fake/*.c)
$(BUILD)/tests/fake/%: tests/fake/%.c
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP $(ALL_LDFLAGS) -o $@ $< $(LDLIBS)

.PHONY: unit
unit: $(UNIT)

-include $(wildcard $(BUILD)/obj/*/*.d $(BUILD)/obj/*/*/*.d $(BUILD)/obj/*/*/*/*.d $(BUILD)/tests/*/*.d)

include tests/tests.mk

# --- checks of the source -----------------------------------------------------

.PHONY: lint
lint:
	@$(MAKE) --no-print-directory deps-lint
	@tests/lint.sh

# --- installation -------------------------------------------------------------

SHARE	:= $(DESTDIR)$(PREFIX)/share
BASH_COMPLETION := $(SHARE)/bash-completion/completions/mcpjail
ZSH_COMPLETION := $(SHARE)/zsh/site-functions/_mcpjail
FISH_COMPLETION := $(SHARE)/fish/vendor_completions.d/mcpjail.fish

# Only where AppArmor knows its language, as Ubuntu's does from 23.10 on; in a package always.
APPARMOR := $(DESTDIR)/etc/apparmor.d/mcpjail

.PHONY: install uninstall
install: $(BUILD)/mcpjail
	install -d $(SHARE)/mcpjail/egress $(SHARE)/man/man1 $(SHARE)/man/man5 \
		$(dir $(BASH_COMPLETION) $(ZSH_COMPLETION) $(FISH_COMPLETION)) $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(BUILD)/mcpjail $(DESTDIR)$(PREFIX)/bin/mcpjail
	install -m 644 policy/promptfax.json policy/policy.schema.json $(SHARE)/mcpjail/
	install -m 644 $(PRESETS) $(SHARE)/mcpjail/egress/
	install -m 644 docs/man/mcpjail.1 $(SHARE)/man/man1/
	install -m 644 docs/man/mcpjail-policy.5 $(SHARE)/man/man5/
	install -m 644 docs/completions/mcpjail.bash $(BASH_COMPLETION)
	install -m 644 docs/completions/_mcpjail $(ZSH_COMPLETION)
	install -m 644 docs/completions/mcpjail.fish $(FISH_COMPLETION)
	@[ -z "$(DESTDIR)" ] && [ ! -e /etc/apparmor.d/abi/4.0 ] || { \
		install -d $(dir $(APPARMOR)) && sed 's|@PROGRAM@|$(PREFIX)/bin/mcpjail|' \
		launcher/apparmor/mcpjail.in | install -m 644 /dev/stdin $(APPARMOR); }

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/mcpjail $(SHARE)/mcpjail/promptfax.json \
		$(SHARE)/mcpjail/policy.schema.json \
		$(SHARE)/man/man1/mcpjail.1 $(SHARE)/man/man5/mcpjail-policy.5 \
		$(PRESETS:policy/egress/%=$(SHARE)/mcpjail/egress/%) \
		$(BASH_COMPLETION) $(ZSH_COMPLETION) $(FISH_COMPLETION) $(APPARMOR)
	rmdir $(SHARE)/mcpjail/egress $(SHARE)/mcpjail 2>/dev/null || true

.PHONY: clean
clean:
	rm -rf build

.PHONY: help
help:
	@sed -n '/^# make/,/^$$/s/^# \?//p' Makefile
