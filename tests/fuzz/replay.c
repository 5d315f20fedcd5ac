/*
 * replay.c - a fuzzer's inputs, run again without libFuzzer.
 *
 *     replay_NAME [-v] [FILE]...
 *
 * Without a FILE, those of tests/fuzz/corpus-NAME.  -v prints every operation, if it is
 * mm's: the inputs of the others are the text that is tried.  Output is
 * TAP; the first thing that is wrong ends the program, as does an input that takes a
 * minute.
 */
#define _GNU_SOURCE             /* scandir */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define LONGEST 65536

static bool failed;

/* False: it cannot be read. */
static bool replay(const char *path)
{
    static uint8_t bytes[LONGEST];
    FILE *file = fopen(path, "rb");
    size_t size;

    if (!file)
        return false;
    size = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);

    uint8_t *exact = malloc(size + (size == 0));    /* behind it the sanitizer watches */

    if (exact == NULL)
        return false;
    memcpy(exact, bytes, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return true;
}

static void replay_numbered(int number, const char *path)
{
    printf("# %s\n", path);
    alarm(60);
    if (replay(path)) {
        printf("ok %d - %s\n", number, path);
    } else {
        printf("not ok %d - cannot read %s\n", number, path);
        failed = true;
    }
}

static int has_a_name(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void replay_corpus(void)
{
    static struct dirent **entries;
    char folder[64];

    snprintf(folder, sizeof(folder), "tests/fuzz/corpus-%s", fuzz_name);

    int n = scandir(folder, &entries, has_a_name, alphasort);

    failed = n <= 0;
    printf("1..%d\n", n > 0 ? n : 1);
    for (int i = 0; i < n; i++) {
        char path[sizeof(folder) + sizeof(entries[i]->d_name)];

        snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
        replay_numbered(i + 1, path);
    }
}

int main(int argc, char **argv)
{
    char **paths = argv + 1;
    int n = argc - 1;

    if (n > 0 && strcmp(paths[0], "-v") == 0) {
        if (fuzz_trace != NULL)
            *fuzz_trace = true;
        paths++, n--;
    }
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (n == 0)
        replay_corpus();
    else
        printf("1..%d\n", n);
    for (int i = 0; i < n; i++)
        replay_numbered(i + 1, paths[i]);
    return failed;
}
