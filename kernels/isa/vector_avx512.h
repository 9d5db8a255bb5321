/* SPDX-License-Identifier: MIT */
/* The vector of AVX-512; what each function means is said in bias_ideas.h. */
#ifndef DISENTUNE_VECTOR_AVX512_H
#define DISENTUNE_VECTOR_AVX512_H

#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

enum { LANES = 16, LANES_LOG2 = 4, HAS_GATHER = 1 };

typedef __m512 vec;
typedef __m512i ivec;

static inline vec v_set(float x) { return _mm512_set1_ps(x); }
static inline vec v_load(const float *p) { return _mm512_loadu_ps(p); }
static inline void v_store(float *p, vec v) { _mm512_storeu_ps(p, v); }
static inline vec v_add(vec a, vec b) { return _mm512_add_ps(a, b); }
static inline vec v_fma(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }

static inline __mmask16 v_first(int n) { return (__mmask16)((1u << n) - 1); }
static inline vec v_load_first(const float *p, int n)
{
    return _mm512_maskz_loadu_ps(v_first(n), p);
}
static inline void v_store_first(float *p, vec v, int n)
{
    _mm512_mask_storeu_ps(p, v_first(n), v);
}

static inline ivec v_iload(const int32_t *p) { return _mm512_loadu_si512(p); }
static inline ivec v_isub(ivec a, int32_t b) { return _mm512_sub_epi32(a, _mm512_set1_epi32(b)); }
static inline vec v_permute(vec v, ivec index) { return _mm512_permutexvar_ps(index, v); }
static inline vec v_reverse(vec v)
{
    return _mm512_permutexvar_ps(
        _mm512_setr_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0), v);
}

static inline ivec v_iota(void)
{
    return _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}
static inline ivec v_imadd(ivec a, int32_t b, ivec c)
{
    return _mm512_add_epi32(_mm512_mullo_epi32(a, _mm512_set1_epi32(b)), c);
}
static inline vec v_gather(const float *p, ivec index) { return _mm512_i32gather_ps(index, p, 4); }
static inline vec v_gather_first(const float *p, ivec index, int n)
{
    return n == LANES ? v_gather(p, index)
                      : _mm512_mask_i32gather_ps(v_set(0), v_first(n), index, p, 4);
}

static inline vec v_blend(vec a, vec b, int stage)
{
    static const uint16_t masks[] = {0xaaaa, 0xcccc, 0xf0f0, 0xff00};
    return _mm512_mask_blend_ps(masks[stage], a, b);
}

static inline __attribute__((always_inline)) void v_transpose(vec m[LANES])
{
    vec pair[LANES], quad[LANES];
    for (int r = 0; r < LANES; r += 2) {
        pair[r] = _mm512_unpacklo_ps(m[r], m[r + 1]);
        pair[r + 1] = _mm512_unpackhi_ps(m[r], m[r + 1]);
    }
    for (int r = 0; r < LANES; r += 4)
        for (int h = 0; h < 2; h++) {
            const __m512d a = _mm512_castps_pd(pair[r + h]), b = _mm512_castps_pd(pair[r + h + 2]);
            quad[r + 2 * h] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
            quad[r + 2 * h + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
        }
    /* quad[4q + c] holds columns c, c + 4, c + 8, c + 12 of rows 4q ... 4q + 3. */
    for (int c = 0; c < 4; c++) {
        const vec low = _mm512_shuffle_f32x4(quad[c], quad[4 + c], 0x88);
        const vec high = _mm512_shuffle_f32x4(quad[8 + c], quad[12 + c], 0x88);
        const vec low_odd = _mm512_shuffle_f32x4(quad[c], quad[4 + c], 0xdd);
        const vec high_odd = _mm512_shuffle_f32x4(quad[8 + c], quad[12 + c], 0xdd);
        m[c] = _mm512_shuffle_f32x4(low, high, 0x88);
        m[4 + c] = _mm512_shuffle_f32x4(low_odd, high_odd, 0x88);
        m[8 + c] = _mm512_shuffle_f32x4(low, high, 0xdd);
        m[12 + c] = _mm512_shuffle_f32x4(low_odd, high_odd, 0xdd);
    }
}

/* ---- For softmax: what each function means is said in softmax_ideas.h ---- */

enum { MAX_KEEPS_NAN = 0 };
#define LOOKUP_LOG2 5

typedef __mmask16 vmask;

static inline vec v_sub(vec a, vec b) { return _mm512_sub_ps(a, b); }
static inline vec v_mul(vec a, vec b) { return _mm512_mul_ps(a, b); }
static inline vec v_max(vec a, vec b) { return _mm512_max_ps(a, b); }
static inline vec v_power(vec t)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(t), 23));
}

/* Entry k is 2^(k / 32) less what the shifted k adds to it: its own bits and those of 1. */
static inline vec v_power_of_steps(vec t)
{
    static const int32_t fractions[32] = {
        0,       -78457,  -152893, -223217, -289342, -351174, -408621, -461584,
        -509968, -553670, -592590, -626621, -655657, -679589, -698305, -711690,
        -719629, -722001, -718684, -709555, -694486, -673346, -646004, -612322,
        -572163, -525384, -471841, -411385, -343865, -269126, -187011, -97357,
    };
    const __m512i k = _mm512_castps_si512(t);
    const __m512i fraction =
        _mm512_permutex2var_epi32(v_iload(fractions), k, v_iload(fractions + 16));
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_slli_epi32(k, 18), fraction));
}

static inline vmask v_keys(const uint8_t *bytes)
{
    const __m128i b = _mm_loadu_si128((const void *)bytes);
    return _mm_test_epi8_mask(b, b);
}
static inline vmask v_keys_first(const uint8_t *bytes, int n)
{
    const __m128i b = _mm_maskz_loadu_epi8(v_first(n), bytes);
    return _mm_test_epi8_mask(b, b);
}
static inline vec v_select(vmask mask, vec a, vec b) { return _mm512_mask_blend_ps(mask, b, a); }
static inline vec v_only(vmask mask, vec a) { return _mm512_maskz_mov_ps(mask, a); }
static inline vmask v_equal(vec a, vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
static inline vmask v_or_unordered(vmask mask, vec a, vec b)
{
    return (vmask)(mask | _mm512_cmp_ps_mask(a, b, _CMP_UNORD_Q));
}
static inline vmask v_not_below(vec a, vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_NLT_UQ); }
static inline bool v_any(vmask mask) { return mask != 0; }

/* Sixteen vectors become one in four rounds that halve their number. A round combines two halves of
 * each vector; where the halves of a lie where a's lower one shall be, a blend is one of the two
 * shuffles, and leaves port 5 to others. */
#define V_REDUCE(combine, m)                                                                       \
    do {                                                                                           \
        vec quad[4];                                                                               \
        for (int r = 0; r < 4; r++) {                                                              \
            vec half[2];                                                                           \
            for (int h = 0; h < 2; h++) {                                                          \
                const vec a = m[r + 8 * h], b = m[r + 8 * h + 4];                                  \
                half[h] =                                                                          \
                    combine(_mm512_mask_blend_ps(0xff00, a, b), _mm512_shuffle_f32x4(a, b, 0x4e)); \
            }                                                                                      \
            quad[r] = combine(_mm512_shuffle_f32x4(half[0], half[1], 0x88),                        \
                              _mm512_shuffle_f32x4(half[0], half[1], 0xdd));                       \
        }                                                                                          \
        for (int r = 0; r < 2; r++)                                                                \
            quad[r] = combine(_mm512_mask_blend_ps(0xcccc, quad[2 * r], quad[2 * r + 1]),          \
                              _mm512_shuffle_ps(quad[2 * r], quad[2 * r + 1], 0x4e));              \
        return combine(_mm512_shuffle_ps(quad[0], quad[1], 0x88),                                  \
                       _mm512_shuffle_ps(quad[0], quad[1], 0xdd));                                 \
    } while (0)
static inline vec v_reduce_max(const vec m[LANES]) { V_REDUCE(v_max, m); }
static inline vec v_reduce_sum(const vec m[LANES]) { V_REDUCE(v_add, m); }

#endif
