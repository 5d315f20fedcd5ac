/*
 * replay.c - the fuzzer's inputs, run again without libFuzzer.
 *
 *     replay [-v] [FILE]...
 *
 * Without a FILE, those of tests/fuzz/corpus.  -v prints every operation.  Output is
 * TAP; the first thing that is wrong ends the program, as does an input that takes a
 * minute.
 */
#define _GNU_SOURCE             /* scandir */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/hosted/model.h"

#define CORPUS "tests/fuzz/corpus"
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
    LLVMFuzzerTestOneInput(bytes, size);
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
    int n = scandir(CORPUS, &entries, has_a_name, alphasort);

    failed = n <= 0;
    printf("1..%d\n", n > 0 ? n : 1);
    for (int i = 0; i < n; i++) {
        char path[sizeof(CORPUS) + sizeof(entries[i]->d_name)];

        snprintf(path, sizeof(path), "%s/%s", CORPUS, entries[i]->d_name);
        replay_numbered(i + 1, path);
    }
}

int main(int argc, char **argv)
{
    char **paths = argv + 1;
    int n = argc - 1;

    if (n > 0 && strcmp(paths[0], "-v") == 0) {
        model_trace = true;
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
