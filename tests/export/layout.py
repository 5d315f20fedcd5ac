"""layout.py - where the ring of events lies and how, as the compiler says it.  For GDB:

    gdb -nx -batch ELF -x layout.py         one line, JSON

It asks the debug information of kernel/trace/ring.c: so what is added to an event, or
moved in it, is found all the same.
"""
import json

import gdb


def value(name):
    return gdb.parse_and_eval(f"'kernel/trace/ring.c'::{name}")


def shape(kind):
    """A struct: its size, and name -> (offset, size, elements; 0: no array)."""
    fields = {}
    for field in kind.fields():
        type_ = field.type.strip_typedefs()
        count = type_.range()[1] + 1 if type_.code == gdb.TYPE_CODE_ARRAY else 0
        fields[field.name] = (field.bitpos // 8, type_.sizeof, count)
    return {"size": kind.sizeof, "fields": fields}


def elements(array):
    return [array[i] for i in range(array.type.range()[1] + 1)]


def address(name):
    return int(gdb.parse_and_eval(f"&{name}").cast(gdb.lookup_type("long"))) % 2 ** 32


ring = value("ring")
print(json.dumps({
    "ring": int(ring.address), "written": int(value("written").address),
    "room": ring.type.range()[1] + 1,
    "event": shape(ring.type.target()),
    "kinds": [name.string() for name in elements(value("names"))],
    "gfp": [(int(one["bit"]), one["name"].string()) for one in elements(
        gdb.parse_and_eval("'mm/look/names.c'::gfp_names"))],
    "site": shape(gdb.lookup_type("struct alloc_site")),
    "serial": address("heap.serial"), "pages": address("heap.total_pages"),
    "image": [address("image_start"), address("image_end")],
    "ends": [address(name) for name in ("power_exit", "power_fail", "power_off",
                                        "power_reboot", "power_stop")],
}))
