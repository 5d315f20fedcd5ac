# Marbles - build, boot, test.  `make help` lists what there is.
#
# From top to bottom: knobs, files, tools, flags, rules, targets.  All that is made
# goes under build/:
#
#     build/marbles.elf         the kernel, -O2; its objects in build/mm/ ...
#     build/gdb/marbles.elf     the kernel, -Og, for make gdb
#     build/san/marbles.elf     the kernel with SAN=1
#     build/lab/N/marbles.elf   the kernel with LAB=: a number N for each list (32 kept)
#     build/toolchain/N/        the kernel as compiler N makes it, for test-toolchains
#     build/marbles.iso         a boot medium with the kernel
#     build/hosted/             mm as a 64-bit library, and the unit tests
#     build/fuzz/               the fuzzers, what they found, and their corpora
#     build/coverage/           the same tests, with mm compiled for gcov
#     build/mutants/            the same tests, with mm altered
#     build/debian/             a Debian for test-debian, and its packages
#     build/export/             what make export writes for other tools
#     build/viewers/            those of npm, for test-export
#     build/marbles-students.tar.gz, build/gradescope-NAME.zip   of make student-kit
#                               and make gradescope

# ---- knobs ------------------------------------------------------------------------

# C files from anywhere, compiled into the kernel.
LAB       ?=
# Kernel parameters: make run CMDLINE="mem=16M quiet".
CMDLINE   ?=
# Shell commands for make exec, and the seconds that they may take.
CMDS      ?=
SECONDS   ?= 60
# What make export writes; and OUT=, its file, if it is not to be in build/export.  Of
# make grade: in which form.
FORMAT    ?=
ifneq ($(filter export,$(MAKECMDGOALS)),)
EXPORT_TO := $(if $(filter command,$(firstword $(origin OUT))),$(value OUT))
override undefine OUT
endif
# By what make grade judges LAB: tests/labs/LESSON/LESSON.lab.
LESSON    ?=
# The file of make record and make replay; WHOLE=1: with the kernel in it, as with LAB.
RECORD    ?= build/session.marbles
WHOLE     ?=
# Of make why-lost: the number of an object, or the line that took it.
SERIAL    ?=
SITE      ?=
# RAM of the machine.
MEM       ?= 64M
# Appended to the command lines of QEMU and of GDB.
QEMUFLAGS ?=
GDBFLAGS  ?=
# What make fuzz tries, and the seconds that it takes; operations of make soak.
FUZZ      ?= mm
FUZZTIME  ?= 600
SOAK      ?= 1000000000
# Of make soak-qemu: from what it draws, the seconds, and the steps (0: as many as it can).
SEED      ?= 1
TIME      ?= 3600
STEPS     ?= 0
# Files that make mutants alters, and how many mutants it tries; 0 is all.
MUTANTS   ?= $(sort $(wildcard mm/*.[ch] mm/*/*.[ch]))
SAMPLE    ?= 0
# Prefix of the compiler, such as i686-elf-; or CROSS=clang.  Found if not given.
CROSS     ?=
# Debian's release for make test-debian, and where it comes from if not from apt's.
RELEASE   ?= trixie
MIRROR    ?=
# 1: GCC's address and undefined-behaviour sanitizers, in the kernel and in labs.
SAN       ?=
# 1: make bench-hosted as a trial, whose figures mean nothing.
QUICK     ?=
# 1 shows the commands as they run.
V         ?= 0
# 1 makes a warning an error, as it is where CI=true.
WERROR    ?= $(if $(filter true,$(CI)),1,0)

# What the user wrote for the kernel and QEMU, as it was written: nothing in it is for
# make or for the shell.  Recipes read it from the environment.  It stands before all
# $(shell ...), to which make from 4.4 on hands what is exported.
override CMDLINE   := $(value CMDLINE)
override CMDS      := $(value CMDS)
override SECONDS   := $(value SECONDS)
override QEMUFLAGS := $(value QEMUFLAGS)
override LAB       := $(value LAB)
override FORMAT    := $(value FORMAT)
# The robot of soak-qemu, and what it does.
SOAK_LABS := $(addprefix tests/labs/,soak.c bag.c inject.c faults.c hang.c)
ifneq ($(filter soak-qemu,$(MAKECMDGOALS)),)
override LAB += $(SOAK_LABS)
endif
export MARBLES_CMDLINE   := $(CMDLINE)
export MARBLES_CMDS      := $(CMDS)
export MARBLES_SECONDS   := $(SECONDS)
export MARBLES_SERIAL    := $(SERIAL)
export MARBLES_SITE      := $(SITE)
export MARBLES_QEMUFLAGS := $(QEMUFLAGS)
export MARBLES_FORMAT    := $(FORMAT)
export MARBLES_OUT       := $(EXPORT_TO)
export SAN

# What may stand in a path that make and the shell come across, and what else is in it.
quote      = '$(subst ','\'',$(1))'
PATH_CHARS := letters, digits and . _ - + , @ ~ ( ) /
odd        = $(shell printf %s $(call quote,$(1)) | \
                     LC_ALL=C tr -d 'A-Za-z0-9._+,@~()/\200-\377-')

ifneq ($(call odd,$(CURDIR)),)
$(error the path of this folder may have $(PATH_CHARS), and no blank: move it)
endif

deps: ## install what is missing, before other goals (Debian, Ubuntu)
	@sh tests/deps.sh $(if $(filter exec,$(MAKECMDGOALS)),>&2)

# Tools are looked for while this file is read.  So where other goals stand beside deps,
# they are for a make that starts when deps has ended, and the rest is not read here.
AFTER_DEPS := $(if $(filter deps,$(MAKECMDGOALS)),$(filter-out deps,$(MAKECMDGOALS)))
ifneq ($(AFTER_DEPS),)
$(AFTER_DEPS): after-deps
	@:

after-deps: deps
	@$(MAKE) --no-print-directory $(AFTER_DEPS)

.PHONY: deps after-deps $(AFTER_DEPS)
else

# ---- files: the list is the map ------------------------------------------------------

# boot: from the loader to C.
BOOT += boot/entry.S                    # from the loader to kernel_main

# mm, the heart: pages, slabs, kmalloc, records; who comes in, who is refused.
MM += mm/heap.c                         # the state of the heap
MM += mm/site.c                         # call sites
MM += mm/buddy.c                        # blocks of pages that split and join
MM += mm/page_alloc.c                   # whole pages: alloc_pages and its kin
MM += mm/slab.c                         # slabs of equal slots
MM += mm/layout.c                       #   how it is divided
MM += mm/partial.c                      #   lists of those with free slots
MM += mm/cache.c                        # the table of caches
MM += mm/kmalloc.c                      # memory of any size
MM += mm/short.c                        # the short ways through all of it
MM += mm/enter.c                        # entering, and who comes while it is entered
MM += mm/object.c                       # from an address to what is there
MM += mm/free.c                         # giving back: the door, and what is put off
MM += mm/refuse.c                       # saying no, and why

# mm/front: what stands before the heart.
MM += mm/front/init.c                   # handing memory over: mm is put together
MM += mm/front/caches.c                 #   the caches that are there from the start
MM += mm/front/create.c                 # making and ending caches
MM += mm/front/exact.c                  # pages, as many as are asked for
MM += mm/front/krealloc.c               # calls made of kmalloc and kfree
MM += mm/front/functions.c              # the calls as functions, without a call site

# mm/look: who looks at it from above.
MM += mm/look/look.c                    # what the heart asks of those who look
MM += mm/look/what.c                    # what is this address
MM += mm/look/former.c                  #   and what was there before
MM += mm/look/fault.c                   # who was where an access faulted
MM += mm/look/explain.c                 # why a free was refused
MM += mm/look/names.c                   #   bugs and flags in words
MM += mm/look/observe.c                 # telling those who look on
MM += mm/look/walk.c                    # what is live
MM += mm/look/stats.c                   # the heap in numbers
MM += mm/look/check.c                   # mm_check: every numbered rule, proved
MM += mm/look/buddy_check.c             #   those of pages
MM += mm/look/slab_check.c              #   those of slabs
MM += mm/look/slab_fault.c              # what a slab must be, and lists made anew
MM += mm/look/recover.c                 # an operation dropped in the middle, mended

# mm/scan: what points where.
MM += mm/scan/mark.c                    # what is lost: the mark
MM += mm/scan/things.c                  #   all that is live, and sums by call site
MM += mm/scan/refs.c                    # who points there
MM += mm/scan/tree.c                    # what goes with what is lost
MM += mm/scan/said.c                    # what a program says of its objects
MM += mm/scan/own.c                     #   and of pieces that it hands out itself

# mm/watch: the debugging dials.
MM += mm/watch/dials.c                  # debugging dials, by Linux's names
MM += mm/watch/settings.c               #   what they are set to
MM += mm/watch/watch.c                  #   objects: red zones, poison, slabs proved
MM += mm/watch/watch_pages.c            #   pages and large kmallocs
MM += mm/watch/zone.c                   #   bytes that must all be the same
MM += mm/watch/quarantine.c             #   freed objects that wait
MM += mm/watch/guarded.c                #   objects against a page that is not there
MM += mm/watch/inject.c                 # allocations that fail on purpose
MM += mm/watch/inject_value.c           #   what is said of them, and which are meant
MM += mm/watch/stack.c                  # the calls that led to a call

# drivers: one chip a file.
DRIVERS += drivers/serial.c             # 16550 UART
DRIVERS += drivers/pic.c                # 8259A interrupt controllers
DRIVERS += drivers/pit.c                # 8254 timer
DRIVERS += drivers/vga.c                # text on a VGA screen
DRIVERS += drivers/watchdog.c           # an NMI if nobody feeds it
DRIVERS += drivers/power.c              # test exit, power off, reboot

# kernel, the spine: what every other wing of it needs.
KERNEL += kernel/main.c                 # entry to prompt, as a list
KERNEL += kernel/panic.c                # reports that end a command, or the kernel
KERNEL += kernel/fault.c                #   an exception in words
KERNEL += kernel/ending.c               # Ctrl-C and the watchdog
KERNEL += kernel/memmap.c               # the machine's memory, handed to mm
KERNEL += kernel/loader.c               #   what the loader says of it (pure)
KERNEL += kernel/memmap_usable.c        #   what of it is usable (pure)
KERNEL += kernel/console.c              # characters out and in
KERNEL += kernel/printk.c               # kprintf and the log
KERNEL += kernel/format.c               #   their formats (pure)
KERNEL += kernel/format_pointer.c       #   what stands behind %p (pure)
KERNEL += kernel/format_buffer.c        #   text into a buffer (pure)
KERNEL += kernel/shown.c                #   text that a terminal shows (pure)
KERNEL += kernel/wrap.c                 #   rows of 80 columns (pure)
KERNEL += kernel/string.c               # memcpy, strlen and their kin
KERNEL += kernel/params.c               # the kernel command line
KERNEL += kernel/symbols.c              # names for addresses
KERNEL += kernel/lines.c                #   lines for those of code
KERNEL += kernel/backtrace.c            #   and the calls that led somewhere
KERNEL += kernel/stack_guard.c          # arrays on the stack that run over

# kernel/cpu: the machine.
KERNEL += kernel/cpu/gdt.c              # segments, and a task for the double fault
KERNEL += kernel/cpu/trap.c             # exceptions and interrupts, in C
KERNEL += kernel/cpu/trap_entry.S       #   and where the CPU comes in
KERNEL += kernel/cpu/debug.c            # stops at writes, steps, int3
KERNEL += kernel/cpu/guard.c            # calls that can be ended
KERNEL += kernel/cpu/guard_entry.S      #   and where the CPU goes on then
KERNEL += kernel/cpu/paging.c           # page tables
KERNEL += kernel/cpu/timer.c            # ticks

# kernel/line: a line typed at a terminal.
KERNEL += kernel/line/terminal.c        # what is known of the terminal (pure)
KERNEL += kernel/line/keys.c            #   its bytes, made into keys (pure)
KERNEL += kernel/line/utf8.c            #   those bytes, made into characters (pure)
KERNEL += kernel/line/lookalike.c       #   characters, made into ASCII (pure)
KERNEL += kernel/line/line_view.c       #   a line on its screen, in few bytes (pure)
KERNEL += kernel/line/tty.c             #   the one at the console
KERNEL += kernel/line/colour.c          #   letters on a colour, if it has some
KERNEL += kernel/line/edit.c            # editing a line (pure)
KERNEL += kernel/line/edit_text.c       #   its text
KERNEL += kernel/line/edit_search.c     #   Ctrl-R
KERNEL += kernel/line/edit_complete.c   #   Tab
KERNEL += kernel/line/history.c         #   the lines before (pure)
KERNEL += kernel/line/readline.c        # a line typed at the console

# kernel/shell: from a line to commands, and those about the shell and the machine.
KERNEL += kernel/shell/complete.c       # the words that may stand somewhere
KERNEL += kernel/shell/shell.c          # from a line to commands
KERNEL += kernel/shell/run.c            #   a command, under a guard
KERNEL += kernel/shell/words.c          #   a line, cut into words (pure)
KERNEL += kernel/shell/commands.c       # which commands there are
KERNEL += kernel/shell/unknown.c        #   or to what may have been meant
KERNEL += kernel/shell/shell_args.c     #   and their arguments
KERNEL += kernel/shell/json.c           #   and text for those who read -j
KERNEL += kernel/shell/cmd_help.c       # help
KERNEL += kernel/shell/cmd_more.c       # more: one screen at a time
KERNEL += kernel/shell/cmd_watch.c      # watch, clear, history
KERNEL += kernel/shell/chart.c          #   a number over time
KERNEL += kernel/shell/cmd_system.c     # params, dmesg, uptime, exit ...

# kernel/memory: mm in words.
KERNEL += kernel/memory/held.c          # what the shell holds: $1, $2 ...
KERNEL += kernel/memory/sites.c         # call sites in words
KERNEL += kernel/memory/report.c        # what mm reports, printed
KERNEL += kernel/memory/report_failure.c #   no memory, or none on purpose
KERNEL += kernel/memory/report_damage.c #   damage, byte by byte, as slub does
KERNEL += kernel/memory/report_fault.c  #   a fault in memory that was taken away
KERNEL += kernel/memory/dials.c         # the parameters of mm
KERNEL += kernel/memory/aftermath.c     # what a command that was ended leaves
KERNEL += kernel/memory/meanwhile.c     # what handlers of earlier ones took meanwhile
KERNEL += kernel/memory/whatis.c        # whatis: what an address is, in sentences
KERNEL += kernel/memory/cmd_memory.c    # meminfo, buddyinfo, slabinfo
KERNEL += kernel/memory/cmd_allocinfo.c # allocinfo
KERNEL += kernel/memory/cmd_alloc.c     # kmalloc, kfree, forget, pages
KERNEL += kernel/memory/cmd_look.c      # dump, poke, check

# kernel/leaks: what is lost, and why.
KERNEL += kernel/leaks/scan.c           # from which roots
KERNEL += kernel/leaks/cmd_leaks.c      # leaks: by site and kind
KERNEL += kernel/leaks/list.c           #   object by object
KERNEL += kernel/leaks/counts.c         #   how many words point to each
KERNEL += kernel/leaks/holder.c         #   a word that points, in words
KERNEL += kernel/leaks/holders.c        #   who has what is reachable
KERNEL += kernel/leaks/doubt.c          #   is it a pointer at all?
KERNEL += kernel/leaks/boxes.c          #   what points to what, as a picture
KERNEL += kernel/leaks/beside.c         #   words beside a picture
KERNEL += kernel/leaks/why.c            #   the way from a root
KERNEL += kernel/leaks/refs.c           # refs: all that points to it
KERNEL += kernel/leaks/lost.c           #   where it was last seen
KERNEL += kernel/leaks/tree.c           #   what it takes with it
KERNEL += kernel/leaks/owners.c         #   where things of its line hang
KERNEL += kernel/leaks/grow.c           #   what only ever grows
KERNEL += kernel/leaks/kmemleak.c       # the same in Linux's words
KERNEL += kernel/leaks/cmd_fail.c       # fail: allocations that fail, one by one
KERNEL += kernel/leaks/round.c          #   a command, with one of them

# kernel/map: memory as a picture.
KERNEL += kernel/map/blocks.c           # every page, block by block
KERNEL += kernel/map/views.c            #   which of what classes
KERNEL += kernel/map/cells.c            #   in which cell, and what it shows
KERNEL += kernel/map/draw.c             #   as letters, and in colours
KERNEL += kernel/map/cmd_heapmap.c      # heapmap
KERNEL += kernel/map/blocks_json.c      #   as JSON
KERNEL += kernel/map/slots.c            #   the slots of one slab

# kernel/trace: what happened.
KERNEL += kernel/trace/ring.c           # events, the newest of them
KERNEL += kernel/trace/filter.c         #   which of them
KERNEL += kernel/trace/text.c           #   as ftrace writes them
KERNEL += kernel/trace/probe.c          # calls of functions, noticed by int3
KERNEL += kernel/trace/probe_set.c      #   the int3s in the code
KERNEL += kernel/trace/first.c          #   and a function's first instruction
KERNEL += kernel/trace/functions.c      #   of which functions
KERNEL += kernel/trace/calls.c          #   the newest of them
KERNEL += kernel/trace/calls_text.c     #   as ftrace writes them
KERNEL += kernel/trace/cmd_calls.c      # trace graph, trace functions
KERNEL += kernel/trace/cmd_trace.c      # trace
KERNEL += kernel/trace/catch.c          # slots that are watched
KERNEL += kernel/trace/cmd_catch.c      # catch: which slot
KERNEL += kernel/trace/instruction.c    # what one does with a pointer
KERNEL += kernel/trace/last_lines.c     #   which lines were executed last
KERNEL += kernel/trace/lastptr.c        #   where the last pointer is
KERNEL += kernel/trace/lastptr_step.c   #     who holds it, at each stop
KERNEL += kernel/trace/lastptr_suspect.c #     what may have been the loss
KERNEL += kernel/trace/lastptr_hold.c   #     registers, the stack, words
KERNEL += kernel/trace/why_lost.c       # why-lost

# kernel/bench: how fast it is, and how it stands random work.
KERNEL += kernel/bench/stress.c         # stress: random work, and what must hold
KERNEL += kernel/bench/stress_check.c   #   after each step
KERNEL += kernel/bench/bench.c          # bench: what the calls cost
KERNEL += kernel/bench/bench_work.c     #   the calls, in workloads
KERNEL += kernel/bench/bench_scan.c     #   looking for leaks

# kernel/san: the sanitizers, with SAN=1 only.
ifeq ($(SAN),1)
KERNEL += kernel/san/shadow.c           # which bytes may be accessed
KERNEL += kernel/san/heap.c             #   those of the heap
KERNEL += kernel/san/kasan.c            # what is asked before each load and store
KERNEL += kernel/san/kasan_report.c     #   and said of one that may not be
KERNEL += kernel/san/string.c           #   the same of memcpy and its kin
KERNEL += kernel/san/ubsan.c            # arithmetic that C does not define
KERNEL += kernel/san/report.c           # what all these reports have in common
endif

# kernel/lessons: one lesson a file; its first comment is the handout.
LESSONS += kernel/lessons/cmd_lesson.c  # lesson: those that ask
LESSONS += kernel/lessons/lesson.c      #   what asks, shows and compares
LESSONS += kernel/lessons/play.c        #   from its begin to its end
LESSONS += kernel/lessons/quiz.c        # quiz: the questions of the course
LESSONS += kernel/lessons/quiz_table.c  #   which they are, and what is right
LESSONS += kernel/lessons/bag.c         #   1: the bag of marbles
LESSONS += kernel/lessons/sizes.c       #   2: marbles come in sizes
LESSONS += kernel/lessons/buddies.c     #   3: buddies
LESSONS += kernel/lessons/leak.c        #   4: a leak
LESSONS += kernel/lessons/draining.c    #   5: drained
LESSONS += kernel/lessons/any.c         #   6: kfree, of any pointer?
LESSONS += kernel/lessons/innocent.c    #   7: the innocent is blamed
LESSONS += kernel/lessons/late.c        #   8: too late
LESSONS += kernel/lessons/line_of.c     #   9: from a number to a line
LESSONS += kernel/lessons/hidden.c      #   10: hard to find
LESSONS += kernel/lessons/drain.c       # the driver that forgets one kfree in ten
LESSONS += kernel/lessons/guests.c      # one lost in a thousand, and how one finds it
LESSONS += kernel/lessons/crash.c       # what each mistake looks like
LESSONS += kernel/lessons/crash_kinds.c #   the mistakes

SOURCES := $(strip $(BOOT) $(MM) $(DRIVERS) $(KERNEL) $(LESSONS))

# Each test_*.c is a program; what else is there is linked into each of them.
TESTS       := $(sort $(wildcard tests/hosted/test_*.c))
TEST_SHARED := $(sort $(filter-out $(TESTS),$(wildcard tests/hosted/*.c)))

# What single tests need beside mm.
FORMATS := kernel/format.c kernel/format_pointer.c kernel/format_buffer.c \
           kernel/shown.c
EXTRA_test_memmap := kernel/memmap_usable.c
EXTRA_test_format := $(FORMATS)
EXTRA_test_wrap := kernel/wrap.c
EXTRA_test_words := kernel/shell/words.c
EXTRA_test_edit   := kernel/line/edit.c kernel/line/edit_text.c \
                     kernel/line/edit_search.c kernel/line/edit_complete.c \
                     kernel/line/history.c kernel/line/line_view.c \
                     kernel/line/keys.c kernel/line/utf8.c \
                     kernel/line/lookalike.c kernel/line/terminal.c \
                     $(FORMATS)

# Operations on mm, decided by bytes (model.h): whose bytes they are.
MODEL  := $(sort $(wildcard tests/hosted/model*.c))
SOAKED := tests/fuzz/soak.c $(MODEL)

# What a fuzzer tries: tests/fuzz/fuzz_NAME.c says what must hold, whatever the bytes.
SAID           := tests/fuzz/said.c $(FORMATS)
FUZZES         := mm words numbers params loader json keys
FUZZED_mm      := $(MODEL) $(strip $(MM))
FUZZED_words   := kernel/shell/words.c
FUZZED_numbers := kernel/shell/shell_args.c kernel/params.c $(SAID)
FUZZED_params  := kernel/params.c $(SAID)
FUZZED_loader  := kernel/loader.c kernel/memmap_usable.c $(SAID)
FUZZED_json    := kernel/shell/json.c $(SAID)
FUZZED_keys    := $(EXTRA_test_edit)

# $(call fuzz_objects,FOLDER,NAME,FILE...)
fuzz_objects = $(patsubst %.c,$(1)/%.o,$(3) tests/fuzz/fuzz_$(2).c $(FUZZED_$(2)))
# The tests of mm: those that need nothing else.
MM_TESTS := $(foreach test,$(basename $(notdir $(TESTS))),\
                $(if $(EXTRA_$(test)),,$(test)))

# ---- tools -----------------------------------------------------------------------

# $(call found,NAME...): the first that is here.  The redirection has make ask a shell:
# up to version 4.2 it would look for a program "command".
found = $(firstword $(shell command -v $(1) 2>/dev/null))

OS   := $(shell uname -s)
HOST := $(shell uname -m)

# Compilers that make 32-bit x86, as CROSS= takes them; the first that is here is used.
TOOLCHAINS := i686-linux-gnu- i686-elf- i386-elf- x86_64-elf- x86_64-linux-gnu- host clang

TOOLS := $(if $(CROSS),$(CROSS),$(shell sh tests/toolchains.sh first $(TOOLCHAINS)))

ifeq ($(TOOLS),clang)
KCC := clang --target=i386-pc-linux-gnu
KLD := ld.lld
KNM := $(or $(call found,llvm-nm nm),llvm-nm)
KADDR2LINE := $(or $(call found,llvm-addr2line addr2line),llvm-addr2line)
KLINES := $(if $(call found,llvm-dwarfdump),llvm-dwarfdump --debug-line,readelf -wL -W)
BUILTIN_HEADERS := $(shell clang -print-resource-dir 2>/dev/null)/include
else ifneq ($(TOOLS),)
PREFIX := $(filter-out host,$(TOOLS))
KCC := $(PREFIX)gcc -m32
KLD := $(PREFIX)ld
KNM := $(PREFIX)nm
KADDR2LINE := $(PREFIX)addr2line
KLINES := $(PREFIX)readelf -wL -W
BUILTIN_HEADERS := $(shell $(KCC) -print-file-name=include)
endif

HOSTCC ?= cc
FUZZCC ?= clang
QEMU   ?= qemu-system-i386
AR     ?= ar
GCOV   ?= gcov
GDB    ?= $(call found,gdb gdb-multiarch i386-elf-gdb x86_64-elf-gdb)
PYTHON ?= python3

# The Python that has what the tests import.
TEST_PYTHON = $(shell for p in $(PYTHON) /usr/bin/python3; do \
                  $$p -c 'import pytest, pexpect' 2>/dev/null && echo $$p && break; \
              done)

comma := ,
# $(call no_san,WHY): this target is not for a kernel with sanitizers.
no_san = @$(if $(filter 1,$(SAN)),echo "$@: not with SAN=1: $(1)" >&2; exit 2,:)
# $(call need,TOOL,PACKAGE): go no further without it.
need = command -v $(1) >/dev/null || \
       { echo "$(1) is missing: install $(2), or run make deps" >&2; exit 1; }

# ---- flags -----------------------------------------------------------------------

# Goals that have to do with build/gdb build there, all others in build.
# What is replayed is a kernel that was run.
BUILT_FOR_GDB := $(filter gdb build/gdb/%,$(MAKECMDGOALS))
ifneq ($(if $(filter replay,$(MAKECMDGOALS)),,$(BUILT_FOR_GDB)),)
OUT := build/gdb
OPT := -Og
else
OUT := build
OPT := -O2
endif
ifeq ($(SAN),1)
OUT := $(OUT)/san
ifeq ($(TOOLS),clang)
$(error SAN=1: the checks are those of GCC, and CROSS is clang)
endif
endif

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes \
            -Wmissing-prototypes -Wundef $(if $(filter 1,$(WERROR)),-Werror)

# regparm, frame pointers and a stack aligned to words as Linux on i386; no register
# that a trap does not save.  A frame is set up before all else (-fno-schedule-insns2).
# _LIBC_LIMITS_H_: GCC's own limits.h is not to look for another one behind it.
KFLAGS := -std=gnu11 $(OPT) -g -march=i486 -mtune=core2 -mregparm=3 \
          -mgeneral-regs-only -ffreestanding -nostdinc \
          -isystem $(BUILTIN_HEADERS) -D_LIBC_LIMITS_H_ -I. \
          -fno-pic -fno-pie -fcf-protection=none \
          -fstack-protector-strong -mstack-protector-guard=global \
          -fno-omit-frame-pointer -fno-optimize-sibling-calls \
          $(if $(filter clang,$(TOOLS)),-mstack-alignment=4, \
               -mpreferred-stack-boundary=2 -fno-schedule-insns2) \
          -fno-asynchronous-unwind-tables -fno-delete-null-pointer-checks \
          -fstack-clash-protection -fno-common

# Labs are compiled as Linux compiles its drivers; for GDB so that all locals are there.
# No format prints floating point, so there is none.
LABFLAGS := $(subst -Og,-O0,$(KFLAGS)) -fno-strict-aliasing \
            $(if $(filter 1,$(SAN)),,-fno-strict-overflow) \
            -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare \
            -Wno-missing-field-initializers -Wno-type-limits \
            -Werror=implicit-function-declaration $(if $(filter clang,$(TOOLS)),, \
                -Werror=unsuffixed-float-constants -Werror=double-promotion)

# SAN=1.  A check is a call (threshold 0), and the shadow lies where kernel/san/shadow.c
# maps it; frames begin at 16 bytes, or GCC's marks would not fit them.  As in Linux,
# what is not aligned is no mistake: x86 can.
SAN_SHADOW := 0xe0000000
KASAN := -fsanitize=kernel-address -fasan-shadow-offset=$(SAN_SHADOW) \
         --param asan-instrumentation-with-call-threshold=0 \
         --param asan-globals=1 --param asan-stack=1 \
         -fsanitize-address-use-after-scope \
         -mincoming-stack-boundary=2 -mpreferred-stack-boundary=4
UBSAN := -fsanitize=undefined -fno-sanitize=alignment,object-size

# mm touches free memory: that is its work, and the hosted tests run all of it under
# both sanitizers.  The others serve reports, or look at memory because they are to.
NO_SAN := mm/% kernel/san/% kernel/string.c kernel/backtrace.c \
          kernel/trace/probe.c kernel/trace/probe_set.c kernel/trace/calls.c \
          kernel/memory/report_damage.c kernel/bench/stress_check.c
# These run before there is a shadow, so they do not mark their arrays on the stack.
NO_STACK := drivers/% kernel/cpu/% $(wildcard kernel/*.c)

# $(call sanitize,FILE)
sanitize = $(if $(filter 1,$(SAN)),$(if $(filter $(NO_SAN),$(1)), \
               $(if $(filter kernel/san/%,$(1)),-DSAN_SHADOW=$(SAN_SHADOW)u), \
               -DSAN $(KASAN) $(UBSAN) $(if $(filter $(NO_STACK),$(1)), \
                   --param asan-stack=0)))

# This folder is "." for the compiler, so that what it makes is the same anywhere.
COMPILE = PWD='$(CURDIR)/.' $(KCC) -fdebug-prefix-map='$(CURDIR)/=' -MMD -MP -c

KLDFLAGS := -m elf_i386 -T linker.ld -static -nostdlib --build-id=none \
            -z noexecstack -z max-page-size=4096

HOSTFLAGS := -std=gnu11 -g -I. -MMD -MP $(WARNINGS)
# Tests write past the end of what kmalloc gave, which newer compilers would see.
SANITIZE  := -fsanitize=address,undefined -fno-sanitize=object-size \
             -fno-sanitize-recover=all

# The short ways push no frame, and go to their long ways by a jump.  ebp stays as it
# is, so that a backtrace goes on behind them: see kernel/backtrace.c.
$(OUT)/mm/short.o: KFLAGS += $(if $(filter clang,$(TOOLS)),, \
    -fomit-frame-pointer -ffixed-ebp -foptimize-sibling-calls)

# mm has no array on its stack that is filled by what comes from outside, so guards
# there would find nothing, and cost what is measured: 35 instructions of a large kmalloc.
$(OUT)/mm/%.o: KFLAGS += -fno-stack-protector

# The loop that is memset must not become a call of memset.
$(OUT)/kernel/string.o: KFLAGS += -fno-builtin $(if $(filter clang,$(TOOLS)),, \
                                  -fno-tree-loop-distribute-patterns)

# The output of make exec is the kernel's alone.
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),@:,@echo "  $(1)" $(if $(filter exec,$(MAKECMDGOALS)),>&2))

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:

# ---- rules: the kernel --------------------------------------------------------------

OBJECTS := $(patsubst %,$(OUT)/%.o,$(basename $(SOURCES))) $(OUT)/kernel/lessons/handouts.o

# Objects depend on this file, and on the compiler and flags they were made with.
$(OUT)/flags: FORCE
	$(Q)mkdir -p $(@D)
	$(Q)for tool in $(if $(KCC),$(firstword $(KCC)) $(KLD) $(KNM) \
	                     $(firstword $(KLINES)),"compiler for 32-bit x86"); do \
	    command -v "$$tool" >/dev/null || \
	        { echo "no $$tool: install $(if $(filter clang,$(TOOLS)),clang$(comma) lld \
	               and llvm,gcc or gcc-i686-linux-gnu$(comma) or run make deps)" >&2; \
	          exit 1; }; \
	done
	$(Q)echo '$(KCC) $(KFLAGS) $(WARNINGS) $(KLD) $(KLDFLAGS)' | cmp -s - $@ || \
	    echo '$(KCC) $(KFLAGS) $(WARNINGS) $(KLD) $(KLDFLAGS)' >$@

$(OUT)/%.o: %.c Makefile $(OUT)/flags
	$(call say,CC $<)
	$(Q)mkdir -p $(@D)
	$(Q)$(COMPILE) $(KFLAGS) $(call sanitize,$<) $(WARNINGS) -o $@ $<

# What lesson NAME -h prints: the comment at the top of each.
HANDOUTS := $(OUT)/kernel/lessons/handouts

$(HANDOUTS).c: $(LESSONS) kernel/lessons/handouts.awk Makefile
	$(Q)mkdir -p $(@D)
	$(Q)awk -f kernel/lessons/handouts.awk $(LESSONS) >$@

$(HANDOUTS).o: $(HANDOUTS).c $(OUT)/flags
	$(Q)$(COMPILE) $(KFLAGS) $(WARNINGS) -o $@ $<

$(OUT)/%.o: %.S Makefile $(OUT)/flags
	$(call say,AS $<)
	$(Q)mkdir -p $(@D)
	$(Q)$(COMPILE) $(KFLAGS) $(if $(filter 1,$(SAN)),-DSAN) -o $@ $<

# Files of LAB, each once: named from this folder if they are in it, else from the root.
# A name that nobody has declared ends there, and not at the linker, who cannot say which
# was meant.  126 is what make exec says of a kernel that there is not.
ifneq ($(strip $(LAB)),)
LABS := $(sort $(patsubst $(CURDIR)/%,%,$(abspath $(patsubst ~/%,$(HOME)/%,$(LAB)))))

ifneq ($(call odd,$(subst $() ,,$(LABS))),)
$(error LAB: a path may have $(PATH_CHARS); this is $(LAB))
endif
no_lab = $(error LAB: $(1)$(if $(word 2,$(LAB)),;\
                 blanks separate files: no path has any))

$(foreach lab,$(LABS),$(if $(wildcard $(lab)),,$(call no_lab,there is no file $(lab)))\
                      $(if $(filter %.c,$(lab)),,$(call no_lab,$(lab) is no C file)))

KERNEL_DIR := $(OUT)/lab/$(shell echo '$(LABS)' | cksum | cut -d' ' -f1)
else
KERNEL_DIR := $(OUT)
endif
ELF := $(KERNEL_DIR)/marbles.elf

# Of a file that is named from the root __FILE__ is the last part only, if no other lab
# has that name.
only_name = $(filter 1,$(words $(filter %/$(notdir $(1)),$(addprefix /,$(LABS)))))
lab_map   = $(if $(filter /%,$(1)),$(if $(call only_name,$(1)),\
                -fmacro-prefix-map='$(dir $(1))='))
MAPPED_LABS = $(foreach lab,$(LABS),$(if $(call lab_map,$(lab)),$(lab)))

# $(call lab_rule,FILE,OBJECT)
define lab_rule
LAB_OBJECTS += $(2)
$(2): $(1) Makefile $$(OUT)/flags
	$$(call say,LAB $$<)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(COMPILE) $$(LABFLAGS) $$(call sanitize,lab) $(call lab_map,$(1)) \
	    -o $$@ '$$<' || exit 126
endef

$(foreach lab,$(LABS),$(eval LAB_COUNT += x)\
    $(eval $(call lab_rule,$(lab),$(KERNEL_DIR)/lab$(words $(LAB_COUNT)).o)))

# Folders of older lists go, or they would be one more with each new list: but for those
# that were wanted in the last minutes, for somebody may be running them.
LABS_KEPT := 32
LAB_USED  := 15
forget_labs = ls -dt $(OUT)/lab/*/ | sed '1,$(LABS_KEPT)d' | \
              xargs -I % find % -maxdepth 0 -mmin +$(LAB_USED) -exec rm -rf '{}' +

# Two links: the first without a symbol table, for the list of symbols, and of the
# lines of code, that the second takes in.  They are last in the image, so nothing
# moves: proved here.
# $(call list_symbols,ELF,LIST), not through a pipe: it would hide that nm failed.
list_symbols = $(KNM) -n -S $(1) >$(2).all && \
               awk '$$2 !~ /^0+$$/ && NF == 4 { print; n++ } END { exit !n }' \
                   $(2).all >$(2)

# GDB wants the whole path of a lab, so in the debug information it has that, and what
# is no part of its __FILE__ is taken off here.
list_lines = $(KLINES) $(1) >$(2).all && \
             awk -f kernel/lines.awk -v labs='$(MAPPED_LABS)' $(2).all >$(2)

$(KERNEL_DIR)/no_symbols.S: kernel/symbols.awk
	$(Q)mkdir -p $(@D)
	$(Q)awk -f kernel/symbols.awk /dev/null /dev/null >$@

$(KERNEL_DIR)/symbols.S: $(KERNEL_DIR)/no_symbols.elf kernel/symbols.awk \
                         kernel/lines.awk
	$(Q)$(call list_symbols,$<,$(@D)/no_symbols.list)
	$(Q)$(call list_lines,$<,$(@D)/lines.list)
	$(Q)awk -f kernel/symbols.awk $(@D)/no_symbols.list $(@D)/lines.list >$@

$(KERNEL_DIR)/no_symbols.o $(KERNEL_DIR)/symbols.o: %.o: %.S
	$(Q)$(COMPILE) $(KFLAGS) -o $@ $<

link = $(Q)$(KLD) $(KLDFLAGS) -o $@ $(filter %.o,$^) || exit $(if $(LABS),126,1)

$(KERNEL_DIR)/no_symbols.elf: $(OBJECTS) $(LAB_OBJECTS) $(KERNEL_DIR)/no_symbols.o \
                              linker.ld
	$(link)

$(ELF): $(OBJECTS) $(LAB_OBJECTS) $(KERNEL_DIR)/symbols.o linker.ld
	$(call say,LD $@)
	$(link)
	$(Q)$(call list_symbols,$@,$(@D)/symbols.list)
	$(Q)cmp $(@D)/no_symbols.list $(@D)/symbols.list
	$(Q)$(if $(LABS),$(forget_labs),:)

# The medium, with the kernel as it is and the menu of iso/.
ISO := $(KERNEL_DIR)/marbles.iso

$(ISO): $(ELF) iso/make.sh $(sort $(wildcard iso/boot/grub/*)) Makefile
	$(call say,ISO $@)
	$(Q)STRIP=$(KNM:%nm=%strip) sh iso/make.sh $< $@

# ---- rules: hosted -----------------------------------------------------------------

HOSTED   := build/hosted
LIBRARY  := $(patsubst %.c,$(HOSTED)/lib/%.o,$(strip $(MM)))
SUITES64 := $(patsubst tests/hosted/%.c,$(HOSTED)/64/%,$(TESTS))
SUITES32 := $(patsubst tests/hosted/%.c,$(HOSTED)/32/%,$(TESTS))

$(HOSTED)/lib/%.o: %.c Makefile
	$(call say,HOSTCC $<)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) $(HOSTFLAGS) -O2 -fPIC -fno-stack-protector -c -o $@ $<

$(HOSTED)/libmm.a: $(LIBRARY)
	$(call say,AR $@)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

# A test is built twice: 64-bit with sanitizers, and 32-bit as the kernel is.
$(HOSTED)/64/%.o: %.c Makefile
	$(call say,HOSTCC $<)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) $(HOSTFLAGS) -O1 $(SANITIZE) -fno-omit-frame-pointer -c -o $@ $<

$(HOSTED)/32/%.o: %.c Makefile
	$(call say,HOSTCC -m32 $<)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) $(HOSTFLAGS) -O2 -m32 -c -o $@ $<

# $(call test_objects,64 or 32,TEST)
test_objects = $(patsubst %.c,$(HOSTED)/$(1)/%.o,tests/hosted/$(2).c $(TEST_SHARED) \
                   $(strip $(MM)) $(EXTRA_$(2)))

.SECONDEXPANSION:
$(SUITES64): $$(call test_objects,64,$$(@F))
	$(call say,HOSTLD $@)
	$(Q)$(HOSTCC) $(SANITIZE) -o $@ $^ -lcmocka

$(SUITES32): $$(call test_objects,32,$$(@F))
	$(call say,HOSTLD $@)
	$(Q)$(HOSTCC) -m32 -o $@ $^ -lcmocka

# What fuzzers once found, run again; and the model at full speed.
REPLAYS64 := $(FUZZES:%=$(HOSTED)/64/replay_%)
REPLAYS32 := $(FUZZES:%=$(HOSTED)/32/replay_%)
fuzz_name  = $(patsubst fuzz_%,%,$(patsubst replay_%,%,$(notdir $(1))))

$(REPLAYS64): $$(call fuzz_objects,$(HOSTED)/64,$$(call fuzz_name,$$@), \
                  tests/fuzz/replay.c)
	$(call say,HOSTLD $@)
	$(Q)$(HOSTCC) $(SANITIZE) -o $@ $^

$(REPLAYS32): $$(call fuzz_objects,$(HOSTED)/32,$$(call fuzz_name,$$@), \
                  tests/fuzz/replay.c)
	$(call say,HOSTLD $@)
	$(Q)$(HOSTCC) -m32 -o $@ $^

$(HOSTED)/soak: $(patsubst %.c,$(HOSTED)/lib/%.o,$(SOAKED)) $(LIBRARY)
	$(call say,HOSTLD $@)
	$(Q)$(HOSTCC) -o $@ $^

# libFuzzer, which only clang has.
build/fuzz/%.o: %.c Makefile
	@$(call need,$(FUZZCC),clang and libclang-rt-dev)
	$(call say,FUZZCC $<)
	$(Q)mkdir -p $(@D)
	$(Q)$(FUZZCC) $(HOSTFLAGS) -O1 -fsanitize=fuzzer-no-link $(SANITIZE) \
	    -fno-omit-frame-pointer -c -o $@ $<

FUZZERS := $(FUZZES:%=build/fuzz/fuzz_%)

build/fuzz/fuzz_%:
	@echo "FUZZ: \"$*\" is none of $(FUZZES)" >&2; exit 1

$(FUZZERS): $$(call fuzz_objects,build/fuzz,$$(call fuzz_name,$$@))
	$(call say,FUZZLD $@)
	$(Q)$(FUZZCC) -fsanitize=fuzzer $(SANITIZE) -o $@ $^ || \
	    { echo "$(FUZZCC) has no libFuzzer: install libclang-rt-dev" >&2; exit 1; }

# For coverage: mm without optimization, so that each line is itself.  Handlers must not
# free then (mm/enter.c), so the test that interrupts each instruction is left out.
COVERAGE := build/coverage
COVERED  := $(addprefix $(COVERAGE)/,$(filter-out test_interrupts,$(MM_TESTS)))

$(COVERAGE)/mm/%.o: mm/%.c Makefile
	$(call say,HOSTCC $<)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) $(HOSTFLAGS) -O0 --coverage -c -o $@ $<

$(COVERAGE)/%.o: %.c Makefile
	$(call say,HOSTCC $<)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) $(HOSTFLAGS) -O1 -c -o $@ $<

$(COVERED): $(COVERAGE)/%: $(COVERAGE)/tests/hosted/%.o \
                           $(patsubst %.c,$(COVERAGE)/%.o,$(TEST_SHARED) $(strip $(MM)))
	$(call say,HOSTLD $@)
	$(Q)$(HOSTCC) --coverage -o $@ $^ -lcmocka

# The heaps and graphs that tests/gdb looks at: mm as a student's program has it.
$(HOSTED)/gdb/%64: tests/gdb/%.c $(LIBRARY)
	$(call say,HOSTLD $@)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) $(HOSTFLAGS) -O1 -fno-omit-frame-pointer -o $@ $(filter %.c %.o,$^)

$(HOSTED)/gdb/%32: tests/gdb/%.c $(patsubst %.c,$(HOSTED)/32/%.o,$(strip $(MM)))
	$(call say,HOSTLD $@)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) $(HOSTFLAGS) -O1 -m32 -fno-omit-frame-pointer -o $@ \
	    $(filter %.c %.o,$^)

# The programs of bench-hosted: one source of workloads, one allocator in each.
BENCH_MALLOCS  := $(addprefix $(HOSTED)/bench/,glibc mimalloc jemalloc tcmalloc)
BENCH_PROGRAMS := $(addprefix $(HOSTED)/bench/,mm loop) $(BENCH_MALLOCS)
BENCH_OBJECTS  := $(addprefix $(HOSTED)/bench/hosted_,mm.o loop.o malloc.o)

# What they are linked with, and where Debian has it.
LIBRARY_glibc    := c
LIBRARY_mimalloc := mimalloc
LIBRARY_jemalloc := jemalloc
LIBRARY_tcmalloc := tcmalloc_minimal
PACKAGE_glibc    := libc6-dev
PACKAGE_mimalloc := libmimalloc-dev
PACKAGE_jemalloc := libjemalloc-dev
PACKAGE_tcmalloc := libgoogle-perftools-dev

# No call is left out (builtin) or goes through a stub (plt): all cost the same.
$(BENCH_OBJECTS): $(HOSTED)/bench/%.o: tests/bench/%.c Makefile
	$(call say,HOSTCC $<)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) $(HOSTFLAGS) -O2 -fno-builtin -fno-plt -c -o $@ $<

$(HOSTED)/bench/mm: $(HOSTED)/bench/hosted_mm.o $(HOSTED)/libmm.a
$(HOSTED)/bench/loop: $(HOSTED)/bench/hosted_loop.o
$(HOSTED)/bench/mm $(HOSTED)/bench/loop:
	$(call say,HOSTLD $@)
	$(Q)$(HOSTCC) -o $@ $^

$(BENCH_MALLOCS): $(HOSTED)/bench/%: $(HOSTED)/bench/hosted_malloc.o
	$(call say,HOSTLD $@)
	$(Q)$(HOSTCC) -o $@ $< -Wl,--no-as-needed -l$(LIBRARY_$*) -ldl || \
	    { echo "lib$(LIBRARY_$*) is missing: install $(PACKAGE_$*)," \
	           "or run make deps" >&2; exit 1; }

# ---- targets -----------------------------------------------------------------------

ifneq ($(call odd,$(MEM)),)
$(error MEM: "$(MEM)" is no size such as 64M)
endif

# The serial port is the terminal; the test exit is how `exit` ends QEMU; the watchdog
# raises an NMI where nothing else comes through any more (kernel/ending.c).
MACHINE = $(QEMU) -accel tcg -m $(MEM) -display none -net none \
          -device isa-debug-exit,iobase=0xf4,iosize=4 \
          -device ib700 -action watchdog=inject-nmi

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  LAB=\"a.c b.c\"       compile these into the kernel (all that build or boot)"
	@echo "  CMDS=\"a; b\"         commands for exec, dump, export, record"
	@echo "  SECONDS=60          how long exec, dump, export may take"
	@echo "  FORMAT=trace        what export writes; trace folded pprof massif dhat heaptrack"
	@echo "                      or chrome"
	@echo "                      of grade: text gradescope classroom50 junit tap github gcc"
	@echo "  OUT=FILE            where export writes it, if not in build/export"
	@echo "  LESSON=names        by what grade judges LAB: a folder of tests/labs"
	@echo "  RECORD=file         of record and replay; WHOLE=1: with the kernel in it"
	@echo "  SERIAL=7            which object, for why-lost; or SITE=my.c:20"
	@echo "  CMDLINE=\"...\"       kernel parameters; at the prompt, params lists them"
	@echo "  MEM=64M             RAM of the machine"
	@echo "  FUZZ=mm             what fuzz tries: one of $(FUZZES)"
	@echo "  QEMUFLAGS=\"...\"     appended to QEMU's command line"
	@echo "  SAN=1               with sanitizers: each access is checked (kernel/san)"
	@echo "  V=1                 show the commands"

all: $(ELF) ## build the kernel: build/marbles.elf
ifneq ($(LABS),)
	@touch $(KERNEL_DIR)
	@echo "  with $(LABS): $(ELF)"
endif

toolchain: ## which tools would be used, and why
	@sh tests/toolchains.sh list "$(TOOLS)" "$(if $(CROSS),as CROSS= \
	    says,the first of these that is here)" $(TOOLCHAINS)
	@echo "compiler: $(or $(KCC),none)"
	@echo "linker:   $(or $(KLD),none)"
	@echo "hosted:   $(HOSTCC)"
	@echo "GDB:      $(or $(GDB),none)"
	@echo "tests:    $(or $(TEST_PYTHON),none: no Python has pytest and pexpect)"

run: $(ELF) ## boot to the prompt (Ctrl-A X leaves QEMU)
	@$(call need,$(QEMU),qemu-system-x86)
	@$(call need,$(PYTHON),python3)
	@echo "  QEMU: Ctrl-A and then X leaves; so does the command exit."
	$(Q)exec $(PYTHON) tests/qemu/qemu.py $(MACHINE) -serial mon:stdio -kernel $(ELF)

exec: $(ELF) ## boot, run CMDS="cmd; cmd", print what they print
	@$(call need,$(QEMU),qemu-system-x86)
	@$(call need,$(PYTHON),python3)
	$(Q)exec $(PYTHON) tests/qemu/exec.py $(MACHINE) -kernel $(ELF)

sure: $(ELF) ## run CMDS with memory cleared and not: leaks that old pointers hide
	@$(call need,$(QEMU),qemu-system-x86)
	@$(call need,$(PYTHON),python3)
	$(Q)exec $(PYTHON) tests/qemu/sure.py $(MACHINE) -kernel $(ELF)

handouts: build/handouts.html ## one page to print: the handouts of all lessons

build/handouts.html: $(LESSONS) kernel/lessons/handouts.py LICENSE Makefile
	@$(call need,$(PYTHON),python3)
	$(call say,HANDOUTS $@)
	$(Q)mkdir -p $(@D)
	$(Q)$(PYTHON) kernel/lessons/handouts.py LICENSE $(LESSONS) >$@

pictures: $(ELF) ## draw the pictures of the READMEs anew
	@$(call need,$(QEMU),qemu-system-x86)
	@$(call need,$(or $(TEST_PYTHON),python3-pexpect),python3-pexpect)
	$(Q)$(TEST_PYTHON) tests/qemu/pictures.py $(ELF) .

export: $(ELF) ## run CMDS, write all events for other tools, by FORMAT=
	@$(call need,$(QEMU),qemu-system-x86)
	@$(call need,$(PYTHON),python3)
	@$(call need,$(or $(GDB),gdb),gdb)
	@$(call need,$(KADDR2LINE),binutils)
	$(Q)exec $(PYTHON) tests/export/export.py $(GDB) $(KADDR2LINE) \
	    $(MACHINE) -kernel $(ELF)

bench: $(ELF) ## what the calls cost, beside Linux, MentOS and lk
	$(call no_san,what it counts is the checks)
	@$(call need,$(QEMU),qemu-system-x86)
	@$(call need,$(PYTHON),python3)
	$(Q)exec $(PYTHON) tests/bench/table.py $(MACHINE) -kernel $(ELF)

bench-hosted: $(BENCH_PROGRAMS) ## mm in a program, beside mallocs of others (Linux)
	@$(call need,$(PYTHON),python3)
	$(Q)$(PYTHON) tests/bench/hosted.py $(HOSTED)/bench $(if $(QUICK),--quick)

record: $(ELF) ## as run, or CMDS as exec, into RECORD=build/session.marbles
	@$(call need,$(QEMU),qemu-system-x86)
	@$(call need,$(PYTHON),python3)
	@$(if $(CMDS),:,echo "  QEMU: Ctrl-A and then X leaves; so does the command exit.")
	$(Q)MARBLES_WHOLE='$(or $(WHOLE),$(if $(LABS),1))' exec $(PYTHON) tests/qemu/record.py \
	    $(call quote,$(RECORD)) $(MACHINE) -kernel $(ELF)

# The kernel is that of the file; where the file has none it is $(ELF), if that is the same.
replay: $(ELF) ## show a RECORD=file again, exactly; replay gdb: with GDB on it
	@$(call need,$(QEMU),qemu-system-x86)
	@$(call need,$(PYTHON),python3)
	$(if $(filter gdb,$(MAKECMDGOALS)),@$(call need,$(or $(GDB),gdb),gdb))
	$(Q)GDB="$(GDB)" exec $(PYTHON) tests/qemu/replay.py $(call quote,$(RECORD)) $(ELF) \
	    $(if $(filter gdb,$(MAKECMDGOALS)),--gdb) $(MACHINE) -- $(GDBFLAGS)

# With CMDS the kernel itself follows the pointer; of a record GDB finds it, from outside,
# and looks silently: what is found is said past it.
why-lost: $(if $(CMDS),$(ELF)) ## what lost SERIAL=N or SITE=file:line, in CMDS or a RECORD
	@$(call need,$(QEMU),qemu-system-x86)
	@$(call need,$(PYTHON),python3)
	@test -n $(call quote,$(SERIAL)$(SITE)) || \
	    { echo "why-lost: SERIAL=N or SITE=file:line is missing" >&2; exit 2; }
	$(if $(CMDS),$(Q)exec $(PYTHON) tests/qemu/why_lost.py $(MACHINE) -kernel $(ELF))
	$(if $(CMDS),,@$(call need,$(or $(GDB),gdb),gdb))
	$(if $(CMDS),,$(Q)GDB="$(GDB)" exec $(PYTHON) tests/qemu/replay.py \
	    $(call quote,$(RECORD)) $(ELF) \
	    --gdb $(MACHINE) -- -batch-silent -x tests/gdb/why_lost.py \
	    -ex $(call quote,why-lost $(or $(SERIAL),$(SITE))))

ifneq ($(filter replay,$(MAKECMDGOALS)),)
gdb: replay
	@:
else
gdb: $(ELF) ## boot stopped, with GDB on it, at kernel_main
	@$(call need,$(QEMU),qemu-system-x86)
	@$(call need,$(or $(GDB),gdb),gdb)
	@$(call need,$(PYTHON),python3)
	$(Q)GDB="$(GDB)" PYTHON="$(PYTHON)" sh tests/gdb/session.sh $(ELF) \
	    '$(PYTHON) tests/qemu/qemu.py $(MACHINE)' $(GDBFLAGS)
endif

dump: $(ELF) ## boot, run CMDS, write the machine's memory to build/dump.elf
	@$(call need,$(QEMU),qemu-system-x86)
	@$(call need,$(PYTHON),python3)
	$(Q)exec $(PYTHON) tests/gdb/dump.py $(ELF) $(KERNEL_DIR)/dump.elf \
	    $(QEMU) -accel tcg -m $(MEM) -display none -net none

# What LAB does is looked at in the memory that it leaves.  It builds LAB itself, to tell a
# mistake in it from one of its own.
grade: ## judge LAB=mine.c by LESSON=names: points, and why; FORMAT=text
	$(call no_san,it reads the memory of the plain kernel)
	@$(call need,$(QEMU),qemu-system-x86)
	@$(call need,$(or $(GDB),gdb),gdb)
	@$(call need,$(PYTHON),python3)
	$(Q)$(PYTHON) tests/grade/grade.py $(call quote,$(LESSON)) $(LABS:%='%') -- "$(MAKE)" \
	    "$(GDB)" $(MACHINE)

student-kit: ## the last commit without solutions: build/marbles-students.tar.gz
	@$(call need,$(PYTHON),python3)
	$(Q)$(PYTHON) tests/grade/kit.py students

gradescope: ## the zip for Gradescope, of LESSON=names
	@$(call need,$(PYTHON),python3)
	$(Q)$(PYTHON) tests/grade/kit.py gradescope $(call quote,$(LESSON))

console: ## in a second terminal: the serial console of make gdb
	@$(call need,$(PYTHON),python3)
	$(Q)$(PYTHON) tests/gdb/console.py build/gdb/run

hosted: $(HOSTED)/libmm.a ## mm as a 64-bit library: build/hosted/libmm.a

iso: $(ISO) ## a boot medium for BIOS and UEFI: build/marbles.iso

check: $(OBJECTS) $(LIBRARY) ## who knows whom, by includes and symbols; sizes
	$(call no_san,all call the checks)
	$(Q)KCC="$(KCC) $(KFLAGS)" KNM="$(KNM)" HOSTCC="$(HOSTCC)" \
	    sh tests/check.sh $(OBJECTS) $(LIBRARY)

# What make bench-hosted measures it asks of Linux.
BENCH_TESTS := $(if $(filter Linux,$(OS)),tests/bench)

# 32-bit programs run on x86 Linux only.
ifeq ($(OS)-$(filter x86_64 i%86,$(HOST)),Linux-$(HOST))
SUITES := $(SUITES64) $(SUITES32) $(REPLAYS64) $(REPLAYS32)
else
SUITES := $(SUITES64) $(REPLAYS64)
endif
SUITES += $(HOSTED)/soak

# The kit for students has no solutions to grade, and nothing to make another kit of.
SUITES_GRADED := $(if $(wildcard tests/labs/*/solutions),tests/grade/test_grade.py) \
                 $(if $(wildcard .git),tests/grade/test_kit.py)

# With SAN=1 the kernel is what there is to test: mm as a program has its sanitizers.
SUITES_RUN := $(if $(filter 1,$(SAN)),tests/qemu,check tests/test_check.py \
                  tests/test_make.py $(SUITES) $(BENCH_TESTS) tests/qemu tests/export \
                  tests/grade/test_labfile.py $(SUITES_GRADED) tests/gdb)

test: $(ELF) ## everything: check, unit tests, the kernel in QEMU, GDB
	@$(call need,$(QEMU),qemu-system-x86)
	@$(call need,$(or $(GDB),gdb),gdb)
	@test -n "$(TEST_PYTHON)" || { echo "no Python has pytest and pexpect: install" \
	    "python3-pytest and python3-pexpect, or run make deps" >&2; exit 1; }
ifeq ($(filter $(SUITES32),$(SUITES)),)
	@echo "NOTE: $(OS) on $(HOST) runs no 32-bit x86 programs: 64-bit tests only."
endif
	$(Q)$(TEST_PYTHON) tests/run.py "$(MAKE)" $(SUITES_RUN)

fuzz: build/fuzz/fuzz_$(FUZZ) ## FUZZTIME=600 seconds of libFuzzer on FUZZ=mm
	$(Q)mkdir -p build/fuzz/corpus-$(FUZZ)
	$(Q)$< -max_total_time=$(FUZZTIME) -max_len=4096 -artifact_prefix=build/fuzz/ \
	    build/fuzz/corpus-$(FUZZ) tests/fuzz/corpus-$(FUZZ) || \
	    { echo "again: $< FILE; or with every operation printed:" \
	           "make build/hosted/64/replay_$(FUZZ) &&" \
	           "build/hosted/64/replay_$(FUZZ) -v FILE" >&2; exit 1; }

soak: $(HOSTED)/soak ## SOAK=1000000000 random operations on mm, against a model
	$(Q)$(HOSTED)/soak $(SOAK)

soak-qemu: $(ELF) ## TIME=3600 seconds of random commands and faults, by SEED=1
	@$(call need,$(QEMU),qemu-system-x86)
	@$(call need,$(PYTHON),python3)
	$(Q)MARBLES_SEED='$(SEED)' MARBLES_TIME='$(TIME)' MARBLES_STEPS='$(STEPS)' \
	    exec $(PYTHON) tests/qemu/soak.py $(KERNEL_DIR)/soak-$(SEED).log \
	    $(MACHINE) -kernel $(ELF)

coverage: $(COVERED) ## what of mm/ the hosted tests run, and what they do not
	@$(call need,$(GCOV),gcc)
	$(Q)$(PYTHON) tests/coverage.py $(GCOV) $(COVERAGE) $(COVERED)

mutants: ## mm altered in MUTANTS="mm/a.c": what no test sees
	$(Q)$(PYTHON) tests/mutants.py "$(HOSTCC) -std=gnu11 -O1 -w" $(SAMPLE) $(MUTANTS)

# Of npm: the versions that open_page.js was written for.
VIEWERS := speedscope@1.25.0 jsdom@22.1.0

test-export: $(ELF) ## the files of export, opened by the tools themselves
	$(Q)sh tests/deps.sh viewers
	$(Q)mkdir -p build/viewers
	$(Q)npm install --prefix build/viewers --no-audit --no-fund --silent $(VIEWERS)
	@test -n "$(TEST_PYTHON)" || { echo "no Python has pytest and pexpect: install" \
	    "python3-pytest and python3-pexpect, or run make deps" >&2; exit 1; }
	$(Q)$(TEST_PYTHON) -m pytest -q --no-header -p no:cacheprovider tests/export/opened.py

test-debian: ## README on a bare Debian, RELEASE=trixie (as root)
	@$(call need,$(or $(TEST_PYTHON),python3-pexpect),python3-pexpect)
	$(Q)exec $(TEST_PYTHON) tests/debian.py "$(RELEASE)" build/debian $(MIRROR)

test-toolchains: ## build and boot with every compiler that is here
	@$(call need,$(QEMU),qemu-system-x86)
	$(Q)sh tests/toolchains.sh test "$(MAKE)" $(TOOLCHAINS)

clean: ## remove build/
	$(Q)rm -rf build

FORCE:
.PHONY: all help deps toolchain run exec sure handouts pictures export bench bench-hosted gdb \
        dump grade student-kit gradescope console hosted iso check test coverage \
        mutants fuzz soak soak-qemu test-debian test-export test-toolchains clean \
        record replay why-lost FORCE

-include $(OBJECTS:.o=.d) $(LAB_OBJECTS:.o=.d)
-include $(LIBRARY:.o=.d) $(BENCH_OBJECTS:.o=.d)
-include $(foreach bits,64 32,$(foreach test,$(TESTS),$(patsubst %.o,%.d, \
             $(call test_objects,$(bits),$(basename $(notdir $(test)))))))
-include $(patsubst %.c,$(HOSTED)/lib/%.d,$(SOAKED)) $(sort $(patsubst %.o,%.d, \
             $(foreach name,$(FUZZES),$(call fuzz_objects,build/fuzz,$(name)) \
                 $(foreach bits,64 32,$(call fuzz_objects,$(HOSTED)/$(bits),$(name), \
                                          tests/fuzz/replay.c)))))
-include $(wildcard $(COVERAGE)/mm/*.d $(COVERAGE)/mm/*/*.d $(COVERAGE)/tests/hosted/*.d)

endif
