"""trace: what mm did, in Linux's form: kernel/trace."""
import json
import re

import pytest
from marbles import CTRL_C, site

# As Linux's include/trace/events/kmem.h and kernel/trace/trace_output.c write them.
HEAD = r" {0,15}(?P<task>\S+)-(?P<command>\d+) +\[000\] (?P<flags>[d.]\.[h.]\.\.) +" \
       r"(?P<time>\d+\.\d{6}): "
WHERE = r"call_site=(?P<function>[\w.]+)\+0x[0-9a-f]+/0x[0-9a-f]+"
TAIL = r" serial=(?P<serial>\d+) site=(?P<site>\S+)"
AMOUNT = r" bytes_req=(?P<bytes>\d+) bytes_alloc=(?P<room>\d+) gfp_flags=(?P<gfp>\S+)"
PTR = r" ptr=(?P<ptr>0x[0-9a-f]{8})"
PAGE = r"page=0x[0-9a-f]{8} pfn=(?P<pfn>0x[0-9a-f]+) order=(?P<order>\d+)"
EVENTS = {
    "kmalloc": WHERE + PTR + AMOUNT + TAIL,
    "krealloc": WHERE + PTR + AMOUNT + TAIL,
    "kfree": WHERE + PTR + TAIL,
    "kmem_cache_alloc": WHERE + PTR + r" name=(?P<name>\S+)" + AMOUNT + TAIL,
    "kmem_cache_free": WHERE + PTR + r" name=(?P<name>\S+)" + TAIL,
    "mm_page_alloc": PAGE + r" migratetype=0 gfp_flags=(?P<gfp>\S+)" + TAIL,
    "mm_page_free": PAGE + TAIL,
    "mm_alloc_failed": WHERE + r" bytes_req=(?P<bytes>\d+) gfp_flags=(?P<gfp>\S+) "
                               r"site=(?P<site>\S+)",
}
KMALLOC = site("kernel/memory/cmd_alloc.c", r"^ .*kmalloc\(")


def events(lines):
    """At a terminal lines are broken between words: they begin with the task."""
    joined = []
    for line in lines:
        if re.match(HEAD, line):
            joined.append(line)
        elif line.startswith("      ") and joined:
            joined[-1] += " " + line.strip()
    found = []
    for line in joined:
        head = re.match(HEAD, line)
        name, _, rest = line[head.end():].partition(": ")
        body = re.fullmatch(EVENTS[name], rest)
        assert body, line
        found.append({"event": name, **head.groupdict(), **body.groupdict()})
    return found


def rows(lines):
    """Those of trace -j, among what the command itself printed."""
    return [json.loads(line) for line in lines if line.startswith("{")]


def names(lines):
    return [event["event"] for event in events(lines)]


def test_a_command_is_traced_from_its_begin_to_its_end_in_linuxs_form(boot):
    machine = boot()
    machine.run("kmalloc 1")
    lines = machine.run('trace "kmalloc 100; kfree $2; pages 2; kmalloc 9M"',
                        bug="size that no block has")
    found = events(lines)
    assert [event["event"] for event in found] == ["kmalloc", "kfree", "mm_page_alloc",
                                                   "mm_alloc_failed"]
    taken, freed, pages, failed = found
    assert (taken["function"], taken["bytes"], taken["room"], taken["gfp"],
            taken["serial"], taken["site"]) == ("cmd_kmalloc", "100", "128", "GFP_KERNEL",
                                                "2", KMALLOC)
    assert (freed["ptr"], freed["serial"]) == (taken["ptr"], "2")
    assert (pages["order"], pages["serial"]) == ("2", "3")
    assert failed["bytes"] == str(9 << 20)
    assert "# entries-in-buffer/entries-written: 4/4   #P:1" in lines
    assert [event["task"] for event in found] == ["kmalloc", "kfree", "pages", "kmalloc"]
    machine.run("kmalloc 5")                    # it is off again
    assert len(events(machine.run("trace show"))) == 4
    machine.is_whole()


def test_what_stress_does_is_of_all_kinds(boot):
    """Its every call is in the form of its event, or events() would not have it."""
    machine = boot()
    machine.run("trace on; stress 600 1; trace off", timeout=60)
    assert {"kmalloc", "krealloc", "kfree", "kmem_cache_alloc", "kmem_cache_free",
            "mm_page_alloc", "mm_page_free"} <= set(names(machine.run("trace show")))
    machine.is_whole()


def test_json_has_the_same_events_and_the_calls(boot):
    machine = boot()
    row, summary = rows(machine.run("trace -j kmalloc 100"))
    assert (row["event"], row["bytes_req"], row["bytes_alloc"], row["serial"], row["site"],
            row["func"], row["irq"]) == ("kmalloc", 100, 128, 1, KMALLOC, "cmd_kmalloc",
                                         False)
    assert summary == {"summary": True, "entries": 1, "written": 1}
    said = machine.run(f"whatis {row['pcs'][0]}")[0]
    assert "cmd_kmalloc" in said


def test_the_life_of_one_object_by_address_and_by_serial(boot):
    machine = boot()
    machine.run("trace on; kmalloc 100; kmalloc 50; kfree $1; kmalloc 3000; trace off")
    for what in "$1", "1":
        lines = machine.run(f"trace of {what}")
        assert names(lines) == ["kmalloc", "kfree"]
        assert {event["serial"] for event in events(lines)} == {"1"}
    assert machine.run("trace of $2")[-1] == "serial 2: it is live"
    assert machine.run("trace of 999") == ["trace: no event of 999 is kept"]
    assert "0 is no object" in machine.run("trace of 0")[0]


def test_without_records_a_life_is_found_by_its_address(boot):
    machine = boot(cmdline="kmemleak=off")
    machine.run("trace on; kmalloc 100; kfree $1; trace off")
    assert len(machine.run("trace of $1")) >= 2


def test_what_was_gathered_stays_through_a_typo_and_a_trace_within(boot):
    machine = boot()
    machine.run("trace on; kmalloc 100; trace shwo; trace off")
    assert names(machine.run("trace show")) == ["kmalloc"]
    lines = machine.run("trace 'kmalloc 10; trace kmalloc 20; kmalloc 30'")
    assert [event["bytes"] for event in events(lines)] == ["20", "10", "20", "30"]


def test_what_ctrl_c_has_ended_is_shown(boot):
    machine = boot(memory="16M")
    machine.send("trace drain 1\r")
    machine.wait_for("     200       200 ")       # tick and packets
    machine.send(CTRL_C)
    (told,) = [line for line in machine.until_prompt() if line.endswith(": trace show")]
    assert int(told.split()[0]) > 100
    assert {"kmalloc", "kfree"} <= set(names(machine.run("trace show")))


def test_what_is_of_no_cache_can_be_left_out(boot):
    machine = boot()
    machine.run("trace filter 'name != \"\"'; trace on; stress 2000 1; trace off")
    rows_ = machine.json("trace -j show")[:-1]
    assert rows_ and all(row["cache"] for row in rows_)


def test_an_order_that_failed_can_be_filtered(boot):
    machine = boot()
    machine.run("trace filter 'order == 8'")
    lines = machine.run("trace fail 1 'pages 8'", bug="on purpose")
    assert names(lines) == ["mm_alloc_failed"]


@pytest.mark.parametrize("text, wanted", [
    ("bytes_req > 100", ["2", "4"]), ("bytes_req >= 100", ["1", "2", "4"]),
    ("bytes_req < 100 && event == kmalloc", ["3"]), ("order == 1 && event ~ 'mm_*'", ["4"]),
    ("!(bytes_req == 100 || bytes_req == 300)", ["3", "4"]),
    ("serial == 3", ["3"]), ("func == take_pages", ["4"]), ("call_site ~ cmd_k*", ["1", "2", "3"]),
    ("gfp_flags & GFP_KERNEL", ["1", "2", "3", "4"]), ("gfp_flags & GFP_ATOMIC", []),
    ("file == cmd_alloc.c", ["1", "2", "3", "4"]), ("file == cmd_look.c", []),
    ("name == kmalloc-128", ["1"]), ("task == pages", ["4"]), ("irq == 1", []),
])
def test_filters_read_as_linuxs_do(boot, text, wanted):
    machine = boot()
    quote = '"' if "'" in text else "'"
    machine.run(f"trace filter {quote}{text}{quote}")
    *found, _ = rows(machine.run("trace -j 'kmalloc 100; kmalloc 300; kmalloc 20; pages 1'"))
    assert [str(row["serial"]) for row in found] == wanted


@pytest.mark.parametrize("text, problem", [
    ("bytes > 3", "there is no such field"), ("bytes_req >", "something is missing"),
    ("bytes_req 3", "an operator is missing"), ("bytes_req > x", "the value is not a number"),
    ("(bytes_req > 3", "a ) is missing"), ("bytes_req > 3)", "it does not end there"),
    ("bytes_req ~ 3", "~ is for fields that are text"), ("func > a", "takes ==, != or ~"),
    ("func == " + "a" * 100, "a word is too long"), ("(" * 40 + "irq == 1", "nested too deep"),
    ("irq == 1 || " * 11 + "irq == 1", "it is too long"), ("func == 'a", "quote is not closed"),
])
def test_a_wrong_filter_is_told_and_the_old_one_stays(machine, text, problem):
    machine.run("trace filter 'bytes_req > 7'")
    quote = '"' if "'" in text else "'"
    said = " ".join(" ".join(machine.run(f"trace filter {quote}{text}{quote}")).split())
    assert problem in said
    assert "filter: bytes_req > 7" in machine.run("trace")
    machine.run("trace filter 0")


def test_a_full_ring_says_how_many_it_overwrote(boot):
    machine = boot()
    machine.run("trace on; stress 20000 1; trace off", timeout=120)
    rows = machine.json("trace -j show")
    kept, written = rows[-1]["entries"], rows[-1]["written"]
    assert kept == len(rows) - 1 == 1024 and written > 10000
    said = " ".join(" ".join(machine.run("trace show")).split())
    assert f"# {written - kept} older events were overwritten" in said
    machine.run("trace clear")
    assert machine.json("trace -j show") == [{"summary": True, "entries": 0, "written": 0}]


def test_a_ring_that_was_cleared_fills_again_and_has_the_newest(boot):
    machine = boot()
    machine.run("trace on; stress 700; trace clear; kmalloc 1; stress 900; kmalloc 2; trace off")
    rows = machine.json("trace -j show")
    assert rows[-1]["entries"] == len(rows) - 1 == min(rows[-1]["written"], 1024)
    assert rows[-2]["bytes_req"] == 2
    serials = [row["serial"] for row in rows[:-1]
               if row["event"] in ("kmalloc", "kmem_cache_alloc", "mm_page_alloc")]
    assert serials == list(range(serials[0], serials[-1] + 1))
    machine.run("trace clear; trace on; kmalloc 3; kmalloc 4; trace off")
    assert [row["bytes_req"] for row in machine.json("trace -j show")[:-1]] == [3, 4]


def test_what_an_interrupt_does_is_marked(boot):
    machine = boot(memory="16M")
    machine.run("trace filter 'func == receive'; trace on; drain start 5")
    while not machine.json("trace -j show")[:-1]:
        pass
    machine.run("drain stop; trace off")
    found = events(machine.run("trace show"))
    assert found and all(event["flags"] == "d.h.." and event["function"] == "receive"
                         for event in found)


def test_stacks_are_shown_on_request(boot):
    machine = boot()
    machine.run("trace stacks on")
    lines = machine.run("trace kmalloc 100")
    assert any(re.match(r" => cmd_kmalloc\+0x", line) for line in lines)
    machine.run("trace stacks off")
    assert not any(" => " in line for line in machine.run("trace show"))


def test_from_boot_on_by_the_parameter_and_only_those_events(boot):
    machine = boot(cmdline="trace_event=kmem:kfree,kmem:mm_page_alloc")
    machine.run("kmalloc 100; kfree $1; pages 1")
    assert names(machine.run("trace show")) == ["kfree", "mm_page_alloc"]
    machine.run("params trace_event=kmem; trace clear; kmalloc 100")
    assert names(machine.run("trace show")) == ["kmalloc"]
    machine.run("params trace_event=0; trace clear; kmalloc 100")
    assert events(machine.run("trace show")) == []
    assert "trace_event" in " ".join(machine.run("params trace_event=kmem:nothing"))


def test_a_command_that_faults_or_is_stopped_leaves_tracing_off(boot):
    machine = boot()
    assert names(machine.run('trace "kmalloc 100; crash null"')) == ["kmalloc"]
    assert "tracing is off" in machine.run("trace")[0]
    machine.send("trace crash loop\r")
    machine.wait_for("look for: ")
    machine.send(CTRL_C)
    machine.until_prompt()
    assert "tracing is off" in machine.run("trace")[0]
    machine.is_whole()


def test_two_runs_print_the_same(boot):
    def once():
        return [{**row, "tick": 0} for row in
                rows(boot().run("trace -j 'stress 200 7'")) if "event" in row]
    assert once() == once()


def test_failing_and_tracing_are_two_hooks(boot):
    machine = boot()
    lines = machine.run("trace fail 1 kmalloc 100", bug="on purpose")
    found = events(lines)
    assert [event["event"] for event in found] == ["mm_alloc_failed"]
    assert found[0]["bytes"] == "100" and found[0]["site"] == KMALLOC


@pytest.mark.parametrize("words, said", [
    ("trace of", "of which ADDR or SERIAL?"), ("trace stacks", "stacks on, or off"),
    ("trace filter a b", "put it in quotes"), ("trace nonsense", "nonsense: unknown command"),
])
def test_wrong_words_are_told(machine, words, said):
    assert said in " ".join(machine.run(words))
