/* SPDX-License-Identifier: MIT */
/*
 * The inner loops of the NEON variants, one a function, for scripts/model-neon, which compiles this
 * file to assembly and finds in each the loop that makes most elements. With -DSCALAR the plain
 * loop instead, which the script compiles with and without vectorisation.
 *
 * MODEL(layout, label) names the function that follows; the script reads it back.
 */
#define MODEL(layout, label) __asm__("\t# model " layout ": " label);

#ifdef SCALAR

#include "kernels/isa/bias_plain.h"

/* The copies let the compiler drop the other loops. */
static inline __attribute__((always_inline)) void plain(struct dt_bias_block b, struct dt_bias io,
                                                        enum dt_layout layout)
{
    b.terms = DT_C2P | DT_P2C;
    b.layout = layout;
    bias_plain(&b, &io);
}

MODEL("slot-major", "plain loop")
__attribute__((flatten)) void model_plain_slot_major(const struct dt_bias_block *b,
                                                     const struct dt_bias *io)
{
    plain(*b, *io, DT_SLOT_MAJOR);
}

MODEL("key-major", "plain loop")
__attribute__((flatten)) void model_plain_key_major(const struct dt_bias_block *b,
                                                    const struct dt_bias *io)
{
    plain(*b, *io, DT_KEY_MAJOR);
}

#else

#include "kernels/isa/bias_neon.c"

struct model {
    struct block w;
    struct strip s;
    struct skew *skew;
    float *staged;
    int32_t i0, i1, j0, j1;
};

#define LOOP(name, ...)                                                                            \
    void model_##name(const struct model *m);                                                      \
    void model_##name(const struct model *m)                                                       \
    {                                                                                              \
        const struct block w = m->w;                                                               \
        const struct strip s = m->s;                                                               \
        const int32_t i0 = m->i0, i1 = m->i1, j0 = m->j0, j1 = m->j1;                              \
        (void)s, (void)i0, (void)i1, (void)j0, (void)j1;                                           \
        __VA_ARGS__                                                                                \
    }

MODEL("slot-major", "window-stagger")
LOOP(window_stagger, stagger_rows(true, &w, i0, i1, j0);)
MODEL("slot-major", "window-skew, runs-skew")
LOOP(window_skew, skew_rows(C2P_WINDOW, &w, &s, i0, i1, j0, LANES);)
MODEL("slot-major", "runs-skew, linear blocks")
LOOP(linear_skew, struct skew x = *m->skew;
     for (int32_t i = i0; i < i1; i += UNROLL) skew_linear_block(&x, &w, &s, i, j0, LANES);)
MODEL("slot-major", "window-blocks, runs-blocks")
LOOP(window_blocks, for (int32_t j = j0; j < j1; j += LANES) general_block(C2P_WINDOW, &w, i0, j);)
MODEL("slot-major", "runs-blocks, linear blocks")
LOOP(linear_blocks, for (int32_t j = j0; j < j1; j += LANES) linear_block(&w, i0, j);)
MODEL("slot-major", "lanes-skew")
LOOP(lanes_skew, skew_rows(C2P_GATHER, &w, &s, i0, i1, j0, LANES);)
MODEL("any", "constant rows of every skew")
LOOP(constant, constant_rows(C2P_WINDOW, &w, i0, i1, j0, LANES);)
MODEL("key-major", "window-transpose, runs-transpose")
LOOP(window_transpose, for (int32_t i = i0; i < i1; i += LANES)
                           transpose_block(C2P_WINDOW, &w, i, i + LANES, j0, LANES);)
MODEL("key-major", "runs-transpose, linear blocks")
LOOP(linear_transpose,
     for (int32_t i = i0; i < i1; i += LANES) transpose_linear_block(&w, i, j0, LANES);)
MODEL("key-major", "stage: the transpose, to which comes")
LOOP(stage, stage(m->staged, &w, j0, i0, i1, LANES);)
MODEL("key-major", "stage: the skew")
LOOP(stage_skew, const struct strip staged = {m->staged, LANES, i0};
     skew_rows(C2P_WINDOW, &w, &staged, i0, i1, j0, LANES);)
MODEL("slot-major", "p2c alone: stagger")
LOOP(p2c_stagger, stagger_rows(false, &w, i0, i1, j0);)
MODEL("slot-major", "p2c alone: skew")
LOOP(p2c_skew, skew_rows(C2P_NONE, &w, &s, i0, i1, j0, LANES);)
MODEL("none", "c2p alone: window")
LOOP(c2p_window, for (int32_t j = j0; j + LANES <= j1; j += LANES)
                     row_lanes(C2P_WINDOW, P2C_NONE, &w, i0, j, LANES);)

#endif
