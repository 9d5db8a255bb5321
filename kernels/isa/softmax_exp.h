/* SPDX-License-Identifier: MIT */
/* exp() for softmax, a few vectors side by side; softmax_ideas.h says how and how well. */
#ifndef DISENTUNE_SOFTMAX_EXP_H
#define DISENTUNE_SOFTMAX_EXP_H

#include <math.h>

#ifdef DT_HAVE_SLEEF
#include <sleef.h>
#endif

#ifndef INLINE
#define INLINE static inline __attribute__((always_inline))
#endif

enum exp_idea { EXP_POLY, EXP_TABLE, EXP_SLEEF };

/* Vectors that are computed side by side, so that one does not wait for another. */
enum { GROUP = 4 };

#define EACH(k) _Pragma("GCC unroll 4") for (int k = 0; k < count; k++)

/* 1.5 * 2^23 + bias: the sum with a small number has that number, rounded, in its lowest bits. */
#define ROUNDING(bias) v_set(0x1.8p23f + (float)(bias))

INLINE void exp_poly(vec *v, int count)
{
    vec t[GROUP], r[GROUP], p[GROUP];
    EACH(k) v[k] = v_max(v_set(-88), v[k]);
    EACH(k) t[k] = v_fma(v[k], v_set(0x1.715476p+0f), ROUNDING(127));
    EACH(k) r[k] = v_sub(t[k], ROUNDING(127));
    EACH(k) t[k] = v_power(t[k]);
    EACH(k) v[k] = v_fma(r[k], v_set(-0x1.62e4p-1f), v[k]);
    EACH(k) r[k] = v_fma(r[k], v_set(-0x1.7f7d1cp-20f), v[k]);
    EACH(k) p[k] = v_fma(v_set(0x1.6a23d0p-10f), r[k], v_set(0x1.123a20p-7f));
    EACH(k) p[k] = v_fma(p[k], r[k], v_set(0x1.5558f2p-5f));
    EACH(k) p[k] = v_fma(p[k], r[k], v_set(0x1.555492p-3f));
    EACH(k) p[k] = v_fma(p[k], r[k], v_set(0x1.fffffcp-2f));
    EACH(k) p[k] = v_fma(p[k], r[k], v_set(1));
    EACH(k) p[k] = v_fma(p[k], r[k], v_set(1));
    EACH(k) v[k] = v_mul(p[k], t[k]);
}

#if LOOKUP_LOG2 > 0
INLINE void exp_table(vec *v, int count)
{
    const float steps = 1 << LOOKUP_LOG2;
    vec t[GROUP], r[GROUP], p[GROUP];
    vmask normal[GROUP];
    EACH(k) normal[k] = v_not_below(v[k], v_set(-0x1.5d589ep+6f));
    EACH(k) t[k] = v_fma(v[k], v_set(0x1.715476p+0f * steps), ROUNDING(127 * steps));
    EACH(k) r[k] = v_sub(t[k], ROUNDING(127 * steps));
    EACH(k) v[k] = v_fma(r[k], v_set(-0x1.62e4p-1f / steps), v[k]);
    EACH(k) r[k] = v_fma(r[k], v_set(-0x1.7f7d1cp-20f / steps), v[k]);
    EACH(k) t[k] = v_power_of_steps(t[k]);
    if (LOOKUP_LOG2 == 5) {
        EACH(k) p[k] = v_fma(v_set(0x1.fffffep-2f), r[k], v_set(0x1.0000f6p+0f));
    } else {
        EACH(k) p[k] = v_fma(v_set(0x1.555656p-3f), r[k], v_set(0x1.000876p-1f));
        EACH(k) p[k] = v_fma(p[k], r[k], v_set(1));
    }
    EACH(k) p[k] = v_mul(p[k], r[k]);
    EACH(k) v[k] = v_only(normal[k], v_fma(p[k], t[k], t[k]));
}
#else
INLINE void exp_table(vec *v, int count) { exp_poly(v, count); }
#endif

#ifdef DT_HAVE_SLEEF
INLINE void exp_sleef(vec *v, int count) { EACH(k) v[k] = V_SLEEF_EXP(v[k]); }
#else
INLINE void exp_sleef(vec *v, int count) { exp_poly(v, count); }
#endif

/* v[count] become their exponentials. */
INLINE void exp_of(enum exp_idea idea, vec *v, int count)
{
    if (idea == EXP_SLEEF)
        exp_sleef(v, count);
    else if (idea == EXP_TABLE)
        exp_table(v, count);
    else
        exp_poly(v, count);
}

#endif
