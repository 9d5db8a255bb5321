/* SPDX-License-Identifier: MIT */
/*
 * disentune: DeBERTa's disentangled attention on CPUs. The public interface.
 *
 *     score(i, j) = f * (Q_i.K_j + Q_i.Kr[slot(i, j)] + K_j.Qr[slot(i, j)])
 *     slot(i, j)  = clamp(bucket(i - j) + S, 0, 2S - 1)
 *
 * after He et al., "DeBERTa: Decoding-enhanced BERT with Disentangled Attention",
 * arXiv 2006.03654, with the index of both position terms as the published
 * checkpoints use it: slot(i, j), not the paper's delta(j, i).
 *
 * Use: describe the work as a dt_problem, make a dt_plan from it once (the plan
 * chooses the kernel, from a tuned dispatch table if there is one), then call
 * the plan as often as needed. A plan is immutable: any number of threads may
 * call one plan at once. Calls allocate nothing, lock nothing and look nothing up.
 */
#ifndef DISENTUNE_H
#define DISENTUNE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define DT_API __attribute__((visibility("default")))
#else
#define DT_API
#endif

#define DT_VERSION "0.1.0"

/* The version of the library that is linked, e.g. "0.1.0". */
DT_API const char *dt_version(void);

/* ---- Errors ---------------------------------------------------------------- */

enum dt_status {
    DT_OK = 0,
    DT_INVALID,     /* an argument, a text or a file is malformed or out of range */
    DT_UNSUPPORTED, /* well formed, but nothing in this build or on this CPU does it */
    DT_NO_MEMORY,
    DT_IO,     /* the operating system refused; the text carries its reason */
    DT_FAILED, /* should not happen: a defect of the library */
};

/*
 * Where a function takes a dt_error it may be NULL. On failure the function
 * stores the status and one line (no newline) that names the thing and the
 * remedy; on success it leaves the error alone.
 */
struct dt_error {
    enum dt_status status;
    char text[256];
};

/* ---- Problems -------------------------------------------------------------- */

enum dt_bucket {
    DT_LINEAR, /* bucket(r) = r (DeBERTa v1) */
    DT_LOG,    /* logarithmic beyond span / 2 (DeBERTa v2, v3) */
};

enum dt_dialect {
    DT_HF, /* Hugging Face transformers, ONNX, TensorRT: distances are not clamped
              before bucketing; a fully masked row is uniform over all keys */
    DT_MS, /* microsoft/DeBERTa since 2023: log buckets clamp the distance to
              +-(max_position - 1); a fully masked row gives 0 */
};

enum dt_dtype { DT_F32 };

enum dt_mask {
    DT_MASK_NONE,
    DT_MASK_LENGTHS, /* key lengths, one a batch row (right padding) */
    DT_MASK_KEYS,    /* one byte a key: [batch][nk] */
    DT_MASK_PAIRS,   /* one byte a (query, key): [batch][nq][nk] */
};

/* Layout of the table P2C[key][slot] that is handed to the gather-and-add. */
enum dt_layout {
    DT_SLOT_MAJOR, /* [2S][nk], what the product Qr.K^T yields */
    DT_KEY_MAJOR,  /* [nk][2S], what the product K.Qr^T yields */
};

/* Terms of the score beside content-to-content: a set of bits. */
#define DT_C2P 1u
#define DT_P2C 2u

#define DT_MAX_LENGTH (1 << 20)
#define DT_MAX_BATCH (1 << 16)
#define DT_MAX_HEADS (1 << 12)
#define DT_MAX_DIM (1 << 12)
#define DT_MAX_SPAN (1 << 16)

/*
 * One problem: a plain value. Its text form serves as command-line argument,
 * line of a suite, key of a record and in messages:
 *
 *     b1 h12 q512 k512 d64 log:256:512 c2p+p2c f32 hf mask:none
 *
 * The tokens may come in any order; "n512" stands for "q512 k512". Only a length
 * and the bucket are required; the rest defaults to
 * b1 h1 d64 c2p+p2c f32 hf mask:none. "p2c:key" (key-major table) is printed only
 * where it is so.
 */
struct dt_problem {
    int32_t batch;  /* B >= 1 */
    int32_t heads;  /* H >= 1 */
    int32_t nq, nk; /* query and key lengths, >= 1 */
    int32_t dim;    /* d, of one head */
    enum dt_bucket bucket;
    int32_t span;         /* S: slots = 2S. "log:S:M", "linear:S" */
    int32_t max_position; /* M of log buckets, M - 1 > S / 2; 0 with linear */
    unsigned terms;       /* DT_C2P | DT_P2C, either, or 0 ("none") */
    enum dt_dtype dtype;
    enum dt_dialect dialect;
    enum dt_mask mask;
    enum dt_layout layout; /* of P2C; matters to the gather-and-add alone */
};

#define DT_PROBLEM_TEXT_MAX 160

/* Reads the text form. On failure *problem is untouched. DT_INVALID. */
DT_API enum dt_status dt_problem_parse(const char *text, struct dt_problem *problem,
                                       struct dt_error *error);

/* Writes the canonical text form, at most DT_PROBLEM_TEXT_MAX bytes with the
 * terminating 0, and returns `text`. */
DT_API const char *dt_problem_print(const struct dt_problem *problem,
                                    char text[DT_PROBLEM_TEXT_MAX]);

/* Whether every field is in range and every array's size fits ptrdiff_t. DT_INVALID. */
DT_API enum dt_status dt_problem_check(const struct dt_problem *problem, struct dt_error *error);

/* f = 1 / sqrt(dim * (1 + number of position terms)). */
DT_API double dt_problem_scale(const struct dt_problem *problem);

/* ---- Dispatch tables ------------------------------------------------------- */

/* What `disentune tune` wrote: for problems measured on some machine, the plan that won. */
struct dt_table;

/*
 * Reads a dispatch table. The file is treated as hostile: a bad record is
 * skipped alone and reported by dt_table_rejected(); a file that is no table at
 * all fails. The caller frees *table with dt_table_free(). DT_INVALID, DT_IO,
 * DT_NO_MEMORY.
 */
DT_API enum dt_status dt_table_load(const char *path, struct dt_table **table,
                                    struct dt_error *error);
DT_API void dt_table_free(struct dt_table *table);

/* Usable records, and the n-th reason (0-based) why a line was not used, NULL past the last. */
DT_API size_t dt_table_size(const struct dt_table *table);
DT_API const char *dt_table_rejected(const struct dt_table *table, size_t n);

/*
 * A dispatch table as constants of a program, which then needs no file: `disentune merge --format
 * c` writes them, and nobody else should. Members as in the file; texts that are not there are
 * NULL.
 */
struct dt_table_line {
    const char *op, *problem;
    int64_t threads;
    const char *machine[4];
    const char *variant;
    int64_t tile[2], chunk;
    const char *gemm, *bias, *softmax;
    int64_t samples;
    double ns_median, ratio_to_scalar, ratio_lo, ratio_hi, noise_floor;
    bool validated, complete;
    double regret;
    int64_t tried[2];
    const char *date, *origin[3];
};

struct dt_table_image {
    const char *schema, *version, *signature, *compiler;
    const struct dt_table_line *lines;
    size_t count;
};

/* A table of these lines, which are checked like those of a file. The caller frees *table; the
 * image is not referenced after return. DT_INVALID (of another schema), DT_NO_MEMORY. */
DT_API enum dt_status dt_table_build(const struct dt_table_image *image, struct dt_table **table,
                                     struct dt_error *error);

/*
 * Makes the image what plans of this process are looked up in from now on when they are given no
 * table and the environment names none. NULL: no longer. May be called from any thread. Errors are
 * those of dt_table_build(); then what was installed before stays.
 */
DT_API enum dt_status dt_table_install(const struct dt_table_image *image, struct dt_error *error);

/* ---- The gather-and-add ---------------------------------------------------- */

struct dt_plan;

/*
 * Plans S[i][j] += C2P[i][slot(i, j)] + P2C[j][slot(i, j)] for one problem.
 * Precedence: DISENTUNE_FORCE=bias:VARIANT[:ROWSxCOLS] in the environment; `table`, or if
 * that is NULL the file named by DISENTUNE_TABLE, which is read once by a process, or else
 * what dt_table_install() was given; the built-in heuristic. DISENTUNE_CPU=scalar|avx2|
 * avx512|neon caps the instruction sets used. The table is not referenced after
 * return. The caller frees *plan with dt_plan_free(). DT_INVALID, DT_UNSUPPORTED, DT_IO,
 * DT_NO_MEMORY.
 *
 * With DISENTUNE_CAPTURE=FILE in the environment the calls of each plan are counted and, when it is
 * freed or the program ends by exit(), appended to the file as a line of a suite: `disentune tune
 * --suite FILE` then tunes what this program runs. Any number of processes may share the file; one
 * that is killed or leaves by _exit() loses the counts of the plans it had not freed. A file that
 * cannot be written to is reported once on standard error and otherwise changes nothing.
 */
DT_API enum dt_status dt_bias_plan(const struct dt_problem *problem, const struct dt_table *table,
                                   struct dt_plan **plan, struct dt_error *error);
DT_API void dt_plan_free(struct dt_plan *plan);

/* One line: variant, tile, and where they come from. Valid as long as the plan. */
DT_API const char *dt_plan_text(const struct dt_plan *plan);

/*
 * Operands of one call: every head of every batch row of the problem. Strides
 * count elements; the last dimension is contiguous. No alignment beyond the
 * element's is needed. Scores must not overlap the tables.
 */
struct dt_bias {
    float *scores; /* [batch][heads][nq][nk], added to */
    ptrdiff_t scores_batch, scores_head, scores_row;
    const float *c2p; /* [batch][heads][nq][2S]; ignored without the term */
    ptrdiff_t c2p_batch, c2p_head, c2p_row;
    const float *p2c; /* [batch][heads], then [2S][nk] or [nk][2S] by the problem's layout */
    ptrdiff_t p2c_batch, p2c_head, p2c_row;
};

/* Runs the plan. Not checked: pointers and strides are the caller's word. */
DT_API void dt_bias_add(const struct dt_plan *plan, const struct dt_bias *operands);

/* ---- Attention ------------------------------------------------------------- */

/*
 * The projected relative embeddings Kr and Qr of one layer, packed once and used by any number of
 * calls, batches and lengths, by several threads at once if need be.
 */
struct dt_positions;

/*
 * kr and qr are [heads][2S][dim], strides in elements, dense in dim; kr is ignored without c2p, qr
 * without p2c. Of the problem, heads, dim, span and terms matter: the result serves every plan that
 * agrees in these. The caller frees *positions with dt_positions_free(). DT_INVALID, DT_NO_MEMORY.
 */
DT_API enum dt_status dt_positions_pack(const struct dt_problem *problem, const float *kr,
                                        ptrdiff_t kr_head, ptrdiff_t kr_row, const float *qr,
                                        ptrdiff_t qr_head, ptrdiff_t qr_row,
                                        struct dt_positions **positions, struct dt_error *error);
DT_API void dt_positions_free(struct dt_positions *positions);

/*
 * Plans the whole attention of one problem for calls that run on `threads` threads each (0: as many
 * as OpenMP would use). Precedence, table and freeing as with dt_bias_plan(), with
 * DISENTUNE_FORCE=attention:VARIANT[:ROWSxCOLS[xCHUNK]][:PART]..., where a part is a variant of
 * gemm, bias or softmax. The bits of the result do not depend on `threads`.
 */
DT_API enum dt_status dt_attention_plan(const struct dt_problem *problem,
                                        const struct dt_table *table, int threads,
                                        struct dt_plan **plan, struct dt_error *error);

/* Bytes that one call of the plan works in; 0 if it needs none. */
DT_API size_t dt_plan_workspace(const struct dt_plan *plan);

/* Makes the plan own workspaces for `calls` calls at once, in place of those it owned. No call may
 * be under way. DT_INVALID, DT_NO_MEMORY; then it owns what it did before. */
DT_API enum dt_status dt_plan_reserve(struct dt_plan *plan, int calls, struct dt_error *error);

/*
 * Operands of one call. Strides count elements, so that [batch][n][heads][dim] needs no copy; the
 * last dimension is contiguous. No alignment beyond the element's is needed. `out` overlaps
 * nothing.
 *
 * Packed batches: with `segments` the problem has batch 1, nq = nk = the tokens of all segments,
 * and no mask; segment s is the tokens segments[s] ... segments[s + 1] - 1, segments[0] = 0 and
 * segments[segment_count] = nk. Tokens attend within their segment and positions count from its
 * start.
 */
struct dt_attention {
    const float *q; /* [batch][heads][nq][dim] */
    ptrdiff_t q_batch, q_head, q_row;
    const float *k; /* [batch][heads][nk][dim] */
    ptrdiff_t k_batch, k_head, k_row;
    const float *v; /* [batch][heads][nk][dim] */
    ptrdiff_t v_batch, v_head, v_row;
    float *out; /* [batch][heads][nq][dim] */
    ptrdiff_t out_batch, out_head, out_row;
    const struct dt_positions *positions; /* NULL if the problem has no position term */
    const int32_t *lengths;               /* DT_MASK_LENGTHS: [batch], each in 0 ... nk */
    const uint8_t *mask; /* DT_MASK_KEYS: [batch][nk]; DT_MASK_PAIRS: [batch][nq][nk]; 0 forbids */
    const int32_t *segments;
    int32_t segment_count;
    void *workspace; /* dt_plan_workspace() bytes of any alignment, for this call alone; NULL: one
                        that the plan owns */
};

/*
 * Runs the plan. Allocates nothing, locks nothing, looks nothing up; any number of threads may run
 * one plan at once. DT_INVALID: positions are missing or of other heads, dim, span or terms, or
 * segments do not fit the problem. DT_NO_MEMORY: no workspace was given and all that the plan owns
 * are in use. Then nothing was written. Other pointers, strides and lengths are the caller's word.
 */
DT_API enum dt_status dt_attention(const struct dt_plan *plan, const struct dt_attention *operands);

#ifdef __cplusplus
}
#endif
#endif
