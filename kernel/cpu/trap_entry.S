/*
 * trap_entry.S - where the CPU comes in: one short entry for each vector.
 *
 *     0..31   exceptions    entry -> exception -> trap_exception, and not back
 *     1, 3    if any debug exception is asked for: entry -> debugging -> trap_debug -> iret,
 *             or, if not this one, on to trap_exception
 *     32..47  interrupts    entry -> interrupt -> trap_interrupt -> iret
 *     8       double fault  a task of its own: double_fault_entry
 *
 * An entry pushes the vector, and 0 where the CPU pushes no error code, so that
 * all frames look alike: struct trap_frame.
 *
 * An exception ends something (trap.c).  Its report runs on a stack of its own, so that
 * it also works when the trouble is the stack.  Interrupts use the stack of whom they
 * interrupt.  Both continue its chain of frame pointers: the word above the pushed
 * ebp is the interrupted eip, so a backtrace runs through.  The .cfi lines tell GDB
 * the same (DWARF 4, 6.4; .cfi_escape is .cfi_val_offset esp, 52, which clang's
 * assembler learned late: DW_CFA_val_offset_sf, register 4, -13 times -4).
 */
    .cfi_sections .debug_frame

/* Exceptions 8, 10 to 14, 17, 21, 29 and 30 push an error code (SDM 3A, 6.15). */
#define PUSHES_ERROR_CODE 0x60227d00
#define DEBUG 1
#define BREAKPOINT 3

    .text

    .macro trap_entry vector
    .balign 4
trap_\vector:
    .if \vector >= 32 || !((PUSHES_ERROR_CODE >> \vector) & 1)
    pushl $0
    .endif
    pushl $\vector
    .if \vector == DEBUG || \vector == BREAKPOINT
    cmpb $0, debug_is_on
    jne debugging
    .endif
    .if \vector < 32
    jmp exception
    .else
    jmp interrupt
    .endif
    .size trap_\vector, . - trap_\vector
    .type trap_\vector, @function
    .endm

    .altmacro
    .set number, 0
    .rept 48
    trap_entry %number
    .set number, number + 1
    .endr

/* eax: the frame, which is the first argument of what is called then. */
    .macro save_registers
    pushal
    cld
    movl %esp, %eax
    pushl 40(%esp)              /* frame.eip, as a return address */
    pushl %ebp
    movl %esp, %ebp
    .cfi_def_cfa ebp, 8         /* the frame */
    .cfi_offset eip, -4
    .cfi_offset edi, 0
    .cfi_offset esi, 4
    .cfi_offset ebp, 8
    .cfi_escape 0x15, 4, 0x73   /* esp is the frame + 52: above all that was pushed */
    .cfi_offset ebx, 16
    .endm

    .globl trap_frames_start, trap_frames_end
trap_frames_start:              /* a frame of this code has the interrupted eip in it */

    .type exception, @function
exception:
    .cfi_startproc
    .cfi_signal_frame
    save_registers
reported:
    movl $report_stack_top, %esp
    call trap_exception
    hlt                         /* never; but the return address is in here */
    .cfi_endproc
    .size exception, . - exception

    .type debugging, @function
debugging:
    .cfi_startproc
    .cfi_signal_frame
    save_registers
    call trap_debug
    testb %al, %al
    leal 8(%ebp), %eax          /* the frame, again */
    jz reported
    jmp go_back
    .cfi_endproc
    .size debugging, . - debugging

    .type interrupt, @function
interrupt:
    .cfi_startproc
    .cfi_signal_frame
    save_registers
    call trap_interrupt
go_back:
    addl $8, %esp
    popal
    addl $8, %esp               /* vector, error */
    iret
    .cfi_endproc
    .size interrupt, . - interrupt
trap_frames_end:

/*
 * A task begins here: esp is report_stack_top, esi is kernel_tss, where the CPU left all of
 * the task that overflowed its stack.  For GDB its registers are at esi + 32 (eip), 56, 60,
 * 52, 64, 68: DW_CFA_def_cfa_expression and DW_CFA_expression with DW_OP_breg6 (DWARF 4,
 * 6.4.2.3); the CFA is that task's esp, by DW_OP_deref.
 */
#define FROM_TSS(register, offset) .cfi_escape 0x10, register, 3, 0x76, \
                                               (offset & 0x7f) | 0x80, offset >> 7

    .globl double_fault_entry
    .type double_fault_entry, @function
double_fault_entry:
    .cfi_startproc
    .cfi_signal_frame
    .cfi_escape 0x0f, 4, 0x76, 56 | 0x80, 0, 0x06       /* CFA: esp */
    FROM_TSS(8, 32)             /* eip */
    FROM_TSS(0, 40)             /* eax, ecx, edx, ebx */
    FROM_TSS(1, 44)
    FROM_TSS(2, 48)
    FROM_TSS(3, 52)
    FROM_TSS(5, 60)             /* ebp, esi, edi */
    FROM_TSS(6, 64)
    FROM_TSS(7, 68)
    xorl %ebp, %ebp
    call trap_double_fault
    hlt                         /* never; but the return address is in here */
    .cfi_endproc
    .size double_fault_entry, . - double_fault_entry

    .section .rodata
    .balign 4
    .macro trap_address vector
    .long trap_\vector
    .endm

    .globl trap_entries
    .type trap_entries, @object
trap_entries:
    .set number, 0
    .rept 48
    trap_address %number
    .set number, number + 1
    .endr
    .size trap_entries, . - trap_entries

#ifdef SAN
#define REPORT_STACK 32768              /* with red zones between its arrays */
#else
#define REPORT_STACK 8192
#endif

    .section .bss.stack, "aw", @nobits
    .balign 4096
    .globl report_stack_guard, report_stack, report_stack_top
    .type report_stack_guard, @object
    .size report_stack_guard, 4096
report_stack_guard:             /* absent: what a report runs over is nobody's */
    .skip 4096
    .type report_stack, @object
report_stack:
    .skip REPORT_STACK
report_stack_top:
    .size report_stack, . - report_stack

    .section .note.GNU-stack, "", @progbits
