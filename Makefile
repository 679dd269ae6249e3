# SPDX-License-Identifier: Apache-2.0
# GTCAS.  `make help` lists the targets.

VERSION := 0.1.0
PREFIX  ?= /usr/local
DESTDIR ?=
CC      ?= cc

# SAN=address,undefined or SAN=thread builds into a tree of its own, and so
# does COVERAGE=1.
SAN   ?=
COVERAGE ?=
comma := ,
# As many jobs as there are CPUs, and a word a file; V=1 shows the commands.
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc)
endif
MAKEFLAGS += --no-print-directory
V     ?=
Q     := $(if $(V),,@)
BUILD ?= build$(if $(SAN),-$(subst $(comma),-,$(SAN)))$(if $(COVERAGE),-coverage)

CPPFLAGS += -I. -D_GNU_SOURCE -DGTCAS_VERSION='"$(VERSION)"'
WARN     := -Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion -Wvla \
            -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings \
            -Wcast-qual -Wswitch-enum -Wformat=2 -Wundef
HARDEN   := -fPIE -fstack-protector-strong -fstack-clash-protection
CFLAGS   ?= -O2 -g
STD      := -std=c17 $(WARN) -ffp-contract=off -fno-common -ffunction-sections -fdata-sections
# Position independent, read-only after relocation, nothing executable but code.
LINK     := -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed \
            -Wl,--gc-sections
ifeq ($(shell uname -m),x86_64)
HARDEN   += -fcf-protection
endif
ifneq ($(SAN),)
STD      += -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer
LINK     += -fsanitize=$(SAN)
else ifneq ($(COVERAGE),)
STD      += --coverage -O0
LINK     += --coverage
else
HARDEN   += -D_FORTIFY_SOURCE=2
endif
COMPILE   = $(CC) $(CPPFLAGS) -MMD -MP $(CFLAGS) $(STD) $(HARDEN)

# Some distributions ship nng without a .pc file.
pkg       = $(shell pkg-config --libs $(1) 2>/dev/null)
PURE_LIBS = $(call pkg,json-c) -lm
IO_LIBS   = $(or $(call pkg,nng),-lnng) $(call pkg,libmicrohttpd) \
            $(call pkg,libcurl) -lpthread
TEST_LIBS = $(call pkg,cmocka)

# The name of a file says what it may do: main.c and *_io.c touch the world,
# every other product file is pure.
SRC     := $(foreach d,common proto agent arbiter,$(wildcard $(d)/*.c))
IO_SRC  := $(filter %_io.c %/main.c,$(SRC))
PURE    := $(filter-out $(IO_SRC),$(SRC))
# The simulated world is pure as well; its programs are *_main.c.
SIM_SRC := $(wildcard tests/sim/*.c)
SIM_IO  := $(filter %_io.c %_main.c,$(SIM_SRC))
SIM     := $(filter-out $(SIM_IO),$(SIM_SRC))
TESTS   := $(patsubst tests/%.c,%,$(wildcard tests/test_*.c tests/io_*.c tests/proc_*.c))
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
BENCHES := $(patsubst tests/bench/%.c,%,$(wildcard tests/bench/bench_*.c))
obj      = $(patsubst %.c,$(BUILD)/%.o,$(1))
io       = $(call obj,$(filter $(1)/%,$(IO_SRC)))

PROGRAMS := $(if $(wildcard agent/main.c),gtcas-agent) \
            $(if $(wildcard arbiter/main.c),gtcas-arbiter)
SIM_PROGRAMS := $(patsubst tests/sim/%_main.c,gtcas-%,$(wildcard tests/sim/*_main.c))

.PHONY: all test check-san check-valgrind demo bench fuzz lint lint-format lint-rules format \
        coverage install image clean help
.SECONDARY:
.DELETE_ON_ERROR:

all: $(PROGRAMS:%=$(BUILD)/%) $(SIM_PROGRAMS:%=$(BUILD)/%) ## build every program

# What is missing is installed, or named, before the first file is compiled.
build/.deps: tests/deps.sh
	@mkdir -p $(@D)
	@tests/deps.sh build
	@touch $@
build/.deps-%: tests/deps.sh
	@mkdir -p $(@D)
	@tests/deps.sh $*
	@touch $@

$(BUILD)/%.o: %.c | build/.deps
	@mkdir -p $(@D)
	@echo "CC $@"
	$(Q)$(COMPILE) -c $< -o $@

$(BUILD)/libgtcas.a: $(call obj,$(PURE))
	@rm -f $@
	$(Q)$(AR) rcs $@ $^
$(BUILD)/libgtcas_io.a: $(call io,common)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^
$(BUILD)/libagent_io.a: $(call obj,$(filter agent/%_io.c,$(IO_SRC)))
	@rm -f $@
	$(Q)$(AR) rcs $@ $^
$(BUILD)/libarbiter_io.a: $(call obj,$(filter arbiter/%_io.c,$(IO_SRC)))
	@rm -f $@
	$(Q)$(AR) rcs $@ $^
$(BUILD)/libsim.a: $(call obj,$(SIM))
	@rm -f $@
	$(Q)$(AR) rcs $@ $^
$(BUILD)/libsim_io.a: $(call obj,$(filter %_io.c,$(SIM_SRC)))
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

LIBS = $(BUILD)/libgtcas_io.a $(BUILD)/libgtcas.a
SIMS = $(BUILD)/libsim_io.a $(BUILD)/libsim.a
link = @echo "LD $@"; $(CC) $(CFLAGS) $(LDFLAGS) $(LINK) $(filter %.o,$^) \
       -Wl,--start-group $(filter %.a,$^) -Wl,--end-group -o $@
$(BUILD)/gtcas-agent: $(call io,agent) $(LIBS)
	$(link) $(IO_LIBS) $(PURE_LIBS)
$(BUILD)/gtcas-arbiter: $(call io,arbiter) $(LIBS)
	$(link) $(IO_LIBS) $(PURE_LIBS)
$(SIM_PROGRAMS:%=$(BUILD)/%): $(BUILD)/gtcas-%: $(BUILD)/tests/sim/%_main.o $(SIMS) $(LIBS)
	$(link) $(IO_LIBS) $(PURE_LIBS) -lz

# io_* meet the real libraries on loopback, proc_* the real programs.
$(BUILD)/io_agent_%: $(BUILD)/tests/io_agent_%.o $(BUILD)/libagent_io.a $(LIBS)
	$(link) $(TEST_LIBS) $(IO_LIBS) $(PURE_LIBS)
$(BUILD)/io_arbiter_%: $(BUILD)/tests/io_arbiter_%.o $(BUILD)/libarbiter_io.a $(LIBS)
	$(link) $(TEST_LIBS) $(IO_LIBS) $(PURE_LIBS)
$(BUILD)/io_%: $(BUILD)/tests/io_%.o $(SIMS) $(LIBS)
	$(link) $(TEST_LIBS) $(IO_LIBS) $(PURE_LIBS) -lz
$(BUILD)/proc_%: $(BUILD)/tests/proc_%.o $(SIMS) $(LIBS) | all
	$(link) $(TEST_LIBS) $(IO_LIBS) $(PURE_LIBS) -lz

# From here on nothing links nng, curl or microhttpd: the cores need none.
$(BUILD)/test_%: $(BUILD)/tests/test_%.o $(BUILD)/libsim.a $(BUILD)/libgtcas.a
	$(link) $(TEST_LIBS) $(PURE_LIBS) -lz
$(BUILD)/bench_%: $(BUILD)/tests/bench/bench_%.o $(BUILD)/libsim.a $(BUILD)/libgtcas.a
	$(link) $(PURE_LIBS) -lz
$(BUILD)/fuzz_%: tests/fuzz/fuzz_%.c $(PURE) | build/.deps-fuzz
	@mkdir -p $(@D)
	clang $(CPPFLAGS) -std=c17 -g -O1 -fsanitize=fuzzer,address,undefined \
	    $(filter %.c,$^) -o $@ $(PURE_LIBS)

test: $(TESTS:%=$(BUILD)/%) ## run every test; prints the totals
	@GTCAS_BUILD=$(BUILD) tests/run.sh $(BUILD) $(TESTS)
check-san: ## run every test under ASan+UBSan, then under TSan
	$(MAKE) test SAN=address,undefined
	$(MAKE) test SAN=thread
VALGRIND := valgrind --quiet --leak-check=full --show-leak-kinds=all --errors-for-leak-kinds=all --error-exitcode=99
check-valgrind: $(BUILD)/proc_mesh build/.deps-valgrind ## a whole run of the daemons under valgrind
	GTCAS_BUILD=$(BUILD) GTCAS_TEST='a_mesh_starts*' GTCAS_WRAP='$(VALGRIND)' $(BUILD)/proc_mesh
demo: all ## run the mesh on this machine for a minute (DEMO_SECONDS=60)
	@$(BUILD)/gtcas-demo --seconds $(or $(DEMO_SECONDS),60) $(DEMO_FLAGS)
bench: $(BENCHES:%=$(BUILD)/%) ## time the cores
	@for b in $(BENCHES); do $(BUILD)/$$b || exit 1; done
FUZZ_SECONDS ?= 30
fuzz: $(FUZZERS:%=$(BUILD)/%) ## fuzz every decoder for FUZZ_SECONDS each
	@for f in $(FUZZERS); do mkdir -p $(BUILD)/corpus/$$f; $(BUILD)/$$f \
	    -max_total_time=$(FUZZ_SECONDS) $(BUILD)/corpus/$$f \
	    $(wildcard tests/data/fuzz/$$f) || exit 1; done
coverage: build/.deps-coverage ## line coverage of the pure files
	@$(MAKE) test COVERAGE=1
	@tests/coverage.sh build-coverage $(PURE)

FORMATTED = $(shell find agent arbiter common proto tests -name '*.[ch]' 2>/dev/null)
LINTED = $(SRC) $(SIM_SRC)
lint: lint-format lint-rules $(LINTED:%.c=$(BUILD)/%.tidy) ## format, arrows, purity, state, sizes, clang-tidy
lint-format: build/.deps-lint
	@clang-format --dry-run -Werror $(FORMATTED)
lint-rules: $(BUILD)/libgtcas.a $(call obj,$(LINTED)) build/.deps-lint
	@tests/lint.sh $(BUILD)
# The object stands for the headers: it is newer whenever one of them changed.
$(BUILD)/%.tidy: %.c $(BUILD)/%.o .clang-tidy | build/.deps-lint
	@echo clang-tidy $<
	@clang-tidy --quiet $< -- -std=c17 $(CPPFLAGS) 2>$@ || { cat $@; exit 1; }
format: build/.deps-lint ## rewrite the sources in the house style
	clang-format -i $(FORMATTED)
install: all ## install programs and man pages under DESTDIR and PREFIX
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man8
	install $(PROGRAMS:%=$(BUILD)/%) $(DESTDIR)$(PREFIX)/bin
	install -m 644 agent/gtcas-agent.8 arbiter/gtcas-arbiter.8 \
	    $(DESTDIR)$(PREFIX)/share/man/man8
image: ## build the container images
	for i in agent arbiter; do docker build -f manifests/Dockerfile \
	    --target $$i -t gtcas-$$i:$(VERSION) . || exit 1; done
clean: ## remove what was built
	rm -rf build build-*
help: ## print this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

-include $(wildcard $(BUILD)/*/*.d $(BUILD)/*/*/*.d)
