/*
 * kshark.c - a file as KernelShark reads it, by its library: kshark FILE.
 *
 * A line an event: nanoseconds, process, event, and its fields in words.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <libkshark.h>

int main(int argc, char **argv)
{
    struct kshark_context *context = NULL;
    struct kshark_entry **entries = NULL;
    ssize_t count;
    int stream;

    if (argc != 2 || !kshark_instance(&context))
        return 2;
    stream = kshark_open(context, argv[1]);
    if (stream < 0) {
        fprintf(stderr, "kshark: %s is none of its files\n", argv[1]);
        return 1;
    }
    count = kshark_load_entries(context, stream, &entries);
    for (ssize_t i = 0; i < count; i++) {
        char *name = kshark_get_event_name(entries[i]), *info = kshark_get_info(entries[i]);

        printf("%" PRId64 " %s-%d %s %s\n", entries[i]->ts, kshark_get_task(entries[i]),
               kshark_get_pid(entries[i]), name, info);
        free(name);
        free(info);
    }
    return count < 0;
}
