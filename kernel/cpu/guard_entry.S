/*
 * guard_entry.S - a call with a way out: see guard.c.
 *
 *     guard_enter ---> fn(arg), on the stack given ---> returns
 *          ^                      |                        |
 *          |                      +-- somebody ends it     |
 *          +---- guard_return <---+------------------------+
 *
 * At guard_return two registers are believed, eax, whether it was ended, and edx, what
 * eflags were; all else comes from *guard_innermost.  So it does not matter what became of
 * ebp, esp, the segments, or NT and DF.  From there on interrupts are off, no breakpoint
 * is set, and the page tables are those of the call: before anything of them is used.
 *
 * fn begins with a frame pointer of 0, and backtraces end at guard_called: the kernel's own
 * calls around a command say nothing about it.  For GDB ebx has what ebp would.
 */
    .cfi_sections .debug_frame
    .text

#define KERNEL_CODE 0x08
#define KERNEL_DATA 0x10
#define EFLAGS_NT 0x4000
#define EFLAGS_ALWAYS_ONE 2

/* uint32_t guard_enter(struct guard *, void (*fn)(void *), void *arg, stack or NULL) */
    .globl guard_enter, guard_called, guard_return
    .type guard_enter, @function
guard_enter:
    .cfi_startproc
    pushl %ebp
    .cfi_def_cfa_offset 8
    .cfi_offset ebp, -8
    movl %esp, %ebp
    pushl %ebx
    pushl %esi
    pushl %edi
    movl %ebp, %ebx
    .cfi_def_cfa ebx, 8
    .cfi_offset ebx, -12
    .cfi_offset esi, -16
    .cfi_offset edi, -20
    movl 8(%ebp), %esi
    testl %esi, %esi
    jz 1f
    movl %esi, %esp
1:  movl %ebp, (%eax)           /* from now on it can be ended */
    movl %ecx, %eax
    xorl %ebp, %ebp
    call *%edx
guard_called:
    xorl %eax, %eax             /* it returned */
    pushfl
    popl %edx
guard_return:
    cli
    movl %dr7, %esi
    xorl %ecx, %ecx
    movl %ecx, %dr7
    movl %ecx, %dr6
    lgdt gdt_table              /* a command may have changed either */
    lidt trap_table
    movl guard_innermost, %ecx
    movl 8(%ecx), %ebx          /* cr3 */
    movl %cr3, %edi
    cmpl %ebx, %edi
    je 1f                       /* to load it empties the TLB */
    movl %ebx, %cr3
1:  movl (%ecx), %ebp
    movl %edx, 4(%ecx)          /* flags_at_end, cr3_at_end, dr7_at_end */
    movl %edi, 12(%ecx)
    movl %esi, 16(%ecx)
    movl $KERNEL_DATA, %edx
    movl %edx, %ds
    movl %edx, %es
    movl %edx, %fs
    movl %edx, %gs
    movl %edx, %ss
    leal -12(%ebp), %esp
    clts                        /* a task switch has set CR0.TS */
    pushl $EFLAGS_ALWAYS_ONE
    popfl                       /* IF, NT, TF, DF, AC off */
    popl %edi
    popl %esi
    popl %ebx
    popl %ebp
    .cfi_def_cfa esp, 4
    ret
    .cfi_endproc
    .size guard_enter, . - guard_enter

/* void guard_leave(uint32_t flags): by iret, for until there is one NMIs are masked. */
    .globl guard_leave
    .type guard_leave, @function
guard_leave:
    movl %eax, %edx
    movl $report_stack_top, %esp
    pushl $EFLAGS_ALWAYS_ONE
    pushl $KERNEL_CODE
    pushl $guard_return
    movl $1, %eax               /* it was ended */
    iret
    .size guard_leave, . - guard_leave

/* void guard_leave_task(void): the iret of a nested task goes to the other, kernel_tss. */
    .globl guard_leave_task
    .type guard_leave_task, @function
guard_leave_task:
    pushfl
    orl $EFLAGS_NT, (%esp)
    popfl
    iret
    .size guard_leave_task, . - guard_leave_task

    .section .note.GNU-stack, "", @progbits
