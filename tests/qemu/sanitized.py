"""What `make test SAN=1` leaves out of tests/qemu, and why.

Each name is the beginning of a test's, as pytest gives it.  tests/README.md tells the same
in words.
"""

LEFT_OUT = {
    # It is wrong on purpose, and SAN=1 tells it before whoever is tested here can.
    "wrong": [
        "test_calls.py::test_a_fault_in_traced_code_is_reported_as_in_other_code[crash smash]",
        "test_calls.py::test_random_work",
        "test_catch.py::test_a_command_that_ends_by_ctrl_c_or_a_fault_leaves_them",
        "test_catch.py::test_a_fault_while_something_is_watched_puts_nothing_back",
        "test_crash.py::",
        "test_dials.py::test_a_write_",
        "test_dials.py::test_they_can_be_set_at_the_prompt",
        "test_faults.py::",
        "test_find.py::test_a_wrong_write_",
        "test_hurt.py::",
        "test_memory.py::test_meminfo_and_check_count_what_was_reported",
        "test_reports.py::test_a_command_that_was_reported_ends_with_a_status",
    ],
    # It reads or writes what is nobody's, or mm's books, because that is its test.
    "nobodys": [
        "test_boot.py::test_nothing_that_the_loader_left_is_handed_out",
        "test_labs.py::test_no_bit_of_mms_bookkeeping_makes_a_call_fault",
    ],
    # It counts instructions, or takes too long where each access is a call.
    "instructions": [
        "test_bench.py::",
        "test_calls.py::test_the_graphs_of_the_readme",
        "test_boot.py::test_from_entry_to_the_prompt_it_takes_less_than",
        "test_find.py::test_what_is_lost_is_named_by_leaks_and_why_lost",
        "test_memory.py::test_dump_stops_before_what_is_not_mapped",
        "test_why_lost.py::",
        "test_readme.py::test_the_json_keys_are_those_of_the_tables",
    ],
    # It counts on memory that the shadow takes.
    "room": [
        "test_boot.py::test_all_of_ram_is_handed_out_and_nothing_else[64M]",
        "test_loader.py::test_312_ranges_are_all_used",
        "test_loader.py::test_of_too_many_ranges_the_largest_are_used",
        "test_params.py::test_mem_uses_nothing_above_its_limit",
    ],
    # It knows how slabs are laid out, and here there is room between objects.
    "layout": [
        "test_fail.py::test_every_call_of_a_lab_fails_once",
        "test_labs.py::test_a_lab_outside_the_tree_that_uses_every_call",
        "test_labs.py::test_it_runs_without_records_too",
        "test_memory.py::test_a_free_of_what_was_never_an_object_names_what",
        "test_memory.py::test_a_wrong_free_is_named_counted_and_refused",
        "test_memory.py::test_whatis_knows_every_kind_of_address",
    ],
    # Labs are compiled otherwise: signed overflow does not wrap, but is told.
    "labs": ["test_labs.py::test_a_lab_is_compiled_as_a_driver_of_linux"],
    # The sessions of the README are those of the plain kernel.
    "readme": ["test_readme.py::test_a_session_of_the_readme_happens"],
}


def is_left_out(item):
    name = item.nodeid.split("/")[-1]
    return any(name.startswith(beginning)
               for names in LEFT_OUT.values() for beginning in names)
