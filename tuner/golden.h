/* SPDX-License-Identifier: MIT */
/*
 * Golden cases: inputs and results of another implementation, one case a folder.
 *
 *     case.json  heads, nq, nk, d; delta "linear" or "log", span, max_position; terms, a list of
 *                "c2p" and "p2c"; scale_terms, f = 1 / sqrt(d * scale_terms); mask, null or a text
 *     q, k, v    [heads][nq or nk][d] f4
 *     kr, qr     [heads][2 * span][d] f4, each only with its term
 *     mask       [nq][nk] u1, only if mask is not null
 *     bias       [heads][nq][nk] f8: f * (c2p + p2c), regardless of the mask; may be absent
 *     out        [heads][nq][d] f8
 *
 * Arrays are .npy files. The dialect is ms, batch 1.
 */
#ifndef DISENTUNE_GOLDEN_H
#define DISENTUNE_GOLDEN_H

#include "kernels/reference.h"
#include "tuner/npy.h"
#include "tuner/validate.h"

enum dt_golden_array {
    DT_GOLDEN_Q,
    DT_GOLDEN_K,
    DT_GOLDEN_V,
    DT_GOLDEN_KR,
    DT_GOLDEN_QR,
    DT_GOLDEN_MASK,
    DT_GOLDEN_BIAS,
    DT_GOLDEN_OUT,
    DT_GOLDEN_ARRAYS
};

struct dt_golden {
    char name[64]; /* the folder's */
    struct dt_problem problem;
    struct dt_delta delta;
    struct dt_npy array[DT_GOLDEN_ARRAYS]; /* data NULL: absent */
    struct dt_attention io;                /* on these arrays; without output and positions */
    struct dt_reference_positions positions;
    const double *bias; /* NULL: absent */
    const double *out;
};

/*
 * Loads a case; the caller releases it with dt_golden_clear(). args points into *golden, which must
 * stay where it is. Errors name the file: DT_IO, DT_INVALID, DT_NO_MEMORY.
 */
enum dt_status dt_golden_load(const char *folder, struct dt_golden *golden, struct dt_error *error);
void dt_golden_clear(struct dt_golden *golden);

/* Reads a case.json of `size` bytes at `text`; `path` is for messages. DT_INVALID. */
enum dt_status dt_golden_parse(const char *text, size_t size, const char *path,
                               struct dt_problem *problem, struct dt_error *error);

/*
 * The case folders of a folder, sorted, or the folder itself if it holds a case.json. The caller
 * frees each and the list. DT_INVALID if there is none, DT_IO, DT_NO_MEMORY.
 */
enum dt_status dt_golden_list(const char *folder, char ***folders, size_t *count,
                              struct dt_error *error);
void dt_golden_list_free(char **folders, size_t count);

/* How far the project's reference may be from a golden result, in units of max(1, |result|). */
#define DT_GOLDEN_TOLERANCE 1e-12

/* Whether the reference gives bias and out to DT_GOLDEN_TOLERANCE. The verdict's unit of worst is
 * that tolerance; worst_ulp is not set. DT_NO_MEMORY. */
enum dt_status dt_golden_check_reference(const struct dt_golden *golden, struct dt_verdict *verdict,
                                         struct dt_error *error);

/*
 * Whether a variant of bias or attention gives the golden results within its stated bound, with
 * every choice of dt_validate_choices(). For bias C2P = f * Q.Kr^T and P2C = f * K.Qr^T are
 * computed in double precision and rounded to f32, for both layouts; this rounding is at most 2^-24
 * of each entry and added to the bound. DT_UNSUPPORTED if the variant does not apply or the case
 * has nothing for it, DT_NO_MEMORY.
 */
enum dt_status dt_golden_check_variant(const struct dt_golden *golden,
                                       const struct dt_variant *variant, struct dt_verdict *verdict,
                                       struct dt_error *error);

#endif
