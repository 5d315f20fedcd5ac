#!/bin/sh
# make.sh - the boot medium, from the kernel and the GRUB tree beside this file.
#
#     iso/make.sh build/marbles.elf build/marbles.iso
#
# One image for three ways in, as a CD and as a disk (a USB stick):
#
#     BIOS, CD     El Torito  -----------------> bios.img (GRUB)  --.
#     BIOS, disk   MBR, boot_hybrid.img  ------> bios.img           |
#     UEFI 64      El Torito or GPT --> efi.img: BOOTX64.EFI (GRUB) +--> grub.cfg
#     UEFI 32      El Torito or GPT --> efi.img: BOOTIA32.EFI      -'
#
# Each GRUB has all its modules inside, so no folder of modules is on the medium:
# 2.5 MB, where grub-mkrescue makes 23 MB.
#
# The same input and the same tools give the same bytes, wherever and whenever it
# runs: dates, serial numbers and the order of files are given here, not found.
# The firmware checks no signature of ours: Secure Boot must be off.
set -eu

EPOCH=1735689600                # 1 January 2025: the date of all that has a date
SERIAL=4d41524c                 # of the FAT in efi.img
MODULES='multiboot normal configfile search search_fs_file iso9660 part_msdos
         part_gpt echo sleep test serial terminal reboot halt'

elf=$1
iso=$2
tree=${0%/*}
grub=${GRUB_LIB:-/usr/lib/grub}
work=${iso%.iso}.iso.d

# ---- tools ---------------------------------------------------------------------

missing() {
    echo "$1 is missing: install $2, or run make deps" >&2
    exit 1
}

need_tool() {
    command -v "$1" >/dev/null || missing "$1" "$2"
}

need_file() {
    [ -e "$1" ] || missing "$1" "$2"
}

need_tool grub-mkimage grub-common
need_file "$grub/i386-pc/boot_hybrid.img" grub-pc-bin
need_file "$grub/x86_64-efi/normal.mod" grub-efi-amd64-bin
need_file "$grub/i386-efi/normal.mod" grub-efi-ia32-bin
need_tool xorriso xorriso
need_tool mformat mtools
need_tool "${STRIP:-strip}" binutils

# ---- GRUB ----------------------------------------------------------------------

export LC_ALL=C TZ=UTC SOURCE_DATE_EPOCH=$EPOCH MTOOLSRC=/dev/null
umask 022
rm -rf "$work" "$iso"
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/tree" "$work/efi/boot"
cp -R "$tree/boot" "$work/tree"
# GRUB would load the debug information, too, and that is half of a machine of 4 MiB.
"${STRIP:-strip}" --strip-debug -o "$work/tree/boot/marbles.elf" "$elf"

# What GRUB runs first: find the medium it came from, and its menu.
cat >"$work/first.cfg" <<END
search --file --set=root /boot/marbles.elf
set prefix=(\$root)/boot/grub
configfile \$prefix/grub.cfg
END

# image FORMAT FILE MODULE...
image() {
    format=$1
    file=$2
    shift 2
    # Word by word: the list is one of module names.
    # shellcheck disable=SC2086
    grub-mkimage -d "$grub/${format%-eltorito}" -O "$format" -p /boot/grub \
        -c "$work/first.cfg" -o "$file" $MODULES "$@"
}

image i386-pc-eltorito "$work/tree/boot/grub/bios.img" biosdisk vga_text
image x86_64-efi "$work/efi/boot/bootx64.efi" efi_gop
image i386-efi "$work/efi/boot/bootia32.efi" efi_gop

# ---- the FAT for UEFI, and all of it ---------------------------------------------

find "$work/efi" -exec touch -d "@$EPOCH" {} +
fat=$work/tree/boot/grub/efi.img
mformat -i "$fat" -C -f 1440 -N "$SERIAL" ::
mmd -i "$fat" ::/efi ::/efi/boot
mcopy -m -i "$fat" "$work/efi/boot/bootia32.efi" "$work/efi/boot/bootx64.efi" \
    ::/efi/boot

find "$work/tree" -exec touch -d "@$EPOCH" {} +
xorriso -no_rc -report_about WARNING -as mkisofs -o "$iso" -r -V MARBLES \
    --grub2-mbr "$grub/i386-pc/boot_hybrid.img" --protective-msdos-label \
    -b boot/grub/bios.img -no-emul-boot -boot-load-size 4 -boot-info-table \
    --grub2-boot-info \
    --efi-boot boot/grub/efi.img -efi-boot-part --efi-boot-image \
    "$work/tree" 2>"$work/said" || { cat "$work/said" >&2; exit 1; }
