# handouts.awk - the comments at the top of lessons, as C: what `lesson NAME -h` prints.
#
#     awk -f kernel/lessons/handouts.awk kernel/lessons/bag.c ...
#
# From "/*" in a file's first line to the first "*/"; of each row the " * " is taken off.

function quoted(text)
{
    gsub(/\\/, "\\\\", text)
    gsub(/"/, "\\\"", text)
    return "\"" text "\\n\""
}

BEGIN {
    print "#include <stddef.h>"
    print "#include \"kernel/lessons/lesson_priv.h\""
    print "#include \"kernel/string.h\""
    print "static const struct { const char *file, *text; } handouts[] = {"
}

FNR == 1 { inside = ($0 == "/*"); if (inside) print "{ \"" FILENAME "\","; next }
inside && /^ \*\// { inside = 0; print "}," ; next }
inside { sub(/^ \* ?/, ""); print quoted($0) }

END {
    print "{ NULL, NULL } };"
    print "const char *lesson_handout(const char *file)"
    print "{"
    print "    for (unsigned i = 0; handouts[i].file != NULL; i++)"
    print "        if (strcmp(handouts[i].file, file) == 0)"
    print "            return handouts[i].text;"
    print "    return NULL;"
    print "}"
}
