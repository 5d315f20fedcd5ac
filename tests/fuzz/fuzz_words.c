/*
 * fuzz_words.c - a line of any bytes, cut into words.
 *
 *   - each command takes something of the line, and ends within it;
 *   - its words lie side by side in its text, each with its final 0, and together have
 *     no more characters than what was taken;
 *   - quoted, words without a problem come out again as they went in.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "kernel/shell/words.h"

enum { LONGEST = 4096 };

const char fuzz_name[] = "words";
bool *const fuzz_trace = NULL;

static void must_lie_side_by_side(const struct words *words, size_t taken)
{
    const char *at = words->text;

    MUST(words->count >= 0 && words->count <= MAX_WORDS);
    MUST(words->word[words->count] == NULL);
    MUST(words->used <= MAX_TEXT);
    if (words->problem != NULL)
        return;
    for (int i = 0; i < words->count; i++) {
        MUST(words->word[i] == at);
        at += strnlen(at, (size_t)(words->text + words->used - at)) + 1;
        MUST(at <= words->text + words->used);
    }
    MUST(at == words->text + words->used);
    MUST(words->used <= taken + 1);     /* the line's own 0 may stand for the last */
}

/* 'it'\''s': each word so that it means itself. */
static void quote(const struct words *words, char *to)
{
    for (int i = 0; i < words->count; i++) {
        *to++ = '\'';
        for (const char *at = words->word[i]; *at != 0; at++) {
            if (*at == '\'')
                to = stpcpy(to, "'\\'");
            *to++ = *at;
        }
        to = stpcpy(to, "' ");
    }
    *to = 0;
}

static void must_come_out_again(const struct words *words)
{
    char line[4 * MAX_TEXT + 3 * MAX_WORDS + 1];
    struct words again;

    quote(words, line);
    MUST(*words_take(line, &again) == 0);
    MUST(again.problem == NULL && again.count == words->count);
    for (int i = 0; i < words->count; i++)
        MUST(strcmp(again.word[i], words->word[i]) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char line[LONGEST + 1];
    const char *at = line, *next;

    if (size > LONGEST)
        size = LONGEST;
    memcpy(line, bytes, size);
    line[size] = 0;
    for (; *at != 0; at = next) {
        struct words words;

        memset(&words, 0xa5, sizeof(words));
        next = words_take(at, &words);
        MUST(next > at && next <= at + strlen(at));
        must_lie_side_by_side(&words, (size_t)(next - at));
        if (words.problem == NULL)
            must_come_out_again(&words);
    }
    return 0;
}
