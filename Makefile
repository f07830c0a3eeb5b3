# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# libnvt: all that is built lands under $(O); "make help" lists the targets.

VERSION   := 0.1.0
SOVERSION := 0
O         := build
PREFIX    ?= /usr/local
LIBDIR    ?= $(PREFIX)/lib
KERNEL    ?= $(shell uname -r)
KDIR      ?= /lib/modules/$(KERNEL)/build

CC        ?= gcc
PKGS      := liburing libnl-3.0 libnl-genl-3.0 libnvme
CFLAGS    ?= -O2 -g
CPPFLAGS  += -D_GNU_SOURCE -Ilibnvt/include -Ilibnvt -DNVT_VERSION='"$(VERSION)"' \
	     $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
WARN      := -std=gnu11 -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes \
	     -Wold-style-definition -Wshadow -Wno-unused-parameter
ALL_CFLAGS = $(WARN) $(CFLAGS) $(CPPFLAGS) -fPIC -pthread -MMD -MP
MAKEFLAGS += --no-builtin-rules

LIB_SRC   := $(wildcard libnvt/*.c libnvt/*/*.c)
TOOL_SRC  := $(wildcard tools/*.c)
UNIT_SRC  := $(wildcard tests/unit/*.c)
GUEST_SRC := $(wildcard tests/guest/*.c)
EXAMPLES  := $(patsubst tests/examples/%.c,$(O)/examples/%,$(wildcard tests/examples/*.c))

obj = $(patsubst %.c,$(O)/obj/%.o,$(1))
LIBS       = $(shell pkg-config --libs $(PKGS)) -lisal -lm
TOOL_LIBS  = $(shell pkg-config --libs json-c)
CHECK_LIBS = $(shell pkg-config --libs check)

SO := $(O)/libnvt.so.$(VERSION)

.PHONY: all lib tool module examples deps deps-guest demo test test-unit test-guest \
	test-asan check install uninstall clean help
.DEFAULT_GOAL := all

all: lib tool examples module-if-headers ## the library, the tool, the examples and, with kernel headers, nvt.ko

lib: $(O)/libnvt.a $(O)/libnvt.so $(O)/libnvt.pc ## libnvt, shared and static

tool: $(O)/nvt ## the nvt command

examples: $(EXAMPLES) ## the programs in tests/examples

$(O)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c $< -o $@

$(O)/libnvt.a: $(call obj,$(LIB_SRC))
	rm -f $@ && $(AR) rcs $@ $^

$(SO): $(call obj,$(LIB_SRC)) libnvt/libnvt.map
	$(CC) $(CFLAGS) -shared -Wl,-soname,libnvt.so.$(SOVERSION) -Wl,--no-undefined \
		-Wl,--version-script=libnvt/libnvt.map $(call obj,$(LIB_SRC)) -o $@ -pthread $(LIBS)

$(O)/libnvt.so: $(SO)
	ln -sf $(notdir $(SO)) $(O)/libnvt.so.$(SOVERSION)
	ln -sf libnvt.so.$(SOVERSION) $@

$(O)/libnvt.pc: libnvt/libnvt.pc.in Makefile
	@mkdir -p $(@D)
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@VERSION@|$(VERSION)|' $< > $@

$(O)/nvt: $(call obj,$(TOOL_SRC)) $(O)/libnvt.a
	$(CC) $(CFLAGS) $^ -o $@ -pthread $(TOOL_LIBS) $(LIBS)

$(O)/examples/%: $(O)/obj/tests/examples/%.o $(O)/libnvt.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $^ -o $@ -pthread $(LIBS)

$(O)/tests/unit: $(call obj,$(UNIT_SRC)) $(O)/libnvt.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $^ -o $@ -pthread $(CHECK_LIBS) $(LIBS)

$(O)/tests/guest: $(call obj,$(GUEST_SRC)) $(O)/libnvt.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $^ -o $@ -pthread $(CHECK_LIBS) $(LIBS)

# kbuild writes beside its sources, so it gets a tree of links of its own.
MODDIR = $(O)/kmod/$(KERNEL)
module: ## nvt.ko for KERNEL (this one unless given) from the headers at KDIR
	@mkdir -p $(MODDIR)
	@ln -sfn $(CURDIR)/Kbuild $(MODDIR)/Kbuild
	@ln -sfn $(CURDIR)/uapi $(MODDIR)/uapi
	@mkdir -p $(MODDIR)/kmod && ln -sf $(CURDIR)/kmod/*.[ch] $(MODDIR)/kmod/
	$(MAKE) -C $(KDIR) M=$(CURDIR)/$(MODDIR) CONFIG_DEBUG_INFO_BTF_MODULES= $(KBUILD_ARGS) modules

.PHONY: module-if-headers
module-if-headers:
	@if [ -e $(KDIR)/Makefile ]; then $(MAKE) --no-print-directory module; else \
	echo "nvt.ko: no kernel headers at $(KDIR); install linux-headers-$(KERNEL) to build it"; fi

clean: ## remove $(O)/
	rm -rf $(O)

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

-include $(shell find $(O)/obj -name '*.d' 2>/dev/null)
