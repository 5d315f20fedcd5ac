#!/bin/sh
# toolchains.sh - the compilers that can make 32-bit x86, and which of them are here.
#
#     toolchains.sh first NAME...               the first that is here
#     toolchains.sh list CHOSEN WHY NAME...     which is chosen and why, what else is here
#     toolchains.sh test MAKE NAME...           build and boot with each that is here
#
# A NAME is a prefix of gcc and ld, such as i686-elf-, or "host" for plain gcc -m32,
# or "clang" for clang with ld.lld: what CROSS= takes.
#
# `test` builds in build/toolchain/NAME and boots that kernel: stress and check must
# pass, and code must have lines.  What is absent is named with the package that has it,
# and is no pass.
set -u

have() {
    command -v "$1" >/dev/null 2>&1
}

compiler() {
    case $1 in
        host) echo gcc;;
        clang) echo clang;;
        *) echo "$1gcc";;
    esac
}

is_here() {
    case $1 in
        host)
            case $(gcc -dumpmachine 2>/dev/null) in
                x86_64-*linux* | i?86-*linux*) have ld;;
                *) false;;
            esac;;
        clang) have clang && have ld.lld;;
        *) have "$1gcc" && have "$1ld";;
    esac
}

package() {
    case $1 in
        i686-linux-gnu-) echo "Debian: gcc-i686-linux-gnu";;
        x86_64-linux-gnu-) echo "Debian: gcc-x86-64-linux-gnu, or gcc on x86-64";;
        i686-elf- | x86_64-elf-) echo "Homebrew: ${1}gcc; Debian has none";;
        i386-elf-) echo "MacPorts: i386-elf-gcc; Debian has none";;
        host) echo "Debian on x86: gcc";;
        clang) echo "Debian: clang lld";;
    esac
}

describe() {
    if is_here "$1"; then
        "$(compiler "$1")" --version | head -n 1
    else
        echo "absent ($(package "$1"))"
    fi
}

# ---- first, list ---------------------------------------------------------------

first() {
    for name in "$@"; do
        if is_here "$name"; then
            echo "$name"
            return
        fi
    done
}

list() {
    chosen=$1
    why=$2
    shift 2
    echo "chosen: ${chosen:-none}${chosen:+, $why}"
    for name in "$@"; do
        mark=' '
        [ "$name" != "$chosen" ] || mark='*'
        printf '  %s %-18s %s\n' "$mark" "$name" "$(describe "$name")"
    done
}

# ---- test ----------------------------------------------------------------------

# try MAKE NAME OUT: build and boot.  $out/log has all that was said.
try() {
    "$1" --no-print-directory CROSS="$2" OUT="$3" LAB= all &&
        "$1" --no-print-directory CROSS="$2" OUT="$3" LAB= CMDLINE= exec \
            CMDS='stress; check; backtrace' >"$3/said" && cat "$3/said" &&
        grep -q '^  0x.* cmd_backtrace+.* (kernel/shell/cmd_system\.c:[0-9]*)$' "$3/said"
}

test_all() {
    make=$1
    shift
    passed=0
    failed=0
    absent=0
    for name in "$@"; do
        out=build/toolchain/${name%-}
        if ! is_here "$name"; then
            absent=$((absent + 1))
            printf 'absent   %-18s %s\n' "$name" "$(package "$name")"
            continue
        fi
        rm -rf "$out"
        mkdir -p "$out"
        if try "$make" "$name" "$out" >"$out/log" 2>&1; then
            passed=$((passed + 1))
            printf 'ok       %-18s %s, %s warnings; stress and check pass\n' "$name" \
                "$(describe "$name")" "$(grep -c 'warning:' "$out/log")"
        else
            failed=$((failed + 1))
            printf 'FAILED   %-18s %s; the end of %s:\n' "$name" "$(describe "$name")" \
                "$out/log"
            tail -n 15 "$out/log" | sed 's/^/    /'
        fi
    done
    echo "$passed passed, $failed failed, $absent absent"
    [ "$failed" = 0 ] && [ "$passed" != 0 ]
}

case $1 in
    first) shift; first "$@";;
    list) shift; list "$@";;
    test) shift; test_all "$@";;
esac
