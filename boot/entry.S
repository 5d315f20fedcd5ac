/*
 * entry.S - from the loader's state to kernel_main, and no further.
 *
 * A Multiboot loader enters with flat 32-bit segments, paging and interrupts
 * off, the magic in eax and the address of its information in ebx
 * (Multiboot Specification 0.6.96, section 3.2).  It has zeroed .bss.  There is
 * no stack yet, and its GDT may be gone: gdt_init loads our own.
 *
 *     command_stack_guard   8 KiB  paging_init takes it away: running into it faults
 *     command_stack        32 KiB  every command, and interrupts meanwhile
 *     boot_stack_guard      4 KiB  absent as well: below one stack, and above the other
 *     boot_stack           16 KiB  kernel_main, the shell, interrupts
 *     boot_stack_top
 *
 * A compiler that takes a large piece of the stack touches each page of it, at its top or
 * its bottom (-fstack-clash-protection).  At the fault esp can be a page lower than what was
 * touched, and there the CPU pushes: so the guard below a stack has two pages.
 *
 * With SAN=1 both are three times as large: there are red zones between arrays.
 */
#include "boot/multiboot.h"

#ifdef SAN
#define TIMES 3
#else
#define TIMES 1
#endif

#define HEADER_FLAGS (MULTIBOOT_PAGE_ALIGN | MULTIBOOT_MEMORY_INFO)

    .section .multiboot, "a"
    .balign 4
    .long MULTIBOOT_HEADER_MAGIC
    .long HEADER_FLAGS
    .long -(MULTIBOOT_HEADER_MAGIC + HEADER_FLAGS)

    .section .bss.stack, "aw", @nobits
    .balign 4096
    .globl command_stack_guard, command_stack
    .type command_stack_guard, @object
    .size command_stack_guard, 8192
command_stack_guard:
    .skip 8192
    .type command_stack, @object
    .size command_stack, TIMES * 32768
command_stack:
    .skip TIMES * 32768
    .globl boot_stack_guard, boot_stack, boot_stack_top
    .type boot_stack_guard, @object
    .size boot_stack_guard, 4096
boot_stack_guard:
    .skip 4096
    .type boot_stack, @object
    .size boot_stack, TIMES * 16384
boot_stack:
    .skip TIMES * 16384
boot_stack_top:

    .text
    .globl entry
    .type entry, @function
entry:
    cli
    cld
    movl $boot_stack_top, %esp
    movl %ebx, %edx             /* second argument (regparm): the information */
    xorl %ebp, %ebp             /* backtraces end where a frame pointer is 0 */
    call kernel_main            /* first argument: the magic, in eax already */
1:  hlt
    jmp 1b
    .size entry, . - entry

    .section .note.GNU-stack, "", @progbits
