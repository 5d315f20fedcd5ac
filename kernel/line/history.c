/*
 * history.c - the lines typed before, the newest 64 of them.
 *
 *     line[]  | leaks | check | ... | help |      line number n, counted from 0 and
 *                ^ count % 64: next            for ever, lies in line[n % 64]
 *
 * A fixed table: nothing allocates, and the oldest line makes room.
 */
#include "kernel/line/history.h"

#include "kernel/string.h"

static bool is_blank(const char *line)
{
    while (*line == ' ')
        line++;
    return *line == 0;
}

void history_keep(struct history *history, const char *line)
{
    const char *last = history_line(history, 1);
    char *place = history->line[history->count % HISTORY_LINES];
    size_t length = strnlen(line, READLINE_SIZE - 1);

    if (is_blank(line) || (last != NULL && strcmp(last, line) == 0))
        return;
    memcpy(place, line, length);
    place[length] = 0;
    history->count++;
}

const char *history_line(const struct history *history, unsigned back)
{
    if (back == 0 || back > history->count || back > HISTORY_LINES)
        return NULL;
    return history->line[(history->count - back) % HISTORY_LINES];
}

unsigned history_find(const struct history *history, const char *part, unsigned from)
{
    const char *line;

    for (; (line = history_line(history, from)) != NULL; from++)
        if (strstr(line, part) != NULL)
            return from;
    return 0;
}
