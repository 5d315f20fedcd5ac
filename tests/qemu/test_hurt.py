"""Each way to hurt (tests/labs/hurt.c): afterwards the prompt answers, and mm is whole.

Each way stands in one of the tables below, by what comes of it.  A machine that was not
harmed is used for the next one, so most ways share a boot.
"""
import re

import pexpect
import pytest
from marbles import CTRL_C, GUEST_TIME, Machine

FINE, REPORTED, FAULT, STOPPED = 0, 4, 5, 6
SECONDS = 20                    # for a prompt that comes at once, or never

# ---- those that come back -----------------------------------------------------------

# A fault ends the command.
FAULTS = """
null_read null_write null_member null_index null_call zero_size_read zero_size_write
too_large_unchecked too_large_index wild_read wild_write wild_high wild_last wild_poison
wild_ascii apic_read low_read low_write ebda_write screen_write rom_write loader_write
text_write text_write_self rodata_write const_write symbols_write jump_data jump_ascii
recursion recursion_by_two alloca_64k alloca_4m local_overrun local_overrun_far esp_zero
esp_read_only esp_wild esp_rom esp_heap ebp_wild ebp_circle divide_by_zero
divide_smallest ud2 trap_builtin falls_through lock_nop sse bound int3 int_4 int_8
int_13 int_14 int_0x80 ds_wrong ss_wrong jump_no_segment jump_other_task call_own_task
iret_garbage flag_trap debug_register irq_null irq_opcode irq_recursion
breakpoint_in_mm pic_begun_loop cache_wrong_arguments cache_name_wild constructor_null
constructor_wild krealloc_zero
kmalloc_must must_until_empty kstrdup_wild kmemdup_wild walk_null cache_slab hook_wild
idt_0 idt_ff tss_ff guard_page below_guard_page report_stack_a filter_wild running_wild
irq_wild text_wild text_number format_null into_null copy_to_null length_of_null
compare_with_null compare_with_wild run_null run_wild readline_null asserts
""".split()

# Interrupts do not come any more: the watchdog's NMI ends it.
WATCHED = """
loop_irq_off nmi_masked pic_masked_loop timer_once_loop halt_irq_off irq_loop
irq_loop_irq_on irq_idle irq_readline int_2
""".split()

# It does not end by itself: Ctrl-C does it.
LOOPS = """
loop loop_kmalloc loop_leak loop_leak_loud loop_check loop_lines loop_letters loop_log
loop_asks loop_idle loop_flag loop_list loop_irq_mostly_off constructor_loops walk_loops
number_width number_width_least readline_nested readline_no_room irq_timer_loop
irq_serial_loop irq_both_loop uart_no_interrupts_loop uart_all_interrupts_loop
uart_divisor_latch_loop
""".split()

# mm refuses it, and says so.
REFUSED = """
irq_kernel irq_shell irq_double_free free_twice free_twice_large free_reused free_inside
free_inside_large free_local free_static free_literal free_code free_books free_wild
free_pages_by_kfree free_object_as_pages free_of_another_order free_no_page
free_exact_wrong free_to_another_cache cache_null cache_wild cache_size_wild
cache_shrink_wild cache_shrink_null cache_size_null cache_is_object cache_destroyed
cache_in_use cache_500
krealloc_freed krealloc_inside krealloc_huge ksize_wild kmalloc_minus_1
kmalloc_array_wraps order_99 order_minus_1 hook_null
""".split()

# Nobody minds: it is right after all, or seen by the dials alone.
UNNOTICED = """
jump_heap skip_guard_page int_irq0 int_irq4 int_irq5 int_irq7 ds_null es_null fs_gs_null
flag_alignment flag_iopl flag_virtual flag_nested run_irq_off irq_atomic irq_print irq_check irq_reclaim irq_hurt
stays_too_many stays_leaking irq_9999 irq_while_busy freed_read
freed_write freed_write_all freed_write_large freed_and_reused freed_pages over_by_1
over_in_slack over_large under_by_1 under_large over_neighbour strcpy_past_end
free_nothing cache_name_local constructor_allocates kmalloc_flags kstrdup_null
page_of_nothing walk_frees walk_allocates init_again init_nothing record_pointer
last_serial cache_names cache_word_odd state_busy state_all state_irq state_long_way
state_put_off state_site sites_ff history_ff history_count loglevel_negative
filter_stays text_null text_precision number_precision format_unknown format_ends
format_float format_n print_every_byte print_escapes into_nothing runs_itself
runs_itself_by_more run_without_function exit_odd run_long run_empty_many status_odd
read_ports uart_no_fifo uart_break uart_slow
""".split()

# The command returns, and what it has left otherwise than it was is put back, and said.
PUT_BACK = {
    "return_irq_off": "interrupts on",
    "paging_off": "CR0",
    "write_protect_off": "CR0",
    "breakpoint_in_guard": "no breakpoints (DR7)",
    "breakpoint_in_shell": "no breakpoints (DR7)",
    "cr3_mine": "page tables (CR3)",
    "cr3_freed": "page tables (CR3)",
    "cr4_small_pages": "CR4",
    "task_register": "the task register",
    "pic_masked": "the interrupt controller",
    "pic_begun": "the interrupt controller",
    "timer_once": "the timer's mode",
    "irq_timer_nobody": "the kernel's handler of IRQ 0",
    "irq_timer_mine": "the kernel's handler of IRQ 0",
    "irq_serial_nobody": "the kernel's handler of IRQ 4",
    "irq_serial_mine": "the kernel's handler of IRQ 4",
    "irq_both_mine": "the kernel's handler of IRQ 0, the kernel's handler of IRQ 4",
}

# A tick that comes before it returns does so by vector 0, as if it had divided by zero.
MAY_FAULT = {"pic_begun"}

# The same behind one that is ended by a fault.
PUT_BACK_AT_END = {
    "cr4_small_pages_fault": "CR4",
    "irq_timer_fault": "the kernel's handler of IRQ 0",
    "irq_serial_fault": "the kernel's handler of IRQ 4",
}

# Handlers that stay, and leave no time for the prompt: Ctrl-C stops them, or ends the
# command if that could not come to its end.
SLOW = "stays_slow stays_slow_twice stays_loud".split()
STOPPED_HANDLER = r"not called any more:\s+at_each_|interrupt handlers? stopped"

# The handler that stays faults, in the midst of a line or at the prompt: what is said.
LATER = {
    "stays_null": "page fault: write to 0x00000000",
    "stays_wild": "page fault: execution of 0x41414141",
    "stays_recursion": r"stack overflow: 0x\w{8} is in the guard page ",
}

# Observers that stay, and fault when somebody allocates.
OBSERVERS = {"observer_null": "saw_null+0x0/", "observer_wild": "0x41414141"}

# What comes of it is the compiler's, the CPU's or chance's: a fault or nothing.
EITHER = """
jump_garbage jump_into_function jump_zeros jump_rodata local_underrun dangling_local fpu
fpu_exception breakpoints_guarded wrmsr cpuid_leaf flag_direction not_initialised
kmemdup_too_much text_code format_from_user format_few_arguments words_read
words_written stays_dangling
""".split()

# What is printed until it is put back goes astray, or comes in as if it were typed: here
# time must not run ahead of whoever types.
MUTE = "uart_divisor_latch uart_no_interrupts uart_loopback".split()

# The shell within the shell: its prompt.
NESTED = ["loop_shell"]

# mm's books are overwritten, and check names what.
NAMED = """
over_a_slab over_a_page over_a_mebibyte over_all under_all memset_all memmove_wraps
init_over_kernel init_wild pages_0 pages_ff pages_noise one_page records_ff free_lists
free_lists_circle nonempty nfree npages npages_0 page_pointer page_pointer_null heap_0
caches_0 cache_word cache_partial slab_maps sites_0
""".split()

# ---- those that do not --------------------------------------------------------------

# The kernel stops, and says why.
SAID = {
    "panics": "panic: a student's panic: 5",
    "panics_at_length": "panic: ppp",
    "irq_panic": "panic: from a handler",
    "heap_ff": "panic: mm: it was ended while it changed its books",
    "heap_noise": "panic: mm: it was ended while it changed its books",
    "caches_ff": "panic: mm: it was ended while it changed its books",
    "caches_noise": "panic: mm: it was ended while it changed its books",
    "watcher_wild": "panic: mm: it was ended while it changed its books",
    "shell_stack_ff": "execution of 0xffffffff",
}

# Nothing is said, and why there is nobody who could.
LOST = {
    "real_mode": "the CPU reads 32-bit code as 16-bit code from then on",
    "cr3_zero": "the page directory is what lies at 0: no address leads anywhere",
    "cr4_all_ones": "with PAE the CPU reads the page tables as other tables",
    "page_directory_0": "no address leads anywhere, once the TLB has forgotten it",
    "page_directory_0_now": "no address leads anywhere",
    "task_register_bad_stack": "the task of the double fault counts as the one that runs",
    "a20_off": "each odd MiB of memory is the one below it, and the kernel is in such a one",
    "watchdog_stopped": "who ends what lets no interrupt come is switched off",
    "no_idt": "the fault finds no handler, nor does the one about it",
    "no_gdt": "the handler of the fault has no code segment",
    "gdt_0": "the same; task switches write the GDT, so it cannot be read-only",
    "keyboard_reset": "the machine starts anew, as it was asked to",
    "timer_fast": "600,000 interrupts a second leave no time for anything else, and "
                  "the PIT does not tell what it was set to",
    "pic_moved": "the timer comes as a double fault, and a PIC does not tell where its "
                 "vectors are",
    "data_ff": "what says where the console's text goes is overwritten",
    "data_noise": "the same",
    "bss_0": "guards, page directory, GDT and the report's stack are overwritten",
    "bss_ff": "the same",
    "bss_noise": "the same",
}

# ---- machines -----------------------------------------------------------------------

# Memory, handlers, devices or variables are not afterwards what they were.
HARMED = {
    "loop_leak", "loop_leak_loud", "loop_list", "must_until_empty", "cache_500",
    "observer_null", "observer_wild", "stays_null", "stays_wild", "stays_dangling", "stays_too_many",
    "stays_leaking", "irq_wild", "irq_9999", "over_large", "under_by_1", "under_large",
    "cache_name_local",
    "init_again", "init_nothing", "record_pointer", "last_serial", "cache_names",
    "cache_word_odd", "cache_slab", "sites_ff", "hook_null", "hook_wild", "history_ff",
    "history_count", "loglevel_negative", "below_guard_page", "print_escapes",
    "skip_guard_page", "uart_no_fifo", "uart_break", "uart_slow", "read_ports",
    "constructor_allocates", "state_long_way", "jump_garbage", "jump_zeros",
    "jump_rodata", "tss_ff", "dangling_local", *MUTE, *NESTED, *NAMED, *SAID, *LOST,
}


class Machines:
    """One after the other, each for as long as it is not harmed."""

    def __init__(self, elf):
        self.elf = elf
        self.machine = self.arguments = None

    def unharmed(self, arguments):
        if self.machine is not None and self.arguments != arguments:
            self.drop()
        if self.machine is None:
            self.machine = Machine(self.elf, memory="16M", arguments=arguments)
            self.arguments = arguments
        Machine.booted.append(self.machine)
        return self.machine

    def drop(self):
        if self.machine is not None:
            self.machine.close()
        self.machine = None


@pytest.fixture(scope="module")
def machines(lab_elf):
    machines = Machines(lab_elf)
    yield machines
    machines.drop()


@pytest.fixture
def machine(machines, request):
    """A machine that nothing has harmed; used again if the test finds it whole."""
    way = request.node.callspec.params["way"]
    machines.is_whole = False
    yield machines.unharmed(() if way in MUTE else GUEST_TIME)
    if not machines.is_whole or way in HARMED:
        machines.drop()


def hurt(machine, way):
    """Do it, and wait for the prompt: what was said, and the status."""
    machine.send(f'status "hurt {way}"\r')
    machine.wait_for(f"\nhurt {way}\r", SECONDS)
    if way in LOOPS:
        machine.send(CTRL_C)
    said = "\n".join(machine.until_prompt(SECONDS))
    statuses = re.findall(r"\bstatus (\d+)$", said, re.M)
    return said, int(statuses[-1]) if statuses else None


@pytest.fixture
def whole(machines, machine):
    """whole(): the prompt answers, and check is clean.

    A report may come in between, of a handler that has stayed.
    """
    def ask():
        machine.send("check\r")
        machine.wait_for("\nmm_check: all rules hold\r", SECONDS)
        machine.wait_for_prompt(SECONDS)
        machines.is_whole = True

    return ask


# ---- tests --------------------------------------------------------------------------

COME_BACK = (FAULTS + WATCHED + LOOPS + REFUSED + UNNOTICED + list(PUT_BACK) +
             list(PUT_BACK_AT_END) + SLOW + list(LATER) + list(OBSERVERS) + EITHER + MUTE +
             NESTED + NAMED)


def test_every_way_is_in_one_table_and_300_come_back(lab):
    ways = COME_BACK + list(SAID) + list(LOST)
    assert sorted(ways) == sorted(lab.run("hurt")) and len(set(ways)) == len(ways)
    assert len(COME_BACK) >= 300 and HARMED <= set(ways)


@pytest.mark.parametrize("way", FAULTS)
def test_a_fault_ends_the_command(way, machine, whole):
    assert hurt(machine, way)[1] == FAULT
    whole()


@pytest.mark.parametrize("way", WATCHED)
def test_the_watchdog_ends_what_lets_no_interrupt_come(way, machine, whole):
    said, status = hurt(machine, way)
    assert status in (FAULT, STOPPED) and "watchdog: " in said
    whole()


@pytest.mark.parametrize("way", LOOPS)
def test_ctrl_c_ends_what_does_not_end(way, machine, whole):
    assert hurt(machine, way)[1] == STOPPED
    whole()


@pytest.mark.parametrize("way", REFUSED)
def test_mm_refuses_and_reports(way, machine, whole):
    said, status = hurt(machine, way)
    assert status == REPORTED and "came back" in said
    whole()


@pytest.mark.parametrize("way", UNNOTICED)
def test_what_nobody_notices_harms_neither_shell_nor_mm(way, machine, whole):
    assert hurt(machine, way)[1] == FINE
    whole()


def clock_goes_on(machine):
    """The ticks go on, sooner or later: else the test's time is over."""
    before = machine.json("uptime -j")[0]["ticks"]
    while machine.json("uptime -j")[0]["ticks"] == before:
        pass


@pytest.mark.parametrize("way", PUT_BACK)
def test_what_a_command_has_left_otherwise_is_put_back(way, machine, whole):
    said, status = hurt(machine, way)
    if way in MAY_FAULT and status == FAULT:
        assert f"\n  put back: {PUT_BACK[way]}\n" in said
    else:
        assert f"\nhurt has returned; put back: {PUT_BACK[way]}\n" in said
        assert status == FINE
    whole()
    clock_goes_on(machine)


@pytest.mark.parametrize("way", PUT_BACK_AT_END)
def test_the_same_when_it_was_ended(way, machine, whole):
    said, status = hurt(machine, way)
    assert f"\n  put back: {PUT_BACK_AT_END[way]}\n" in said and status == FAULT
    whole()
    clock_goes_on(machine)


@pytest.mark.parametrize("way", SLOW)
def test_ctrl_c_at_the_prompt_stops_handlers_that_leave_it_no_time(way, machine, whole):
    machine.send(f"hurt {way}\r")
    machine.wait_for(f"\nhurt {way}\r", SECONDS)
    for _ in range(10):                 # the first may come while the command runs
        machine.send(CTRL_C)
        if machine.qemu.expect([STOPPED_HANDLER, pexpect.TIMEOUT], timeout=5) == 0:
            break
    whole()


@pytest.mark.parametrize("way", LATER)
def test_a_handler_that_stays_ends_by_its_fault(way, machine, whole):
    machine.send(f"hurt {way}\r")
    assert re.search(LATER[way], machine.wait_for("is not called any more", SECONDS))
    whole()


@pytest.mark.parametrize("way", OBSERVERS)
def test_an_observer_that_faults_is_taken_out(way, machine, whole):
    assert hurt(machine, way)[1] == FINE
    machine.send("status \"kmalloc 100\"\r")
    said = "\n".join(machine.until_prompt(SECONDS))
    assert "  it was in this observer, which is called no more: " + OBSERVERS[way] in said
    assert said.endswith(f"status {FAULT}")
    assert machine.run("kmalloc 100")[0].startswith("$")
    whole()


@pytest.mark.parametrize("way", EITHER)
def test_what_chance_decides_comes_back(way, machine, whole):
    assert hurt(machine, way)[1] in (FINE, FAULT)
    whole()


@pytest.mark.parametrize("way", ["irq_wild"])
def test_the_timer_has_its_own_handler_again(way, machine, whole):
    assert "this handler is not called any more: 0xdeadbeef" in hurt(machine, way)[0]
    whole()
    clock_goes_on(machine)


@pytest.mark.parametrize("way", MUTE)
def test_the_line_is_put_back(way, machine, whole):
    machine.send(f"hurt {way}\r")
    machine.wait_for_prompt(SECONDS)
    whole()


@pytest.mark.parametrize("way", NESTED)
def test_a_shell_within_the_shell_works(way, machine, whole):
    hurt(machine, way)
    whole()


@pytest.mark.parametrize("way", NAMED)
def test_check_names_what_was_overwritten(way, machine):
    hurt(machine, way)
    machine.send("status check\r")
    said = "\n".join(machine.until_prompt(SECONDS))
    assert re.search(r"^mm_check: [BSM]\d: |^page fault: read from ", said, re.M), said
    assert re.search(r"^status [15]$", said, re.M), said


@pytest.mark.parametrize("way", SAID)
def test_the_kernel_says_why_it_stops(way, machine):
    machine.send(f"hurt {way}\r")
    assert SAID[way] in "\n".join(machine.until_stopped())

