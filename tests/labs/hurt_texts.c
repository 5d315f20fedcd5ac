/*
 * hurt_texts.c - formats, texts and buffers that are not what they say.
 */
#include "kernel/printk.h"
#include "kernel/string.h"
#include "tests/labs/hurt.h"

/* The same functions, without a compiler that looks at the arguments. */
static int (*volatile print)(const char *fmt, ...) = kprintf;
static int (*volatile print_into)(char *buf, size_t size, const char *, ...) = ksnprintf;

HURT(text_null) { print("%s|\n", hidden(0)); }
HURT(text_wild) { print("%s|\n", hidden(0xdeadbeef)); }
HURT(text_number) { print("%s|\n", 42); }
HURT(text_code) { print("%s|\n", (const char *)(uintptr_t)kprintf); }
HURT(text_precision) { print("%.*s|\n", -1, "abc"); print("%.99999999999s|\n", "abc"); }
HURT(number_width) { print("%*d|\n", 100, 7); print("%2147483647d|\n", 7); }
HURT(number_width_least) { print("%*d|\n", INT32_MIN, 7); }
HURT(number_precision) { print("%.500d|\n", 7); }
HURT(format_null) { print(hidden(0)); }
HURT(format_unknown) { print("%q %y %! %ls %lls|\n"); }
HURT(format_ends) { print("a%"); print("a%5"); print("a%-"); print("a%l\n"); }
HURT(format_from_user) { print("%x %x %x %x %s %s %s %s %s %s\n"); }
HURT(format_few_arguments) { print("%s %s %s %s %s\n"); }
HURT(format_float) { print("%f %g|\n", 1, 2); }

HURT(format_n)
{
    int n = 5;

    print("abc%n|\n", &n);
    print("%d\n", n);
}

HURT(print_every_byte)
{
    for (int c = 0; c < 256; c++)
        print("%c", c);
    print("\n");
}

/* Clears the screen, hides what is written, sets a title. */
HURT(print_escapes) { print("\033[2J\033[?1049h\033[8m\033(0 a \033]0;title\007\n"); }
HURT(into_null) { print_into(hidden(0), 10, "hello"); }

HURT(into_nothing)
{
    char room[4];

    print("%d\n", print_into(room, 0, "hello"));
    print("%d %s\n", print_into(room, 4, "hello"), room);
}

HURT(copy_to_null) { strlcpy(hidden(0), "x", 5); }
HURT(length_of_null) { hurt_sink = strlen(hidden(0)); }
HURT(compare_with_null) { hurt_sink = (unsigned)strcmp(hidden(0), "x"); }
HURT(compare_with_wild) { hurt_sink = (unsigned)memcmp(hidden(0xdeadbeef), "x", 1); }

const struct hurt_way hurt_texts[] = {
    WAY(text_null), WAY(text_wild), WAY(text_number), WAY(text_code),
    WAY(text_precision), WAY(number_width), WAY(number_width_least),
    WAY(number_precision), WAY(format_null), WAY(format_unknown), WAY(format_ends),
    WAY(format_from_user), WAY(format_few_arguments), WAY(format_float), WAY(format_n),
    WAY(print_every_byte), WAY(print_escapes), WAY(into_null), WAY(into_nothing),
    WAY(copy_to_null), WAY(length_of_null), WAY(compare_with_null),
    WAY(compare_with_wild), { NULL, NULL },
};
