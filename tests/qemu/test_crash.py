"""crash KIND: what it says before, what finds the mistake, and what is left behind."""
KINDS = """null zero_size wild text rodata stack alloca divide opcode jump double_free
use_after_free overflow underflow uninit irq_null irq_loop irq_alloc loop cli_loop hlt
double_fault smash idt assert panic""".split()


def before(row):
    """What is said of a kind before it is made."""
    return [f"crash {row['kind']}: {row['does']}", f"  look for: {row['look_for']}"]


def test_crash_lists_its_kinds_in_rows_and_as_json(machine):
    kinds = machine.json("crash -j")
    assert [row["kind"] for row in kinds] == KINDS
    lines = machine.run("crash")
    assert [line.split()[0] for line in lines] == KINDS
    for line, row in zip(lines, kinds):
        assert line.endswith("  " + row["does"]) and len(line) <= 80
        assert all(len(said) <= 80 for said in before(row)), row


def test_each_kind_says_first_what_it_does_and_what_to_look_for(machine):
    for row in machine.json("crash -j"):
        if row["kind"] not in ("use_after_free", "overflow", "underflow", "uninit"):
            continue
        assert machine.run(f"crash {row['kind']}")[:2] == before(row)
