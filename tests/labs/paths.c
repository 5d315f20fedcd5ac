/*
 * paths.c - five error paths, each with a mistake in it, and without: `path NAME` and
 * `path NAME right`.
 *
 *     marbles> fail each path goto
 *
 * Each builds a book of a name and some marks, and gives all of it back.  When memory is
 * there nothing is wrong with any of them.
 */
#include "kernel/printk.h"
#include "kernel/shell.h"
#include "kernel/string.h"
#include "mm/slab.h"

enum { MARKS = 10, MORE_MARKS = 500 };

struct book {
    char *name;
    int *marks;
    int error;
};

static void close_book(struct book *book)
{
    kfree(book->marks);
    kfree(book->name);
    kfree(book);
}

/* A forgotten kfree: the book itself. */
static int path_kfree(bool right)
{
    struct book *book = kmalloc(sizeof(*book), GFP_KERNEL);

    if (book == NULL)
        return SHELL_FAILED;
    book->marks = NULL;
    book->name = kstrdup("Ada", GFP_KERNEL);
    if (book->name == NULL) {
        if (right)
            kfree(book);
        return SHELL_FAILED;
    }
    close_book(book);
    return SHELL_OK;
}

/* A goto one label too far: past the name. */
static int path_goto(bool right)
{
    struct book *book = kmalloc(sizeof(*book), GFP_KERNEL);

    if (book == NULL)
        goto out;
    book->name = kstrdup("Ada", GFP_KERNEL);
    if (book->name == NULL)
        goto free_book;
    book->marks = kcalloc(MARKS, sizeof(int), GFP_KERNEL);
    if (book->marks == NULL && right)
        goto free_name;
    if (book->marks == NULL)
        goto free_book;
    close_book(book);
    return SHELL_OK;
free_name:
    kfree(book->name);
free_book:
    kfree(book);
out:
    return SHELL_FAILED;
}

/* A thing used that was freed: what went wrong is read from the book. */
static int path_freed(bool right)
{
    struct book *book = kzalloc(sizeof(*book), GFP_KERNEL);
    int error;

    if (book == NULL)
        return SHELL_FAILED;
    book->error = SHELL_FAILED;
    book->name = kstrdup("Ada", GFP_KERNEL);
    if (book->name == NULL) {
        error = right ? book->error : SHELL_OK;
        kfree(book);
        return right ? error : *(volatile int *)&book->error;
    }
    close_book(book);
    return SHELL_OK;
}

/* A NULL that nobody checks: the marks. */
static int path_null(bool right)
{
    struct book *book = kzalloc(sizeof(*book), GFP_KERNEL);

    if (book == NULL)
        return SHELL_FAILED;
    book->marks = kmalloc(MARKS * sizeof(int), GFP_KERNEL);
    if (book->marks == NULL && right) {
        close_book(book);
        return SHELL_FAILED;
    }
    memset(book->marks, 0, MARKS * sizeof(int));
    close_book(book);
    return SHELL_OK;
}

/* A krealloc that loses the old block. */
static int path_krealloc(bool right)
{
    int *marks = kmalloc(MARKS * sizeof(int), GFP_KERNEL), *more;

    if (marks == NULL)
        return SHELL_FAILED;
    more = krealloc(marks, MORE_MARKS * sizeof(int), GFP_KERNEL);
    if (more == NULL && right)
        kfree(marks);
    kfree(more);
    return more != NULL ? SHELL_OK : SHELL_FAILED;
}

static int cmd_path(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(bool right);
    } paths[] = { { "kfree", path_kfree }, { "goto", path_goto },
                  { "freed", path_freed }, { "null", path_null },
                  { "krealloc", path_krealloc } };
    bool right = argc == 3 && strcmp(argv[2], "right") == 0;

    if (argc < 2 || argc > 2 + right)
        return shell_usage("a NAME, and nothing or right");
    kprintf("path %s\n", argv[1]);
    for (unsigned i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        if (strcmp(argv[1], paths[i].name) == 0)
            return paths[i].run(right);
    return shell_usage("%s: there is no such path", argv[1]);
}

SHELL_COMMAND(path, "kfree|goto|freed|null|krealloc [right]",
    "an error path with a mistake in it", cmd_path);
