#!/bin/sh
# check.sh - the house, proved: who knows whom, and how large its rooms are.
#
#     KCC='gcc -m32 ...' KNM=nm HOSTCC=cc check.sh build/kernel/main.o ... \
#                                                  build/hosted/lib/mm/mm.o ...
#
# A wing is a folder that can be understood by itself.  That one uses another shows in
# two places, and both are looked at: in its includes, for each is "folder/file.h", and
# in the undefined symbols of its objects, for a declaration needs no include.
#
# Output is TAP.
set -u

# A wing, and those that it stands on: it may use them, and all that they may use.
WINGS='
boot
drivers
mm
mm/look         mm
mm/watch        mm
mm/scan         mm
mm/front        mm/look mm/watch mm/scan
kernel/cpu      boot drivers mm/front
kernel          kernel/cpu
kernel/line     kernel
kernel/shell    kernel/line
kernel/memory   kernel/shell
kernel/leaks    kernel/memory
kernel/map      kernel/leaks
kernel/trace    kernel/leaks
kernel/bench    kernel/memory
kernel/san      kernel/memory
kernel/lessons  kernel/leaks
'

# What compilers use by themselves, or mm/port.h asks for: whoever has it may give it.
ANYONES='memset memcpy memmove memcmp strlen'
ANYONES="$ANYONES __stack_chk_guard __stack_chk_fail"
export WINGS ANYONES

MOST_FILES=20                   # .c files on a floor
MOST_LINES=60                   # of a function

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

# Folders with files in them, which git has or may get.
floors() {
    find boot drivers iso kernel mm -type f ! -name '*.pyc' |
        sed 's|/[^/]*$||' | LC_ALL=C sort -u
}

# ---- who may know whom -----------------------------------------------------------

# awk, with WINGS: the wing of a source file, and may(wing, another one).
LAYERS='
BEGIN {
    count = split(ENVIRON["WINGS"], line, "\n")
    for (i = 1; i <= count; i++)
        if (split(line[i], word, " ") > 0) {
            is_wing[word[1]] = 1
            sub(/^[^ ]+ */, "", line[i])
            below[word[1]] = line[i]
        }
}

function wing_of(file) {
    if (file == "kernel/main.c")
        return "main"                   # which may know all
    if (file == "kernel/shell.h")
        return "kernel/shell"           # where labs look for it
    if (file ~ /^tests\//)
        return "tests"
    sub(/\/[^\/]*$/, "", file)
    return file
}

function may(wing, other,    word, i, n) {
    if (wing == other || wing == "tests" || (wing == "main" && other != "tests"))
        return 1
    n = split(below[wing], word, " ")
    for (i = 1; i <= n; i++)
        if (may(word[i], other))
            return 1
    return 0
}

# A private header is for its own wing; those of the heart of mm, for its wings too.
function may_include(file, name,    wing, other) {
    wing = wing_of(file)
    other = wing_of(name)
    if (name ~ /_priv\.h$/ && wing != "tests" && wing != other)
        return other == "mm" && wing ~ /^mm\//
    return may(wing, other)
}
'

check_table() {
    sources boot drivers kernel mm | awk "$LAYERS"'
        { wing = wing_of($0) }
        wing != "main" && !(wing in is_wing) { print $0 ": " wing " is not in WINGS" }'
}

# Of all sources, each include as "file.c folder/file.h".
includes() {
    sources boot drivers kernel mm tests |
        xargs grep -H '^[[:blank:]]*#[[:blank:]]*include[[:blank:]]*"' |
        sed 's/^\([^:]*\):[^"]*"\([^"]*\)".*/\1 \2/'
}

check_includes() {
    includes | awk "$LAYERS"'
        !($2 in known) {
            known[$2] = (getline first < $2) >= 0
            close($2)
        }
        !known[$2] { print $1 ": \"" $2 "\" is not folder/file.h" }
        !may_include($1, $2) { print $1 " may not include \"" $2 "\"" }'
}

# Objects of the kernel; what none of them defines is given by the linker.
check_symbols() {
    [ $# -gt 0 ] || echo "no objects of the kernel given"
    ${KNM:-nm} -A -P "$@" | awk "$LAYERS"'
        {
            sub(/^build\//, "", $1)
            sub(/\.o:$/, ".c", $1)
        }
        $3 ~ /^[Uvw]$/ { user[++uses] = $1; used[uses] = $2 }
        $3 ~ /^[A-TV-Z]$/ { giver[$2] = $1 }
        END {
            n = split(ENVIRON["ANYONES"], word, " ")
            for (i = 1; i <= n; i++)
                delete giver[word[i]]
            delete giver["kernel_main"]         # where boot ends
            for (i = 1; i <= uses; i++)
                if (used[i] in giver && !may(wing_of(user[i]), wing_of(giver[used[i]])))
                    print user[i] " may not use " used[i] " of " giver[used[i]]
        }'
}

# Objects of mm, hosted: it needs nothing but this, and what the linker gives.
check_alone() {
    [ $# -gt 0 ] || echo "no objects of mm given"
    nm -A -P "$@" | awk '
        BEGIN { known["_GLOBAL_OFFSET_TABLE_"] = 1 }
        $3 ~ /^[A-TV-Z]$/ { known[$2] = 1 }
        $3 == "U" { used[$2] = 1 }
        END {
            n = split(ENVIRON["ANYONES"], word, " ")
            for (i = 1; i <= n; i++)
                known[word[i]] = 1
            for (symbol in used)
                if (!(symbol in known) && symbol !~ /^__(start|stop)_alloc_sites$/)
                    print "mm needs " symbol
        }'
}

# ---- headers ---------------------------------------------------------------------

# check_headers COMPILER FOLDER...
check_headers() {
    compiler=$1
    shift
    for header in $(sources "$@" | grep '\.h$'); do
        printf '#include "%s"\n#include "%s"\n' "$header" "$header" |
            $compiler -I. -Wall -Wextra -Werror -fsyntax-only -x c - 2>&1
    done
}

# ---- rooms -----------------------------------------------------------------------

check_floors() {
    find boot drivers kernel mm -name '*.c' | sed 's|/[^/]*$||' | LC_ALL=C sort |
        uniq -c | awk -v most=$MOST_FILES '
            $1 > most { print $2 " has " $1 " .c files, " most " at most" }'
}

check_readmes() {
    for floor in $(floors | grep -v '^iso/') tests; do
        [ -f "$floor/README.md" ] || echo "$floor has no README.md"
    done
}

# A function ends with a brace in the first column, and its body begins with one.
check_functions() {
    sources boot drivers kernel mm | grep '\.[ch]$' | xargs awk -v most=$MOST_LINES '
        FNR == 1 { begin = 0 }
        /^{/ { begin = FNR }
        /^}/ && begin > 0 {
            if (FNR - begin - 1 > most)
                print FILENAME ":" begin ": a function of " FNR - begin - 1 " lines"
            begin = 0
        }'
}

# The kernel's inline assembly is x86; a host may be something else.
case $(uname -m) in
    x86_64 | i?86) HOST_FOLDERS='boot drivers kernel mm';;
    *) HOST_FOLDERS='boot mm';;
esac

kernel=
hosted=
for object in "$@"; do
    case $object in
        build/hosted/*) hosted="$hosted $object";;
        *) kernel="$kernel $object";;
    esac
done

# The lists of objects and folders are words.
# shellcheck disable=SC2086
{
    echo 1..9
    result "every folder is a wing that tests/check.sh knows" "$(check_table)"
    result "includes go to wings that may be known" "$(check_includes)"
    result "symbols come from wings that may be known" "$(check_symbols $kernel)"
    result "mm needs nothing but what mm/port.h names" "$(check_alone $hosted)"
    result "every header compiles alone, in the kernel" \
        "$(check_headers "$KCC" boot drivers kernel mm)"
    result "every header compiles alone, hosted" \
        "$(check_headers "${HOSTCC:-cc} -std=gnu11" $HOST_FOLDERS)"
    result "no floor has more than $MOST_FILES .c files" "$(check_floors)"
    result "every wing has a README.md" "$(check_readmes)"
    result "no function has more than $MOST_LINES lines" "$(check_functions)"
}
exit $((failed > 0))
