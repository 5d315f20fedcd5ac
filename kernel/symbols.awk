# symbols.awk - the symbol table as assembly, from lines of `nm -n -S`.
#
#     00100040 00000123 T kfree     -->     .long 0x00100040, 0x00000123, name_7
#
# The lines are those of functions and objects with a size, by ascending address.
# kernel/symbols.c says what it is for.  With no input the table is empty: that is
# what the first link takes.

BEGIN {
    print "    .section .symbols, \"a\""
    print "    .balign 4"
    print "    .globl symbol_table, symbol_table_end"
    print "symbol_table:"
}

{
    printf "    .long 0x%s, 0x%s, name_%d\n", $1, $2, count
    name[count++] = $4
}

END {
    print "symbol_table_end:"
    for (i = 0; i < count; i++)
        printf "name_%d: .asciz \"%s\"\n", i, name[i]
    print "    .section .note.GNU-stack, \"\", @progbits"
}
