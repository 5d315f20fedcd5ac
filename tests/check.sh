#!/bin/sh
# check.sh - the layers of the house, proved.
#
#     KCC='gcc -m32 ...' HOSTCC=cc check.sh build/hosted/lib/mm/*.o
#
#     tests -> all
#     kernel/lessons -> kernel -> mm, drivers, boot/multiboot.h
#     mm, drivers, boot -> nobody but themselves
#
# Every project include is "folder/file.h", so the include line shows the layer.
# What the compiler could still bring in by the back door shows in the undefined
# symbols of mm's objects.  Output is TAP.
set -u

tests=0
failed=0

# result CLAIM PROBLEMS: there must be none.
result() {
    tests=$((tests + 1))
    if [ -z "$2" ]; then
        echo "ok $tests - $1"
    else
        echo "not ok $tests - $1"
        echo "$2" | sed 's/^/# /'
        failed=$((failed + 1))
    fi
}

sources() {
    find "$@" -name '*.[chS]' | LC_ALL=C sort
}

# ---- includes ------------------------------------------------------------------

# may INCLUDER INCLUDED: does the layering allow it?
may() {
    case $1:$2 in
        */*_priv.h) [ "${1%%/*}" = "${2%%/*}" ] || [ "${1#tests/}" != "$1" ];;
        tests/*) true;;
        *:*/lessons/*) false;;
        kernel/*:kernel/* | kernel/*:mm/* | kernel/*:drivers/*) true;;
        kernel/*:boot/multiboot.h) true;;
        mm/*:mm/* | drivers/*:drivers/* | boot/*:boot/*) true;;
        *) false;;
    esac
}

check_includes() {
    sources boot drivers kernel mm tests | while read -r file; do
        sed -n 's/^[ \t]*#[ \t]*include[ \t]*"\([^"]*\)".*/\1/p' "$file" |
        while read -r name; do
            [ -f "$name" ] || echo "$file: \"$name\" is not folder/file.h"
            may "$file" "$name" || echo "$file may not include \"$name\""
        done
    done
}

# ---- undefined symbols of mm ---------------------------------------------------

# What mm/port.h asks for, and what the linker gives.
ALLOWED='memset memcpy memcmp strlen
         __start_alloc_sites __stop_alloc_sites _GLOBAL_OFFSET_TABLE_'

check_symbols() {
    [ $# -gt 0 ] || echo "no objects of mm given"
    defined=$(nm "$@" | awk 'NF == 3 && $2 ~ /[A-TV-Z]/ { print $3 }')
    nm -u "$@" | awk 'NF == 2 { print $2 }' | LC_ALL=C sort -u |
    while read -r symbol; do
        for known in $ALLOWED $defined; do
            [ "$symbol" != "$known" ] || continue 2
        done
        echo "mm needs $symbol"
    done
}

# ---- headers -------------------------------------------------------------------

# check_headers COMPILER FOLDER...
check_headers() {
    compiler=$1
    shift
    for header in $(sources "$@" | grep '\.h$'); do
        printf '#include "%s"\n#include "%s"\n' "$header" "$header" |
            $compiler -I. -Wall -Wextra -Werror -fsyntax-only -x c - 2>&1
    done
}

# The kernel's inline assembly is x86; a host may be something else.
case $(uname -m) in
    x86_64 | i?86) HOST_FOLDERS='boot drivers kernel mm';;
    *) HOST_FOLDERS='boot mm';;
esac

echo 1..4
result "every include respects the layers" "$(check_includes)"
result "mm needs nothing but what mm/port.h names" "$(check_symbols "$@")"
result "every header compiles alone, in the kernel" \
    "$(check_headers "$KCC" boot drivers kernel mm)"
# shellcheck disable=SC2086
result "every header compiles alone, hosted" \
    "$(check_headers "${HOSTCC:-cc} -std=gnu11" $HOST_FOLDERS)"
exit $((failed > 0))
