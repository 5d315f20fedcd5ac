# lines.awk - of each instruction that begins a line, that line: a DWARF line table, as
# a tool prints it, made into plain rows.
#
#     ./mm/port.h:
#     port.h       57      0x100b7d       x       -->     00100b7d 57 mm/port.h
#     port.h        -      0x100b86               -->     00100b86 - -
#
# Two tools are understood: readelf -wL -W of GNU binutils, as above, and
# llvm-dwarfdump --debug-line, where a row has the number of its file in a table before
# the rows.  "-" says that the code ends there.  Line 0, which compilers give to code
# that they made up, stays 0.
#
# -v labs="/a/x.c /b/y.c": files whose folder is no part of the name, as in __FILE__
# (lab_map in the Makefile).

BEGIN {
    n = split(labs, lab, " ")
    for (i = 1; i <= n; i++)
        is_lab[lab[i]] = 1
}

# All names from here on are those of what was compiled from this file.
function begin_unit(file) {
    folder = ""
    if (file in is_lab) {
        folder = file
        sub(/[^\/]*$/, "", folder)
    }
}

function name(file) {
    if (folder != "" && index(file, folder) == 1)
        file = substr(file, length(folder) + 1)
    while (sub(/^\.\//, "", file))
        ;
    return file
}

function row(address, line, file) {
    sub(/^0x/, "", address)
    address = "00000000" address
    print substr(address, length(address) - 7), line, file
}

# ---- readelf -------------------------------------------------------------------

/^[^ ]+:$/ || /^CU: .*:$/ {
    file = $NF
    sub(/:$/, "", file)
    if ($1 == "CU:")
        begin_unit(file)
    file = name(file)
    next
}

$3 ~ /^0x[0-9a-f]+$/ && $2 ~ /^([0-9]+|-)$/ {
    row($3, $2, $2 == "-" ? "-" : file)
    next
}

# ---- llvm-dwarfdump ------------------------------------------------------------

/^debug_line\[/ {
    split("", directory)
    split("", files)
}

/^include_directories\[/ {
    split($0, part, /[][ ]+|"/)
    directory[part[2]] = text()
}

/^file_names\[/ {
    split($0, part, /[][ ]+/)
    number = part[2]
}

$1 == "name:" { called = text() }

# Folder 0 is the one where the compiler ran: names are from there.
$1 == "dir_index:" {
    if ($2 != 0 && called !~ /^\//)
        called = directory[$2] "/" called
    files[number] = called
}

$1 == "Address" { begin_unit(0 in files ? files[0] : files[1]) }

/^0x[0-9a-f]+ / {
    if (/ end_sequence/)
        row($1, "-", "-")
    else
        row($1, $2, name(files[$4]))
}

# What stands in quotes.
function text(    quoted) {
    quoted = $0
    gsub(/^[^"]*"|"[^"]*$/, "", quoted)
    return quoted
}
