/* SPDX-License-Identifier: MIT */
/*
 * The vector of AVX2; what each function means is said in bias_ideas.h.
 *
 * There are no mask registers. The first n lanes are loaded and stored in halves and single
 * elements, behind branches that go the same way all along a strip: a masked store (vmaskmovps) is
 * microcode on AMD's processors, and qemu reads the masked-out lanes of a masked load.
 */
#ifndef DISENTUNE_VECTOR_AVX2_H
#define DISENTUNE_VECTOR_AVX2_H

#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

enum { LANES = 8, LANES_LOG2 = 3, HAS_GATHER = 1 };

typedef __m256 vec;
typedef __m256i ivec;

static inline vec v_set(float x) { return _mm256_set1_ps(x); }
static inline vec v_load(const float *p) { return _mm256_loadu_ps(p); }
static inline void v_store(float *p, vec v) { _mm256_storeu_ps(p, v); }
static inline vec v_add(vec a, vec b) { return _mm256_add_ps(a, b); }
static inline vec v_fma(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }

static inline ivec v_iload(const int32_t *p) { return _mm256_loadu_si256((const void *)p); }
static inline ivec v_isub(ivec a, int32_t b) { return _mm256_sub_epi32(a, _mm256_set1_epi32(b)); }

static inline __m128 v_load_quarters(const float *p, int n)
{
    __m128 v = n > 0 ? _mm_load_ss(p) : _mm_setzero_ps();
    if (n > 1)
        v = _mm_insert_ps(v, _mm_load_ss(p + 1), 0x10);
    if (n > 2)
        v = _mm_insert_ps(v, _mm_load_ss(p + 2), 0x20);
    return v;
}
static inline vec v_load_first(const float *p, int n)
{
    if (n < 4)
        return _mm256_set_m128(_mm_setzero_ps(), v_load_quarters(p, n));
    return _mm256_set_m128(v_load_quarters(p + 4, n - 4), _mm_loadu_ps(p));
}
static inline void v_store_quarters(float *p, __m128 v, int n)
{
    if (n > 0)
        _mm_store_ss(p, v);
    if (n > 1)
        _mm_store_ss(p + 1, _mm_movehdup_ps(v));
    if (n > 2)
        _mm_store_ss(p + 2, _mm_movehl_ps(v, v));
}
static inline void v_store_first(float *p, vec v, int n)
{
    const __m128 low = _mm256_castps256_ps128(v);
    if (n < 4) {
        v_store_quarters(p, low, n);
        return;
    }
    _mm_storeu_ps(p, low);
    v_store_quarters(p + 4, _mm256_extractf128_ps(v, 1), n - 4);
}

static inline vec v_permute(vec v, ivec index) { return _mm256_permutevar8x32_ps(v, index); }
static inline vec v_reverse(vec v)
{
    return _mm256_permutevar8x32_ps(v, _mm256_setr_epi32(7, 6, 5, 4, 3, 2, 1, 0));
}

static inline ivec v_iota(void) { return _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7); }
static inline ivec v_imadd(ivec a, int32_t b, ivec c)
{
    return _mm256_add_epi32(_mm256_mullo_epi32(a, _mm256_set1_epi32(b)), c);
}
static inline vec v_gather(const float *p, ivec index) { return _mm256_i32gather_ps(p, index, 4); }
static inline vec v_first(int n)
{
    return _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(n), v_iota()));
}
static inline vec v_gather_first(const float *p, ivec index, int n)
{
    return n == LANES ? v_gather(p, index)
                      : _mm256_mask_i32gather_ps(v_set(0), p, index, v_first(n), 4);
}

static inline vec v_blend(vec a, vec b, int stage)
{
    switch (stage) {
    case 0:
        return _mm256_blend_ps(a, b, 0xaa);
    case 1:
        return _mm256_blend_ps(a, b, 0xcc);
    default:
        return _mm256_blend_ps(a, b, 0xf0);
    }
}

static inline void v_transpose(vec m[LANES])
{
    vec pair[LANES], four[LANES];
    for (int r = 0; r < LANES; r += 2) {
        pair[r] = _mm256_unpacklo_ps(m[r], m[r + 1]);
        pair[r + 1] = _mm256_unpackhi_ps(m[r], m[r + 1]);
    }
    for (int r = 0; r < LANES; r += 4)
        for (int c = 0; c < 2; c++) {
            four[r + 2 * c] = _mm256_shuffle_ps(pair[r + c], pair[r + c + 2], 0x44);
            four[r + 2 * c + 1] = _mm256_shuffle_ps(pair[r + c], pair[r + c + 2], 0xee);
        }
    for (int r = 0; r < 4; r++) {
        m[r] = _mm256_permute2f128_ps(four[r], four[r + 4], 0x20);
        m[r + 4] = _mm256_permute2f128_ps(four[r], four[r + 4], 0x31);
    }
}

/* ---- For softmax: what each function means is said in softmax_ideas.h ---- */

enum { MAX_KEEPS_NAN = 0 };
#define LOOKUP_LOG2 3

typedef __m256 vmask;

static inline vec v_sub(vec a, vec b) { return _mm256_sub_ps(a, b); }
static inline vec v_mul(vec a, vec b) { return _mm256_mul_ps(a, b); }
static inline vec v_max(vec a, vec b) { return _mm256_max_ps(a, b); }
static inline vec v_power(vec t)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(t), 23));
}

/* Entry k is 2^(k / 8) less what the shifted k adds to it: its own bits and those of 1. */
static inline vec v_power_of_steps(vec t)
{
    const __m256i fractions =
        _mm256_setr_epi32(0, -289342, -509968, -655657, -719629, -694486, -572163, -343865);
    const __m256i k = _mm256_castps_si256(t);
    return _mm256_castsi256_ps(
        _mm256_add_epi32(_mm256_slli_epi32(k, 20), _mm256_permutevar8x32_epi32(fractions, k)));
}

static inline vmask v_keys_of(__m128i bytes)
{
    const __m256i none = _mm256_cmpeq_epi32(_mm256_cvtepu8_epi32(bytes), _mm256_setzero_si256());
    return _mm256_castsi256_ps(_mm256_xor_si256(none, _mm256_set1_epi32(-1)));
}
static inline vmask v_keys(const uint8_t *bytes)
{
    return v_keys_of(_mm_loadl_epi64((const void *)bytes));
}
static inline vmask v_keys_first(const uint8_t *bytes, int n)
{
    uint8_t first[LANES] = {0};
    for (int l = 0; l < n; l++)
        first[l] = bytes[l];
    return v_keys(first);
}
static inline vec v_select(vmask mask, vec a, vec b) { return _mm256_blendv_ps(b, a, mask); }
static inline vec v_only(vmask mask, vec a) { return _mm256_and_ps(mask, a); }
static inline vmask v_equal(vec a, vec b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
static inline vmask v_not_below(vec a, vec b) { return _mm256_cmp_ps(a, b, _CMP_NLT_UQ); }
static inline vmask v_or_unordered(vmask mask, vec a, vec b)
{
    return _mm256_or_ps(mask, _mm256_cmp_ps(a, b, _CMP_UNORD_Q));
}
static inline bool v_any(vmask mask) { return _mm256_movemask_ps(mask) != 0; }

/* Eight vectors become one in three rounds that halve their number; see vector_avx512.h. */
#define V_REDUCE(combine, m)                                                                       \
    do {                                                                                           \
        vec quad[4], pair[2];                                                                      \
        for (int r = 0; r < 4; r++)                                                                \
            quad[r] = combine(_mm256_blend_ps(m[r], m[r + 4], 0xf0),                               \
                              _mm256_permute2f128_ps(m[r], m[r + 4], 0x21));                       \
        for (int r = 0; r < 2; r++)                                                                \
            pair[r] = combine(_mm256_blend_ps(quad[2 * r], quad[2 * r + 1], 0xcc),                 \
                              _mm256_shuffle_ps(quad[2 * r], quad[2 * r + 1], 0x4e));              \
        return combine(_mm256_shuffle_ps(pair[0], pair[1], 0x88),                                  \
                       _mm256_shuffle_ps(pair[0], pair[1], 0xdd));                                 \
    } while (0)
static inline vec v_reduce_max(const vec m[LANES]) { V_REDUCE(v_max, m); }
static inline vec v_reduce_sum(const vec m[LANES]) { V_REDUCE(v_add, m); }

#endif
