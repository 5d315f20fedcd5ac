/*
 * stream.c - operations for the model (model.h) that are chosen at random.
 */
#include "tests/hosted/stream.h"

#include "tests/hosted/arena.h"

void stream_random(struct model_stream *stream)
{
    static uint8_t bytes[256];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(arena_random() >> 16);
    stream->next = bytes;
    stream->end = bytes + sizeof(bytes);
}
