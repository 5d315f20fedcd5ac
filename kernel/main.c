/*
 * main.c - the kernel from entry to prompt, as a list.
 *
 * The order is given by who needs whom: text before anything that may fail, the
 * tables of the CPU before paging, the memory map before the heap, and the heap
 * before the first interrupt.
 *
 * No other file knows all of the kernel, so what somebody must ask of those who stand
 * above it is handed in here: a function, or a table.
 */
#include "boot/multiboot.h"
#include "drivers/power.h"
#include "drivers/vga.h"
#include "kernel/console.h"
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/gdt.h"
#include "kernel/cpu/guard.h"
#include "kernel/cpu/paging.h"
#include "kernel/cpu/timer.h"
#include "kernel/cpu/trap.h"
#include "kernel/ending.h"
#include "kernel/format.h"
#include "kernel/image.h"
#include "kernel/leaks/scan.h"
#include "kernel/memmap.h"
#include "kernel/memory/aftermath.h"
#include "kernel/memory/held.h"
#include "kernel/memory/meanwhile.h"
#include "kernel/memory/report.h"
#include "kernel/memory/whatis.h"
#include "kernel/panic.h"
#include "kernel/params.h"
#include "kernel/printk.h"
#include "kernel/san/san.h"
#include "kernel/shell.h"
#include "kernel/shell/hooks.h"
#include "kernel/shell/run.h"
#include "kernel/string.h"
#include "kernel/symbols.h"
#include "kernel/trace/lastptr.h"
#include "mm/mm.h"

enum { LINE_SIZE = 4096, NAME_SIZE = 80 };

void kernel_main(uint32_t magic, const struct multiboot_info *info)
    __attribute__((noreturn));

static void check_loader(uint32_t magic)
{
    if (magic == MULTIBOOT_BOOTLOADER_MAGIC)
        return;
    kprintf("Marbles must be started by a Multiboot 1 loader, which leaves 0x%08x in "
            "eax; there is 0x%08x.  Stopped.\n",
            MULTIBOOT_BOOTLOADER_MAGIC, (unsigned)magic);
    power_stop();
}

static const char *command_line(const struct multiboot_info *info)
{
    if (!(info->flags & MULTIBOOT_INFO_CMDLINE) || info->cmdline == 0)
        return "";
    return (const char *)(uintptr_t)info->cmdline;
}

static void map_memory(void)
{
    /* Nobody uses the first MiB, so all of it catches what is near to NULL. */
    static const struct paging_part parts[] = {
        { NULL, (const char *)VGA_TEXT_START, PAGING_ABSENT },
        { (const char *)VGA_TEXT_END, image_start, PAGING_ABSENT },
        { text_start, text_end, PAGING_READ_ONLY },
        { rodata_start, rodata_end, PAGING_READ_ONLY },
        { read_only_start, read_only_end, PAGING_READ_ONLY },
        { symbols_start, image_end, PAGING_READ_ONLY },
        { command_stack_guard, command_stack, PAGING_ABSENT },
        { boot_stack_guard, boot_stack, PAGING_ABSENT },
        { report_stack_guard, report_stack, PAGING_ABSENT },
    };

    if (!paging_init(memmap_ram_end(), parts, sizeof(parts) / sizeof(parts[0]),
                     memmap_take_pages))
        panic("no memory for page tables");
}

static unsigned stop_handlers(uint32_t command)
{
    return timer_stop_of(command, NULL) + irq_drop_of(command, NULL);
}

static void tell_handler(uintptr_t handler)
{
    char name[NAME_SIZE];

    run_handler_ended(handler);
    pr_err("this handler is not called any more: %s",
           symbol_format(handler, name, sizeof(name)));
}

/* What ends commands, and mends what they leave. */
static void connect_guard(void)
{
    static const struct guard_hooks hooks = {
        .stack = (char *)command_stack,
        .stack_top = (char *)boot_stack_guard,
        .judge = ending_judge,
        .frames_gone = san_frames_gone,
        .mend = aftermath_mend,
        .stop_handlers = stop_handlers,
        .last_serial = mm_last_serial,
        .taken_meanwhile = meanwhile_taken,
        .handler_ended = tell_handler,
    };

    guard_init(&hooks);
    ending_init(shell_outermost);
}

static const struct panic_hooks panic_hooks = {
    .tell_state = report_busy,
    .tell_fault = report_fault,
    .tell_whose = report_whose,
};

static void begin_command(unsigned level)
{
    aftermath_begin(level);
    san_begin_command();
}

static void command_returns(void)
{
    report_end_command();
    san_end_command();
}

static void command_ended(unsigned level, const char *name)
{
    lastptr_command_ended();
    aftermath_ended(level, name);
    san_end_command();
}

/* What the memory wing does for the shell. */
static void connect_shell(void)
{
    static const struct shell_hooks hooks = {
        .command_begins = begin_command,
        .command_returns = command_returns,
        .command_ended = command_ended,
        .reports = mm_reports,
        .held = held_address,
    };

    shell_init(&hooks);
}

static void greet(void)
{
    struct mm_stats stats;

    mm_get_stats(&stats);
    pr_info("memory: %u MiB for the heap, %u MiB of it free",
            (unsigned)(stats.total_pages >> (20 - PAGE_SHIFT)),
            (unsigned)(stats.free_pages >> (20 - PAGE_SHIFT)));
    pr_info("Type \"help\" for what there is to do.");
    console_tell_screen(console_has_serial()
                            ? "Keys come from the serial line, not from this keyboard.\r\n"
                            : "This machine has no serial line: nothing can be typed.\r\n");
}

static void name_address(uintptr_t address, bool offset, char *text, size_t size)
{
    struct symbol symbol;

    if (!offset && symbol_find(address, &symbol))
        strlcpy(text, symbol.name, size);
    else
        symbol_format(address, text, size);
}

/* The lines of run=, each for itself: what is wrong in one ends with it. */
static void run_given_commands(void)
{
    static char line[LINE_SIZE];
    const char *at = params_run();

    while (*at != 0) {
        const char *end = strchr(at, '\n');
        size_t length = end != NULL ? (size_t)(end - at) : strlen(at);

        strlcpy(line, at, length + 1 < sizeof(line) ? length + 1 : sizeof(line));
        shell_run(line);
        at += length + (end != NULL);
    }
}

void kernel_main(uint32_t magic, const struct multiboot_info *info)
{
    power_init();
    format_symbol = name_address;
    console_init();
    check_loader(magic);
    info = memmap_keep(info);
    console_find_screen(info);
    gdt_init();
    panic_init(&panic_hooks);
    connect_guard();
    trap_init(panic_exception);
    params_parse(command_line(info));
    pr_info("Marbles: a small kernel to learn about kernel memory");
    if (!memmap_init())
        panic("too little memory: the kernel ends at %p, RAM at 0x%08llx",
              (const void *)image_end, memmap_ram_end());
    map_memory();
    san_init();
    report_init();
    report_lost = scan_lost_bytes;
    dials_init();
    connect_shell();
    memmap_hand_over();
    san_watch_heap();
    timer_init();
    console_listen();
    irq_enable();
    greet();
    printk_quiet = false;
    run_given_commands();
    shell_loop();
}
