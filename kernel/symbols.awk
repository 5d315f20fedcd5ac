# symbols.awk - the symbol table and the lines of code, as assembly.
#
#     awk -f kernel/symbols.awk SYMBOLS LINES
#
#     00100040 00000123 T kfree       a line of SYMBOLS, which `nm -n -S` makes
#     00100040 57 mm/free.c           a line of LINES, which lines.awk makes
#
#     .long 0x00100040, 0x00000123, name_7, lines_7
#     name_7: .asciz "kfree"
#     lines_7: .uleb128 ...
#
# SYMBOLS are functions and objects with a size, by ascending address.  kernel/symbols.c
# says what the table is for, kernel/lines.c what follows lines_7.  With no input the
# table is empty: that is what the first link takes.

BEGIN { count = files = passed = now_line = 0 }

FILENAME == ARGV[1] {
    start[count] = $1
    size[count] = $2
    is_code[count] = $3 ~ /^[tTwW]$/
    name[count++] = $4
    next
}

# Of several lines of one instruction the last is its own.  The end of a file's code may
# be where another's begins.
$2 != "-" || !($1 in line) {
    line[$1] = $2 == "-" ? 0 : $2
    file[$1] = $2 == "-" ? "" : $3
}

function hex(digits,    i, value) {
    for (i = 1; i <= length(digits); i++)
        value = 16 * value + index("0123456789abcdef", substr(digits, i, 1)) - 1
    return value
}

function file_number(file) {
    if (!(file in number)) {
        number[file] = files
        path[files++] = file
    }
    return number[file]
}

# Such a row of lines.c: `bytes` of code are of that line.
function row(bytes, at_line, at_file,    delta, is_new) {
    is_new = at_file != row_file
    delta = at_line - row_line
    rows = rows (rows == "" ? "" : ", ") (2 * bytes + is_new)
    if (is_new)
        rows = rows ", " file_number(at_file)
    rows = rows ", " (delta < 0 ? -2 * delta - 1 : 2 * delta)
    row_file = at_file
    row_line = at_line
}

# The line of the instruction at that address, or of the one that it is part of.
function pass(address,    key) {
    key = sprintf("%08x", address)
    if (key in line) {
        now_line = line[key]
        now_file = file[key]
    }
}

# The rows of function i, or "" if nothing is known of it.  What it begins in the middle
# of, as an entry that a macro repeats, is known from the code before.
function rows_of(i,    from, end, at, was_line, was_file, known) {
    from = hex(start[i])
    end = from + hex(size[i])
    for (at = passed > 0 && passed < from ? passed : from; at <= from; at++)
        pass(at)
    rows = row_file = ""
    row_line = 0
    known = now_line > 0
    for (; at < end; at++) {
        was_line = now_line
        was_file = now_file
        pass(at)
        if (was_line == now_line && was_file == now_file)
            continue
        row(at - from, was_line, was_file)
        from = at
        known = 1
    }
    row(end - from, now_line, now_file)
    passed = end
    return known ? rows : ""
}

END {
    file_number("")
    for (i = 0; i < count; i++)
        if (is_code[i] && (lines[i] = rows_of(i)) != "")
            have_lines = 1
    if (count > 0 && !have_lines)
        print "no lines in reports: there are none in the debug information," \
              " or the tool that prints it does so in another way" >"/dev/stderr"

    print "    .section .symbols, \"a\""
    print "    .balign 4"
    print "    .globl symbol_table, symbol_table_end, line_files"
    print "symbol_table:"
    for (i = 0; i < count; i++)
        printf "    .long 0x%s, 0x%s, name_%d, %s\n", start[i], size[i], i,
               (lines[i] != "" ? "lines_" i : "0")
    print "symbol_table_end:"
    print "line_files:"
    for (i = 0; i < files; i++)
        printf "    .long file_%d\n", i
    for (i = 0; i < files; i++)
        printf "file_%d: .asciz \"%s\"\n", i, path[i]
    for (i = 0; i < count; i++) {
        printf "name_%d: .asciz \"%s\"\n", i, name[i]
        if (lines[i] != "")
            printf "lines_%d: .uleb128 %s\n", i, lines[i]
    }
    print "    .section .note.GNU-stack, \"\", @progbits"
}
