// ISA-L: inflating, and the checksum of gzip and zip.
#include <isa-l.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

// Swift has no view of a struct with arrays as long as those of inflate_state, so it is known by its address alone.

/// An inflater of one gzip member, or of a raw stream; NULL where memory is short. Free it with free(3).
static inline void *loom_inflater_create(int is_gzip) {
    struct inflate_state *state = malloc(sizeof *state);
    if (!state) return NULL;
    isal_inflate_init(state);
    state->crc_flag = is_gzip ? ISAL_GZIP : ISAL_DEFLATE;
    return state;
}

/// Inflates what it can of `input` into `output`, both at most 2^32 - 1 bytes, and says how many bytes are left of both.
/// Returns 1 at the end of the member, 0 where more input or output is needed, and ISA-L's code below 0 for faults.
static inline int loom_inflater_run(
    void *inflater, const uint8_t *input, uint32_t *input_count, uint8_t *output, uint32_t *output_count) {
    struct inflate_state *state = inflater;
    state->next_in = (uint8_t *)input;
    state->avail_in = *input_count;
    state->next_out = output;
    state->avail_out = *output_count;
    int result = isal_inflate(state);
    *input_count = state->avail_in;
    *output_count = state->avail_out;
    if (result < 0) return result;
    return state->block_state == ISAL_BLOCK_FINISH;
}
