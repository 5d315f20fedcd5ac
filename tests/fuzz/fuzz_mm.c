/*
 * fuzz_mm.c - libFuzzer's way into the model: its bytes decide the heap and the
 * operations (tests/hosted/model.h).  What the model finds wrong ends the program.
 *
 * tests/fuzz/corpus-mm is the least of what it found that reaches all code it ever
 * reached.  Made again, when the operations have changed or more was found:
 *
 *     mkdir new
 *     build/fuzz/fuzz_mm -merge=1 -use_counters=0 new tests/fuzz/corpus-mm \
 *         build/fuzz/corpus-mm
 */
#include "tests/fuzz/fuzz.h"

#include "tests/hosted/model.h"

const char fuzz_name[] = "mm";
bool *const fuzz_trace = &model_trace;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const struct model_mode mode = { .steps = UINT32_MAX, .check_every = 1 };
    struct model_stream stream = { bytes, bytes + size, NULL };

    model_run(&stream, &mode);
    return 0;
}
