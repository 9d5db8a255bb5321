/* SPDX-License-Identifier: MIT */
/*
 * The gather-and-add, written once over a vector type. bias_<isa>.c includes vector_<isa>.h,
 * then this, and combines an idea for c2p with an idea for p2c by one line COMBINE(...).
 *
 * With t = origin + j - i, an entry of the slot table, both terms want slot[t]:
 *
 *     scores[i][j] += c2p[i][slot[t]] + p2c[slot[t]][j]      (slot-major)
 *                                     or p2c[j][slot[t]]     (key-major)
 *
 * t rises by one along a row and falls by one from row to row; slots fall weakly with t. For
 * one row and LANES neighbouring columns, c2p wants LANES neighbouring entries of one table
 * row, and p2c LANES entries of as many table rows.
 *
 * c2p
 *   GATHER  the hardware's gather. Any slot table.
 *   WINDOW  Slots step by 0 or 1, hence LANES entries lie within LANES slots: one load from
 *           window[t], and a permute by slot[t ... t + LANES - 1] - window[t].
 *   RUNS    Where slots step by 1 all along (in every window at n = 128 with log 256/512, in
 *           42 % of them at 512) they are contiguous, backwards: a load and a reversal, without
 *           indices. Elsewhere WINDOW. Decided once per block of rows.
 *
 * p2c, slot-major
 *   GATHER  A stride apart: LANES cache lines for LANES numbers, but the next rows reuse them.
 *   SKEW    For columns j ... j + 3 (4 lanes) let T[t] be p2c[slot[t]][j ... j + 3]. Row i,
 *           whose lane 0 has entry t, wants the diagonal
 *
 *                    lane 0  1  2  3
 *             T[t]        *                 Y[t] = T[t] in lanes 0 and 2, T[t+1] in 1 and 3
 *             T[t+1]         *              Z[t] = Y[t] in lanes 0 and 1, Y[t+2] in 2 and 3
 *             T[t+2]            *
 *             T[t+3]               *
 *
 *           and Z[t] is that: its lane 3 is lane 3 of Y[t+2], which is lane 3 of T[t+3]. It is a
 *           barrel shift across rows: stage b takes from the vector 1 << b entries before it the
 *           lanes that have bit b set. Going down the rows t falls, so a stage needs only
 *           vectors that have been there: the last 1, 2, 4 and 8, a ring of LANES - 1 in all.
 *           A row then costs one load and log2(LANES) blends, for any slot table: the rows
 *           T[t] are fetched through it. A strip starts LANES rows early, to fill its ring.
 *   BLOCKS  The same without a memory: BLOCK rows want BLOCK + LANES - 1 neighbouring T[t], which
 *           are all loaded, the widest stage going first, for it leaves the later ones least to
 *           do: 8 rows of 8 lanes cost 15 loads and 11 + 9 + 8 blends where SKEW has 8 and 24.
 *           In return no state ties a block to the one above it. Blocks go along the rows, as
 *           scores and c2p lie in memory, and two of 8 lanes use up a cache line.
 *
 * p2c, key-major
 *   GATHER  A stride apart again, and no row shares a line with its neighbour.
 *   TRANSPOSE  Down the rows, key j wants neighbouring entries of its own table row: that is
 *           c2p's window. Take it for LANES keys and transpose the LANES x LANES numbers.
 *   STAGE   Transpose the slots that a strip needs into a slot-major copy on the stack, SKEW it.
 *
 * Where all lanes have one slot, at both ends of a long sequence, strips add a broadcast.
 *
 * Numbers: one core with AVX-512 and 2 MiB of L2, slot-major, microseconds of the best tile;
 * "ceiling" is a contiguous S += A + B. Key-major at n = 512 with AVX-512: gather 160,
 * window-gather 118, TRANSPOSE 97, STAGE 105.
 *
 *                      scalar  autovec  gather  window-gather  -skew  -blocks  runs-blocks  ceiling
 *     AVX-512
 *     n = 128            8.46     11.4    6.81           4.87   2.97     3.17         2.73     1.71
 *     n = 512             207      226     153            104     92       82           81       96
 *     n = 2048           2630     2860    1980           1550   1420      948          942     2540
 *     linear, n = 512     246      266     171            116    129      103           98       95
 *     AVX2
 *     n = 128            8.46     10.2    6.24           4.62   3.56     3.60         2.90     1.52
 *     n = 512             207      232     149            122    107       90           92       96
 *     n = 2048           2630     2830    1900           1490   1780     1010         1020     2550
 *     linear, n = 512     246      266     164            127    145      114          102       96
 *
 * What was learnt:
 * - From n = 512 on, memory decides. The numbers that n = 512 needs are 2.4 MB of the three arrays:
 *   touching each of their lines once, 8 rows at a time and with next to no arithmetic, takes 80 us
 *   (48 if the scores, c2p and p2c are touched by three loops that each find theirs in L2). So
 *   AVX-512 is at that floor, and AVX2 10 % above it.
 * - Arithmetic does not hide behind that: the fewer instructions a line costs, the more lines are
 *   on their way at once. Constant distances from a few pointers (`move` below) instead of an
 *   address for each (i, j) took BLOCKS with 8 lanes from 105 to 88 us.
 * - BLOCKS replaced SKEW in visits of 8 or 16 rows of a strip whose vectors rested in memory
 *   meanwhile: 86 us with AVX-512, 102 with AVX2, 1910 at n = 2048. Two or four strips along a
 *   diagonal, which share slots and windows as NEON's do: 92 us with AVX2. 4 rows to a block of 8
 *   lanes: 95 us, against 86 for 8 rows in the same run; 16 rows to one of 16 lanes: 87 against 80.
 * - A strip walks down with a stride of 2 KiB, which falls on two sets of the L1. Tiles of 8 to 32
 *   rows help SKEW, BLOCKS needs none.
 * - On Zen 5 (1 MiB of L2), rows of a multiple of 2 KiB cost SKEW twice the time, in microseconds:
 *   87 at n = 512 and 42 at 528, against 45 and 47 of BLOCKS; 36 against 41 at 496. Prefetching the
 *   next strip's scores, c2p and table into L2 takes 82 to 60 in the best tile of that SKEW, and no
 *   further. With all operands in L1, BLOCKS takes 30 at n = 512 (8 cycles a vector), SKEW 21,
 *   beside a ceiling of 25 to 36; by count the loads are the bound.
 * - There the caches have two states, for seconds or the life of a process: n = 512 takes BLOCKS 45
 *   or 53, SKEW 87 or 78, contiguous adding 25 or 28.
 * - A loop over the rows of a block is not unrolled by GCC 12 at -O3, and one variable index puts
 *   the whole ring in memory: 1.45 times the time at n = 512. Hence EACH_ROW and ALL_AT_ONCE.
 * - Software prefetch of the next strip's or the next blocks' scores, c2p or table, into L1 or L2,
 *   in the order of the blocks or along the rows: never better, up to 25 % worse.
 * - RUNS decided per vector loses to WINDOW in strips; per block it wins at n = 128 and with linear
 *   buckets.
 *
 * The vector type. vector_<isa>.h defines LANES (4, 8 or 16), LANES_LOG2, HAS_GATHER (0 or 1),
 * the types vec (LANES floats) and ivec (LANES int32_t), and, l being any lane:
 *
 *     v_set(x)                 x
 *     v_load(p), v_store(p, v) p[l]; any alignment
 *     v_load_first(p, n)       p[l] if l < n, 0 otherwise; touches n floats only; 1 <= n < LANES
 *     v_store_first(p, v, n)   likewise
 *     v_add(a, b)              a + b
 *     v_fma(a, b, c)           a * b + c
 *     v_blend(a, b, stage)     bit `stage` of l set ? b : a; stage is a constant
 *     v_permute(v, index)      v[index[l]]; 0 <= index < LANES
 *     v_reverse(v)             v[LANES - 1 - l]
 *     v_transpose(m)           m[LANES] in place: m[l][k] becomes m[k][l]
 *     v_iload(p)               p[l]; any alignment
 *     v_iota()                 l
 *     v_isub(a, x)             a - x, x an int32_t
 *     v_imadd(a, x, b)         a * x + b, x an int32_t
 *     v_gather(p, index)       p[index[l]]; without HAS_GATHER it need only be correct
 *     v_gather_first(p, index, n)  the same for l < n, 0 otherwise; touches no other; n <= LANES
 */
#ifndef DISENTUNE_BIAS_IDEAS_H
#define DISENTUNE_BIAS_IDEAS_H

#include "kernels/isa/bias_blocks.h"
#include "kernels/isa/bias_plain.h"
#include "kernels/variant.h"

/* ---- Row by row: no p2c term, or the hardware's gather ---- */

INLINE vec p2c_gather(const struct block *w, int32_t i, int32_t j, int lanes)
{
    const ivec slot = v_iload(w->slot + j - i);
    const ivec lane = v_iota();
    const int32_t stride = (int32_t)w->p2c_stride;
    if (w->layout == DT_KEY_MAJOR)
        return v_gather_first(w->p2c + j * w->p2c_stride, v_imadd(lane, stride, slot), lanes);
    return v_gather_first(w->p2c + j, v_imadd(slot, stride, lane), lanes);
}

INLINE void row_lanes(enum c2p_idea c, enum p2c_idea p, const struct block *w, int32_t i, int32_t j,
                      int lanes)
{
    const float *row = w->c2p + (c == C2P_NONE ? 0 : i * w->c2p_stride);
    if (p != P2C_NONE)
        add_lanes(c, w, i, j, p2c_gather(w, i, j, lanes), lanes);
    else if (c == C2P_GATHER)
        add_to(w, i, j, v_gather(row, v_iload(w->slot + j - i)), lanes);
    else if (c == C2P_RUNS)
        add_to(w, i, j, c2p_runs(w, row, j - i), lanes);
    else
        add_to(w, i, j, c2p_window(w, row, j - i), lanes);
}

INLINE void by_rows(enum c2p_idea c, enum p2c_idea p, const struct block *w, int32_t i0, int32_t i1,
                    int32_t j0, int32_t j1)
{
    for (int32_t i = i0; i < i1; i++) {
        int32_t j = j0;
        for (; j + LANES <= j1; j += LANES)
            row_lanes(c, p, w, i, j, LANES);
        if (j < j1)
            row_lanes(c, p, w, i, j, j1 - j);
    }
}

/* ---- The whole block ---- */

INLINE struct block block_of(const struct dt_bias_block *b, const struct dt_bias *io, bool peaks)
{
    const struct dt_delta *delta = b->delta;
    const int32_t origin = (int32_t)b->origin;
    return (struct block){
        .scores = io->scores,
        .c2p = io->c2p,
        .p2c = io->p2c,
        .scores_stride = io->scores_row,
        .c2p_stride = io->c2p_row,
        .p2c_stride = io->p2c_row,
        .slot = delta->slot + origin,
        .window = delta->window[LANES_LOG2 - 2] + origin,
        .linear_until = delta->linear_until + origin,
        .constant_until = delta->constant_until + origin,
        .origin = origin,
        .slots = delta->slots,
        .first_stretch = delta->first_stretch - origin,
        .last_stretch = delta->last_stretch - origin,
        .layout = b->layout,
        .peaks = peaks ? b->peaks : NULL,
    };
}

INLINE void add_terms(enum c2p_idea c, enum p2c_idea p, bool peaks, const struct dt_bias_block *b,
                      const struct dt_bias *io)
{
    const struct block w = block_of(b, io, peaks);
    const int32_t rows = b->tile.rows ? b->tile.rows : b->nq;
    const int32_t cols = b->tile.cols ? b->tile.cols : b->nk;
    for (int32_t i = 0; i < b->nq; i += rows)
        for (int32_t j = 0; j < b->nk; j += cols) {
            const int32_t i1 = least(b->nq, i + rows), j1 = least(b->nk, j + cols);
            if (p == P2C_NONE || p == P2C_GATHER)
                by_rows(c, p, &w, i, i1, j, j1);
            else if (p == P2C_BLOCKS)
                by_blocks(c, &w, i, i1, j, j1);
            else
                by_strips(c, p, &w, i, i1, j, j1);
        }
}

/* A gather's index has 32 bits. */
INLINE bool gather_reaches(const struct dt_bias_block *b, const struct dt_bias *io)
{
    const ptrdiff_t strides = b->layout == DT_KEY_MAJOR ? LANES : b->delta->slots;
    return io->p2c_row <= (INT32_MAX - b->delta->slots - LANES) / strides;
}

OUT_OF_LINE void add_plain(bool peaks, const struct dt_bias_block *b, const struct dt_bias *io)
{
    bias_plain(b, io);
    for (int32_t i = 0; peaks && i < b->nq; i++)
        for (int32_t j = 0; j < b->nk; j++) {
            const float s = io->scores[i * io->scores_row + j];
            float *peak = b->peaks + (ptrdiff_t)i * DT_PEAKS;
            *peak = s > *peak ? s : *peak;
        }
}

/* Of the variants that differ only in a term which the problem lacks, one stands for all: those of
 * these ideas. */
enum {
    FOR_NO_C2P = HAS_GATHER ? (int)C2P_GATHER : (int)C2P_WINDOW,
    FOR_NO_P2C = HAS_GATHER ? (int)P2C_GATHER : (int)P2C_SKEW,
};

INLINE void add(enum c2p_idea c, enum p2c_idea p, bool peaks, const struct dt_bias_block *b,
                const struct dt_bias *io)
{
    const unsigned terms = b->terms;
    if (terms == (DT_C2P | DT_P2C) && (p != P2C_GATHER || gather_reaches(b, io)))
        add_terms(c, p, peaks, b, io);
    else if (terms == DT_C2P && (int)p == FOR_NO_P2C)
        add_terms(c, P2C_NONE, peaks, b, io);
    else if (terms == DT_P2C && (int)c == FOR_NO_C2P && (p != P2C_GATHER || gather_reaches(b, io)))
        add_terms(C2P_NONE, p, peaks, b, io);
    else
        add_plain(peaks, b, io);
}

INLINE bool accepts(enum c2p_idea c, enum p2c_idea p, const struct dt_problem *problem,
                    const struct dt_delta *delta)
{
    const bool fits = dt_delta_fits(delta, LANES);
    if (!(problem->terms & DT_P2C))
        return (int)p == FOR_NO_P2C && (fits || c == C2P_GATHER);
    if (problem->terms & DT_C2P ? !fits && c != C2P_GATHER : (int)c != FOR_NO_C2P)
        return false;
    switch (p) {
    case P2C_SKEW:
    case P2C_BLOCKS:
        return problem->layout == DT_SLOT_MAJOR;
    case P2C_TRANSPOSE:
    case P2C_STAGE:
        return problem->layout == DT_KEY_MAJOR && fits;
    default:
        return true;
    }
}

/* Defines the variant `name` and name_accepts(). */
/* Defines name_peaks(), the same with the greatest scores of each row. */
#define COMBINE_PEAKS(name, c, p)                                                                  \
    COMBINE(name, c, p)                                                                            \
    static void name##_peaks(const struct dt_bias_block *b, const struct dt_bias *io)              \
    {                                                                                              \
        add(c, p, true, b, io);                                                                    \
    }

#define COMBINE(name, c, p)                                                                        \
    static void name(const struct dt_bias_block *b, const struct dt_bias *io)                      \
    {                                                                                              \
        add(c, p, false, b, io);                                                                   \
    }                                                                                              \
    static bool name##_accepts(const struct dt_problem *problem, const struct dt_delta *delta)     \
    {                                                                                              \
        return accepts(c, p, problem, delta);                                                      \
    }

#endif
