# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# All that is built lands under $(OUT); "make help" lists the targets.

VERSION   := 0.1.0
SOVERSION := 0
OUT       := build
PREFIX    ?= /usr/local
LIBDIR    ?= $(PREFIX)/lib
KERNEL    ?= $(shell uname -r)
KDIR      ?= /lib/modules/$(KERNEL)/build
GUESTS    ?= 6.1 6.12 7.3
STOCK     ?= 6.12

PKGS      := liburing libnl-3.0 libnl-genl-3.0
CFLAGS    ?= -O2 -g
CPPFLAGS  += -D_GNU_SOURCE -Ilibnvt/include -Ilibnvt -DNVT_VERSION='"$(VERSION)"' $(PKG_CFLAGS)
WARN      := -std=gnu11 -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes \
	     -Wold-style-definition -Wshadow -Wno-unused-parameter
ifdef CI
WARN      += -Werror
endif
PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS))
# libnvme.pc of Debian 12 asks for packages that nothing here needs.
LIBS       = $(shell pkg-config --libs $(PKGS)) -lnvme -lisal -lm -pthread
TOOL_LIBS  = $(shell pkg-config --libs json-c)
CHECK_LIBS = $(shell pkg-config --libs check)

objects   = $(patsubst %.c,$(OUT)/obj/%.o,$(wildcard $(1)))
LIB_OBJ  := $(call objects,libnvt/*.c libnvt/*/*.c)
TOOL_OBJ := $(call objects,tools/*.c)
DUT_OBJ  := $(call objects,tests/dut/*.c tests/dut/*/*.c)
EXAMPLES := $(patsubst tests/examples/%.c,$(OUT)/examples/%,$(wildcard tests/examples/*.c))
MAN      := $(wildcard tools/man/*.1)
SONAME   := libnvt.so.$(SOVERSION)
REALNAME := libnvt.so.$(VERSION)

.DELETE_ON_ERROR:
.PHONY: all lib tool dut examples module deps deps-guest debug-kernel demo test test-unit test-model test-asan test-guest test-stock \
	test-matrix fuzz check install install-module install-dkms uninstall clean help

all: lib tool examples ## library, tool, examples and, where there are kernel headers, nvt.ko
	@if [ -e $(KDIR)/Makefile ]; then $(MAKE) --no-print-directory module; else \
	echo "nvt.ko not built: no kernel headers at $(KDIR) (apt install linux-headers-$(KERNEL))"; fi

lib: $(OUT)/libnvt.a $(OUT)/libnvt.so $(OUT)/libnvt.pc ## the library, shared and static

tool: $(OUT)/nvt ## the nvt command

dut: $(OUT)/nvt-dut ## the model of a device under test

examples: $(EXAMPLES) ## the programs in tests/examples

$(OUT)/obj/tests/dut/%.o $(OUT)/obj/tests/model/%.o: CPPFLAGS += -Itests/dut
$(OUT)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(WARN) $(CFLAGS) $(CPPFLAGS) -fPIC -pthread -MMD -MP -c $< -o $@

$(OUT)/libnvt.a: $(LIB_OBJ)
	rm -f $@
	$(AR) rcs $@ $^

$(OUT)/$(REALNAME): $(LIB_OBJ) libnvt/libnvt.map
	$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,$(SONAME) -Wl,--version-script=libnvt/libnvt.map \
		$(LIB_OBJ) -o $@ $(LIBS)

$(OUT)/libnvt.so: $(OUT)/$(REALNAME)
	ln -sf $(REALNAME) $(OUT)/$(SONAME)
	ln -sf $(SONAME) $@

# Each time, since PREFIX may be another.
.PHONY: $(OUT)/libnvt.pc
$(OUT)/libnvt.pc: libnvt/libnvt.pc.in
	@mkdir -p $(@D)
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@VERSION@|$(VERSION)|' $< > $@

$(OUT)/nvt: $(TOOL_OBJ) $(OUT)/libnvt.a
	$(CC) $(CFLAGS) $(LDFLAGS) $^ -o $@ $(TOOL_LIBS) $(LIBS)

$(OUT)/nvt-dut: $(DUT_OBJ)
	$(CC) $(CFLAGS) $(LDFLAGS) $^ -o $@ -lnvme -lisal -lm

$(OUT)/examples/%: $(OUT)/obj/tests/examples/%.o $(OUT)/libnvt.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) $^ -o $@ $(LIBS)

$(OUT)/tests/unit: $(call objects,tests/unit/*.c) $(OUT)/libnvt.a
$(OUT)/tests/guest: $(call objects,tests/guest/*.c) $(OUT)/libnvt.a
$(OUT)/tests/model: $(call objects,tests/model/*.c tests/dut/loop.c tests/dut/listener.c tests/dut/pcie/*.c tests/dut/nvme/firmware_image.c \
	tests/dut/nvme/timing.c tests/dut/nvme/random.c) $(OUT)/libnvt.a
$(OUT)/tests/unit $(OUT)/tests/guest $(OUT)/tests/model:
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) $^ -o $@ $(CHECK_LIBS) $(TOOL_LIBS) $(LIBS)

# kbuild writes beside its sources, so it gets a tree of links to them.
MODULE := $(OUT)/kmod/$(KERNEL)
module: ## nvt.ko for KERNEL (the running one) with the headers at KDIR
	@mkdir -p $(MODULE)/kmod
	@ln -sfn $(CURDIR)/Kbuild $(MODULE)/Kbuild
	@ln -sfn $(CURDIR)/uapi $(MODULE)/uapi
	@ln -sf $(CURDIR)/kmod/*.[ch] $(MODULE)/kmod/
	$(MAKE) -C $(KDIR) M=$(CURDIR)/$(MODULE) CONFIG_DEBUG_INFO_BTF_MODULES= $(KBUILD_ARGS) modules

# nvt.ko for a guest kernel, which is fetched if it is not there yet.
.PHONY: guest-module-%
guest-module-%: deps-guest
	@release=$$(tests/vm/kernel $* release) && headers=$$(tests/vm/kernel $* headers) && \
	$(MAKE) --no-print-directory -s module KERNEL=$$release KDIR=$$headers

guest-module-debug: debug-kernel

deps: ## install the packages that "make" needs
	@tests/vm/deps build

deps-guest: ## install the packages that the guest needs, and fetch its kernel
	@tests/vm/deps build guest

debug-kernel: deps-guest ## the guest kernel "debug": KASAN, lockdep, kmemleak and more; 10 minutes, then cached
	@tests/vm/deps debug
	@tests/vm/kernel debug

demo: deps-guest ## from nothing to verified I/O: on a model natively, then on our own driver in a guest
	@echo "== building nvt.ko for the guest's kernel, libnvt and nvt"
	@$(MAKE) --no-print-directory -s guest-module-default lib tool examples dut
	@echo "== a model of a drive, natively"
	@tests/examples/native
	@echo "== booting a guest with an emulated NVMe drive; what follows runs in it"
	@tests/vm/run -- tests/examples/demo

# The longest first. A guest keeps one processor busy, so there are as many at once as processors.
JOBS   ?= $(shell nproc)
TESTS  := $(GUESTS:%=test-guest-%) $(STOCK:%=test-stock-%) test-asan selftest check test-model test-unit
TESTED := $(foreach name,unit model guest,$(OUT)/tests/$(name))

# Built before, as two makes at once must not.
test: deps-guest ## all tests: on the host, under sanitizers, and in a guest on each of GUESTS; a quarter of an hour
	@tests/vm/deps lint
	@$(MAKE) --no-print-directory -s lib tool examples dut $(TESTED) $(GUESTS:%=guest-module-%)
	@$(MAKE) --no-print-directory -j$(JOBS) --output-sync=target $(TESTS)
	@echo "all tests passed"

.PHONY: selftest
selftest: ## the tests of the guest's runner
	tests/vm/selftest

test-guest-%:
	@$(MAKE) --no-print-directory test-guest GUEST=$*
test-stock-%:
	@$(MAKE) --no-print-directory test-stock GUEST=$*

test-unit: $(OUT)/tests/unit ## the tests that need no device
	$(OUT)/tests/unit

test-model: $(OUT)/tests/model dut tool ## the tests on the model of a device, natively
	$(OUT)/tests/model

test-asan: ## both under AddressSanitizer and UndefinedBehaviorSanitizer
	$(MAKE) --no-print-directory test-unit test-model OUT=$(OUT)/asan \
		CFLAGS='-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined'

test-matrix: deps-guest ## the tests in guests, on GUESTS and the debug kernel, with and without IOMMU; half an hour
	@$(MAKE) --no-print-directory -s lib tool examples dut $(TESTED) $(GUESTS:%=guest-module-%) guest-module-debug
	@$(MAKE) --no-print-directory -j$(JOBS) --output-sync=target test-guest-debug $(GUESTS:%=test-guest-%) \
		test-stock-6.1 test-stock-6.12
	tests/vm/selftest debug

GUEST ?= default
SPARES := --dut qemu,cmb=4M --dut qemu --dut qemu
MODELS := --dut model,size=64M,cmb=1M --dut model,size=64M,entries=33280
# The debug kernel checks each access.
SLOWNESS = $(if $(filter debug,$(GUEST)),5,1)
test-guest: export CK_TIMEOUT_MULTIPLIER = $(SLOWNESS)
test-guest: guest-module-$(GUEST) $(OUT)/tests/guest lib tool examples dut ## the tests on the driver, in a guest with the kernel GUEST
	tests/vm/run --kernel $(GUEST) --no-iommu -- $(OUT)/tests/guest
	tests/vm/run --kernel $(GUEST) --timeout $$((600 * $(SLOWNESS))) $(MODELS) -- $(OUT)/tests/guest
	tests/vm/run --kernel $(GUEST) --again --timeout $$((600 * $(SLOWNESS))) $(SPARES) -- $(OUT)/tests/guest

test-stock: guest-module-$(GUEST) dut ## what the stock driver, nvme-cli, fio and mkfs make of the model and its faults, in a guest
	tests/vm/run --kernel $(GUEST) --dut model,size=256M -- tests/guest/stock-on-model nvm
	tests/vm/run --kernel $(GUEST) --dut model,size=64M,controllers=2 -- tests/guest/stock-on-model shared
	tests/vm/run --kernel $(GUEST) --dut model,size=64M,zns=on -- tests/guest/stock-on-model zoned
	tests/vm/run --kernel $(GUEST) --dut model,size=64M,timeout=4 --dut-log $(OUT)/stock-faults-$(GUEST).log -- \
		tests/guest/stock-faults $(OUT)/stock-faults-$(GUEST).log

$(OUT)/bench/count.so: tests/bench/count.c tests/bench/mark.h
	@mkdir -p $(@D)
	$(CC) $(WARN) -O2 -g -fPIC -shared -fvisibility=hidden $< -o $@

$(OUT)/bench/mark: tests/bench/mark.c tests/bench/mark.h
	@mkdir -p $(@D)
	$(CC) $(WARN) -O2 -g $< -o $@

MINUTES ?= 1
FUZZERS := $(patsubst tests/fuzz/%.c,$(OUT)/fuzz/%,$(wildcard tests/fuzz/*.c))
$(OUT)/fuzz/%: tests/fuzz/%.c $(filter-out tests/dut/main.c,$(wildcard tests/dut/*.c tests/dut/*/*.c))
	@mkdir -p $(@D)
	clang -std=gnu11 -O1 -g -fsanitize=fuzzer,address,undefined $(CPPFLAGS) -Itests/dut $^ -o $@ -lnvme -lisal -lm -pthread

.PHONY: deps-fuzz
$(FUZZERS): | deps-fuzz
deps-fuzz:
	@tests/vm/deps build fuzz

fuzz: $(FUZZERS) ## each target in tests/fuzz for MINUTES
	@for fuzzer in $(FUZZERS); do mkdir -p $(OUT)/fuzz/corpus.$${fuzzer##*/} && $$fuzzer -max_total_time=$$(($(MINUTES) * 60)) \
		-artifact_prefix=$(OUT)/fuzz/ $(OUT)/fuzz/corpus.$${fuzzer##*/} tests/fuzz/corpus/$${fuzzer##*/} || exit; done

check: ## what the compilers, sparse, mandoc and shellcheck say of the sources
	tests/check $(GUESTS)

install: lib tool ## the library, its headers, the tool and its manual, below DESTDIR and PREFIX
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(PREFIX)/include/nvt $(DESTDIR)$(PREFIX)/bin \
		$(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	install -m 755 $(OUT)/$(REALNAME) $(DESTDIR)$(LIBDIR)
	ln -sf $(REALNAME) $(DESTDIR)$(LIBDIR)/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/libnvt.so
	install -m 644 $(OUT)/libnvt.a $(DESTDIR)$(LIBDIR)
	install -m 644 $(OUT)/libnvt.pc $(DESTDIR)$(LIBDIR)/pkgconfig
	install -m 644 libnvt/include/nvt/*.h $(DESTDIR)$(PREFIX)/include/nvt
	install -m 755 $(OUT)/nvt $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(MAN) $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 tools/completion/nvt $(DESTDIR)$(PREFIX)/share/bash-completion/completions/nvt
	@[ -n "$(DESTDIR)" ] || ldconfig

install-module: module ## nvt.ko for the running kernel
	$(MAKE) -C $(KDIR) M=$(CURDIR)/$(MODULE) CONFIG_DEBUG_INFO_BTF_MODULES= modules_install
	depmod $(KERNEL)

DKMS_SRC := /usr/src/nvt-$(VERSION)
install-dkms: ## nvt.ko by DKMS: built now, and again for each new kernel
	install -d $(DKMS_SRC)
	cp -r Kbuild dkms.conf kmod uapi $(DKMS_SRC)
	dkms install nvt/$(VERSION)

uninstall: ## what "make install" put there
	rm -f $(addprefix $(DESTDIR)$(LIBDIR)/,$(REALNAME) $(SONAME) libnvt.so libnvt.a pkgconfig/libnvt.pc)
	rm -f $(DESTDIR)$(PREFIX)/bin/nvt $(DESTDIR)$(PREFIX)/share/bash-completion/completions/nvt
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/share/man/man1/,$(notdir $(MAN)))
	rm -rf $(DESTDIR)$(PREFIX)/include/nvt

clean: ## remove $(OUT)/
	rm -rf $(OUT)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

-include $(LIB_OBJ:.o=.d) $(TOOL_OBJ:.o=.d) $(DUT_OBJ:.o=.d) $(patsubst %.c,$(OUT)/obj/%.d,$(wildcard tests/*/*.c))
