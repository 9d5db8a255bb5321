/* SPDX-License-Identifier: MIT */
/*
 * The vector of NEON; what each function means is said in bias_ideas.h.
 *
 * There is no gather: v_gather() loads lane by lane. A permute of lanes is a permute of bytes: lane
 * n is the bytes 4n ... 4n + 3, which a multiplication by 0x04040404 makes of it. Where the same
 * permute serves many rows, that is worth doing once: see bias_neon.c.
 *
 * Of the two blends, one inserts a 64-bit half and the other selects by a mask; both overwrite one
 * of their operands, and the skew calls them with `b` dead afterwards, so that no copy is needed.
 */
#ifndef DISENTUNE_VECTOR_NEON_H
#define DISENTUNE_VECTOR_NEON_H

#include <arm_neon.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { LANES = 4, LANES_LOG2 = 2, HAS_GATHER = 0 };

typedef float32x4_t vec;
typedef int32x4_t ivec;

static inline vec v_set(float x) { return vdupq_n_f32(x); }
static inline vec v_load(const float *p) { return vld1q_f32(p); }
static inline void v_store(float *p, vec v) { vst1q_f32(p, v); }
static inline vec v_add(vec a, vec b) { return vaddq_f32(a, b); }
static inline vec v_fma(vec a, vec b, vec c) { return vfmaq_f32(c, a, b); }

static inline vec v_load_first(const float *p, int n)
{
    vec v = vld1q_lane_f32(p, v_set(0), 0);
    if (n > 1)
        v = vld1q_lane_f32(p + 1, v, 1);
    if (n > 2)
        v = vld1q_lane_f32(p + 2, v, 2);
    return v;
}
static inline void v_store_first(float *p, vec v, int n)
{
    vst1q_lane_f32(p, v, 0);
    if (n > 1)
        vst1q_lane_f32(p + 1, v, 1);
    if (n > 2)
        vst1q_lane_f32(p + 2, v, 2);
}

static inline ivec v_iload(const int32_t *p) { return vld1q_s32(p); }
static inline ivec v_isub(ivec a, int32_t b) { return vsubq_s32(a, vdupq_n_s32(b)); }

/* The bytes of the lanes index - first. A multiplication and a subtraction, while a multiply-add
 * would first need a copy of its addend. */
static inline uint8x16_t v_bytes(ivec index, int32_t first)
{
    const uint32x4_t lanes = vreinterpretq_u32_s32(index);
    return vreinterpretq_u8_u32(vsubq_u32(vmulq_u32(lanes, vdupq_n_u32(0x04040404)),
                                          vdupq_n_u32((uint32_t)first * 0x04040404 - 0x03020100)));
}
static inline vec v_permute_bytes(vec v, uint8x16_t bytes)
{
    return vreinterpretq_f32_u8(vqtbl1q_u8(vreinterpretq_u8_f32(v), bytes));
}
static inline vec v_permute(vec v, ivec index) { return v_permute_bytes(v, v_bytes(index, 0)); }
static inline vec v_reverse(vec v)
{
    const vec pairs = vrev64q_f32(v);
    return vextq_f32(pairs, pairs, 2);
}

static inline ivec v_iota(void)
{
    static const int32_t lanes[LANES] = {0, 1, 2, 3};
    return v_iload(lanes);
}
static inline ivec v_imadd(ivec a, int32_t b, ivec c) { return vmlaq_n_s32(c, a, b); }
static inline vec v_gather_first(const float *p, ivec index, int n)
{
    vec v = vld1q_lane_f32(p + vgetq_lane_s32(index, 0), v_set(0), 0);
    if (n > 1)
        v = vld1q_lane_f32(p + vgetq_lane_s32(index, 1), v, 1);
    if (n > 2)
        v = vld1q_lane_f32(p + vgetq_lane_s32(index, 2), v, 2);
    if (n > 3)
        v = vld1q_lane_f32(p + vgetq_lane_s32(index, 3), v, 3);
    return v;
}
static inline vec v_gather(const float *p, ivec index) { return v_gather_first(p, index, LANES); }

static inline vec v_blend(vec a, vec b, int stage)
{
    if (stage == 0)
        return vbslq_f32(vreinterpretq_u32_u64(vdupq_n_u64(UINT64_C(0xffffffff00000000))), b, a);
    return vreinterpretq_f32_f64(
        vcopyq_laneq_f64(vreinterpretq_f64_f32(b), 0, vreinterpretq_f64_f32(a), 0));
}

static inline void v_transpose(vec m[LANES])
{
    const float64x2_t a = vreinterpretq_f64_f32(vtrn1q_f32(m[0], m[1]));
    const float64x2_t b = vreinterpretq_f64_f32(vtrn2q_f32(m[0], m[1]));
    const float64x2_t c = vreinterpretq_f64_f32(vtrn1q_f32(m[2], m[3]));
    const float64x2_t d = vreinterpretq_f64_f32(vtrn2q_f32(m[2], m[3]));
    m[0] = vreinterpretq_f32_f64(vtrn1q_f64(a, c));
    m[1] = vreinterpretq_f32_f64(vtrn1q_f64(b, d));
    m[2] = vreinterpretq_f32_f64(vtrn2q_f64(a, c));
    m[3] = vreinterpretq_f32_f64(vtrn2q_f64(b, d));
}

/* ---- For softmax: what each function means is said in softmax_ideas.h ---- */

enum { MAX_KEEPS_NAN = 1 };
#define LOOKUP_LOG2 0

typedef uint32x4_t vmask;

static inline vec v_sub(vec a, vec b) { return vsubq_f32(a, b); }
static inline vec v_mul(vec a, vec b) { return vmulq_f32(a, b); }
static inline vec v_max(vec a, vec b) { return vmaxq_f32(a, b); }
static inline vec v_power(vec t)
{
    return vreinterpretq_f32_s32(vshlq_n_s32(vreinterpretq_s32_f32(t), 23));
}

static inline vmask v_first(int n) { return vcgtq_s32(vdupq_n_s32(n), v_iota()); }
static inline vmask v_keys_first(const uint8_t *bytes, int n)
{
    uint8x8_t b = vdup_n_u8(0);
    b = n > 0 ? vld1_lane_u8(bytes, b, 0) : b;
    b = n > 1 ? vld1_lane_u8(bytes + 1, b, 1) : b;
    b = n > 2 ? vld1_lane_u8(bytes + 2, b, 2) : b;
    b = n > 3 ? vld1_lane_u8(bytes + 3, b, 3) : b;
    const uint32x4_t wide = vmovl_u16(vget_low_u16(vmovl_u8(b)));
    return vtstq_u32(wide, wide);
}
static inline vmask v_keys(const uint8_t *bytes)
{
    uint32_t four;
    memcpy(&four, bytes, sizeof four);
    const uint8x8_t b = vreinterpret_u8_u32(vdup_n_u32(four));
    const uint32x4_t wide = vmovl_u16(vget_low_u16(vmovl_u8(b)));
    return vtstq_u32(wide, wide);
}
static inline vec v_select(vmask mask, vec a, vec b) { return vbslq_f32(mask, a, b); }
static inline vec v_only(vmask mask, vec a)
{
    return vreinterpretq_f32_u32(vandq_u32(mask, vreinterpretq_u32_f32(a)));
}
static inline vmask v_equal(vec a, vec b) { return vceqq_f32(a, b); }
static inline vmask v_or_unordered(vmask mask, vec a, vec b)
{
    return vornq_u32(mask, vandq_u32(vceqq_f32(a, a), vceqq_f32(b, b)));
}
static inline bool v_any(vmask mask) { return vmaxvq_u32(mask) != 0; }

static inline vec v_reduce_max(const vec m[LANES])
{
    return vpmaxq_f32(vpmaxq_f32(m[0], m[1]), vpmaxq_f32(m[2], m[3]));
}
static inline vec v_reduce_sum(const vec m[LANES])
{
    return vpaddq_f32(vpaddq_f32(m[0], m[1]), vpaddq_f32(m[2], m[3]));
}

#endif
