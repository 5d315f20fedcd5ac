#!/bin/sh
# deps.sh - install what Marbles needs and this machine does not have.
#
# Debian and Ubuntu: by apt-get, as root or through sudo.  What is needed is tried
# out, not looked up: a compiler or library from anywhere will do.  With nothing
# missing nothing is touched, the package lists included.  macOS: Homebrew's names.
#
# `deps.sh viewers`: what opens the files of make export, too (make test-export).
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
missing=

have() {
    command -v "$1" >/dev/null 2>&1
}

need() {
    missing="$missing $1"
}

# links COMPILER OPTION...: does a program with these options compile and link?
links() {
    echo 'int main(void) { return 0; }' >"$work/a.c"
    "$@" -o "$work/a.out" "$work/a.c" >/dev/null 2>&1
}

# links_cmocka COMPILER OPTION...
links_cmocka() {
    printf '%s\n' '#include <stdarg.h>' '#include <stddef.h>' '#include <setjmp.h>' \
        '#include <stdint.h>' '#include <cmocka.h>' \
        'int main(void) { return 0; }' >"$work/a.c"
    "$@" -o "$work/a.out" "$work/a.c" -lcmocka >/dev/null 2>&1
}

some_python_has() {
    for python in python3 /usr/bin/python3; do
        "$python" -c "import $1" >/dev/null 2>&1 && return
    done
    return 1
}

# Is there such a package, as far as this machine has heard?
knows() {
    apt-cache show "$1" >/dev/null 2>&1
}

# ---- macOS ---------------------------------------------------------------------

if [ "$(uname -s)" = Darwin ]; then
    echo "On macOS, with Homebrew:"
    echo "    brew install make i686-elf-gcc i386-elf-gdb qemu cmocka python"
    echo "    python3 -m pip install pytest pexpect"
    exit
fi

# ---- what is missing -----------------------------------------------------------

have make || need make
have gcc || need gcc
links cc || need libc6-dev
have qemu-system-i386 || need qemu-system-x86
have python3 || need python3
some_python_has pytest,pexpect || need 'python3-pytest python3-pexpect'
links_cmocka cc || need libcmocka-dev
# What make bench-hosted compares with.
links cc -lmimalloc || need libmimalloc-dev
links cc -ljemalloc || need libjemalloc-dev
links cc -ltcmalloc_minimal || need libgoogle-perftools-dev

# The boot medium, and the firmware that its tests start it with: x86 machines only,
# for others have no such packages.
case $(uname -m) in
    x86_64 | i?86)
        grub=${GRUB_LIB:-/usr/lib/grub}
        firmware=/usr/share/OVMF
        have grub-mkimage || need grub-common
        [ -e "$grub/i386-pc/boot_hybrid.img" ] || need grub-pc-bin
        [ -e "$grub/x86_64-efi/normal.mod" ] || need grub-efi-amd64-bin
        [ -e "$grub/i386-efi/normal.mod" ] || need grub-efi-ia32-bin
        have xorriso || need xorriso
        have mformat || need mtools
        [ -e "$firmware/OVMF_CODE_4M.fd" ] || need ovmf
        [ -e "$firmware/OVMF32_CODE_4M.secboot.fd" ] || need ovmf-ia32
        ;;
esac

case $(uname -m) in
    x86_64)
        have gdb || need gdb
        # gcc-multilib and gcc-i686-linux-gnu exclude each other in Debian; the unit
        # tests want programs of 32 bits that run here, so it is the first.
        links gcc -m32 || need gcc-multilib
        links_cmocka gcc -m32 || need libcmocka-dev:i386
        # For mm/gdb/marbles_drgn.py; 1 MB, and not in every release.
        some_python_has drgn || ! knows python3-drgn || need python3-drgn
        ;;
    i?86)
        have gdb || need gdb
        ;;
    *)
        have gdb-multiarch || need gdb-multiarch
        have i686-linux-gnu-gcc || have i686-elf-gcc || need gcc-i686-linux-gnu
        ;;
esac

if [ "${1:-}" = viewers ]; then
    have trace-cmd || need trace-cmd
    links cc -lkshark || need libkshark-dev
    links cc -ljson-c || need libjson-c-dev     # libkshark-dev wants it, and does not say
    have google-pprof || need google-perftools
    have ms_print || need valgrind
    have heaptrack_print || need heaptrack
    have node || need nodejs
    have npm || need npm
fi

if [ -z "$missing" ]; then
    echo "nothing missing"
    exit
fi
if ! have apt-get; then
    echo "missing:$missing (these are Debian's names; there is no apt-get here)" >&2
    exit 1
fi

# ---- installing ----------------------------------------------------------------

as_root() {
    if [ "$(id -u)" = 0 ]; then
        env DEBIAN_FRONTEND=noninteractive "$@"
    elif have sudo; then
        sudo env DEBIAN_FRONTEND=noninteractive "$@"
    else
        echo "missing:$missing; install them as root, for there is no sudo" >&2
        exit 1
    fi
}

echo "installing:$missing"
case $missing in
    *:i386*) as_root dpkg --add-architecture i386;;
esac
as_root apt-get update -q ||
    echo "apt-get update failed; trying with the package lists that are here" >&2
# Word by word: the list is one of package names.
# shellcheck disable=SC2086
as_root apt-get install -y -q --no-install-recommends $missing
