#!/bin/sh
# session.sh - GDB on a kernel that has not run its first instruction yet.
#
#     session.sh ELF 'qemu.py QEMU AND ITS OPTIONS' [GDB OPTIONS]
#
# GDB starts QEMU itself and talks to it over a pipe: there is no port or socket
# that two students could share by mistake, Ctrl-C does not reach QEMU, and QEMU ends
# with GDB (ending.py, tests/qemu/qemu.py).  The guest's console is a socket that `make console`
# connects to; what it printed before is in a file beside it.  The name of a socket has
# 107 bytes at most, and QEMU's own syntax in it: so it is in /tmp, whatever TMPDIR is.
#
# What the user has set for other programs has no say: GDB reads no init file (-nx), or
# another architecture or non-stop mode would keep it from this machine; its pipe is
# started by a shell that starts programs; and it asks no server for symbols.
#
# From the environment: GDB, PYTHON, and what qemu.py takes from there.
set -eu

elf=$1
machine=$2
shift 2

run=$(mktemp -d /tmp/marbles.XXXXXX)
trap 'rm -rf "$run"' EXIT
ln -sfn "$run" build/gdb/run

echo "  The guest's console, from a second terminal here:  make console"
echo "  (it answers while the kernel runs: c in GDB; Ctrl-C stops the kernel again)"

console="socket,id=console,path=$run/console,server=on,wait=off,logfile=$run/log"
qemu="$machine -monitor none -chardev $console -serial chardev:console"

# At a fault the kernel stops, and GDB with it (stopped.py), which sees it as it was.
export MARBLES_CONSOLE_LOG="$run/log"
export MARBLES_CMDLINE="panic_on_oops=1 ${MARBLES_CMDLINE:-}"
unset DEBUGINFOD_URLS
SHELL=/bin/sh "$PYTHON" tests/gdb/foreground.py "$GDB" -nx -q "$elf" \
    -ex "set confirm off" \
    -ex "set pagination off" \
    -x mm/gdb/marbles.py \
    -x tests/gdb/ending.py \
    -ex "target remote | exec $qemu -kernel $elf -S -gdb stdio" \
    -ex "hbreak kernel_main" \
    -ex "continue" \
    -x tests/gdb/stopped.py \
    "$@"
