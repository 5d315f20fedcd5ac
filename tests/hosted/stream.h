/*
 * stream.h - operations for the model (model.h) that are chosen at random.
 */
#ifndef TESTS_HOSTED_STREAM_H
#define TESTS_HOSTED_STREAM_H

#include "tests/hosted/model.h"

/* For model_stream.more: bytes of the test's own random numbers. */
void stream_random(struct model_stream *stream);

#endif
