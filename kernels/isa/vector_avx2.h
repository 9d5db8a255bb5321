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

#endif
