/* SPDX-License-Identifier: MIT */
/* The reference against results worked out by hand and against identities that must hold. */
#include "kernels/reference.h"
#include "reports/stats.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static float uniform(uint64_t *state) { return (float)(dt_random(state) >> 40) * 0x1p-23f - 1; }

static void fill(float *x, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++)
        x[i] = uniform(&seed);
}

static bool near(double a, double b) { return fabs(a - b) <= 1e-12 * fmax(1, fabs(b)); }

Test(reference, bias_by_hand)
{
    /* linear:2, slots 0 ... 3; slot(i, j) = i - j + 2 clamped */
    const float scores[] = {100, 200, 300, 400, 500, 600};
    const float c2p[] = {1, 2, 3, 4, 10, 20, 30, 40};
    const float key_major[] = {.1f, .2f, .3f, .4f, .01f, .02f, .03f, .04f, 1000, 2000, 3000, 4000};
    const int slots[] = {2, 1, 0, 3, 2, 1};
    float slot_major[12];
    for (int j = 0; j < 3; j++)
        for (int s = 0; s < 4; s++)
            slot_major[s * 3 + j] = key_major[j * 4 + s];
    bool right = true;
    for (unsigned terms = 1; terms <= 3; terms++)
        for (int layout = DT_SLOT_MAJOR; layout <= DT_KEY_MAJOR; layout++) {
            struct dt_problem p;
            dt_problem_parse("q2 k3 linear:2", &p, NULL);
            p.terms = terms;
            p.layout = (enum dt_layout)layout;
            const struct dt_bias io = {
                .scores = (float *)scores,
                .scores_row = 3,
                .c2p = c2p,
                .c2p_row = 4,
                .p2c = layout == DT_KEY_MAJOR ? key_major : slot_major,
                .p2c_row = layout == DT_KEY_MAJOR ? 4 : 3,
            };
            double out[6], scale[6];
            dt_reference_bias(&p, &io, out, scale);
            for (int n = 0; n < 6; n++) {
                double expected = scores[n];
                if (terms & DT_C2P)
                    expected += c2p[n / 3 * 4 + slots[n]];
                if (terms & DT_P2C)
                    expected += key_major[n % 3 * 4 + slots[n]];
                right &= out[n] == expected && scale[n] == expected;
            }
        }
    cr_assert(right);
}

Test(reference, gemm_by_hand)
{
    /* rows 4, 3 and 5 apart; 9 where nothing is read */
    const float a[] = {1, -2, 9, 9, 3, 4}, b[] = {5, 6, -7, -8, 9, 10};
    const float c[] = {100, 200, 300, 9, 9, -400, 500, 600};
    const double product[] = {21, -12, -27, -17, 54, 19}, sizes[] = {21, 24, 27, 47, 54, 61};
    bool right = true;
    for (int add = 0; add < 2; add++) {
        const struct dt_gemm_shape shape = {2, 3, 2, 4, 3, 5, add};
        double out[6], scale[6];
        dt_reference_gemm(&shape, a, b, c, out, scale);
        for (int n = 0; n < 6; n++) {
            const double old = add ? c[n / 3 * 5 + n % 3] : 0;
            right &= out[n] == old + product[n] && scale[n] == fabs(old) + sizes[n] + 0x1p-126;
        }
    }
    cr_assert(right);
}

Test(reference, softmax_by_hand)
{
    float x[] = {0, (float)M_LN2, NAN, 5, 5, 5};
    const uint8_t allowed[] = {1, 7, 0, 0, 0, 0};
    struct dt_softmax_args args = {
        .x = x, .stride = 3, .rows = 2, .cols = 3, .allowed = allowed, .allowed_stride = 3};
    double out[6], scale[6];
    args.dialect = DT_MS;
    dt_reference_softmax(&args, out, scale);
    cr_assert(fabs(out[0] - 1 / 3.) < 1e-7 && fabs(out[1] - 2 / 3.) < 1e-7 && out[2] == 0 &&
              out[3] == 0 && out[4] == 0 && out[5] == 0);
    cr_assert(fabs(scale[0] - (1 + M_LN2) / 3) < 1e-7);
    args.dialect = DT_HF;
    dt_reference_softmax(&args, out, NULL);
    cr_assert(out[2] == 0 && out[3] == 1 / 3. && out[5] == 1 / 3.);
    x[0] = INFINITY;
    dt_reference_softmax(&args, out, NULL);
    cr_assert(isnan(out[0]) && isnan(out[1]) && out[2] == 0);
}

/* Dense operands. */
static struct dt_attention dense(const struct dt_problem *p, const float *q, const float *k,
                                 const float *v)
{
    const ptrdiff_t d = p->dim;
    return (struct dt_attention){
        .q = q,
        .k = k,
        .v = v,
        .q_batch = p->heads * p->nq * d,
        .q_head = p->nq * d,
        .q_row = d,
        .k_batch = p->heads * p->nk * d,
        .k_head = p->nk * d,
        .k_row = d,
        .v_batch = p->heads * p->nk * d,
        .v_head = p->nk * d,
        .v_row = d,
    };
}

static struct dt_reference_positions raw(const struct dt_problem *p, const float *kr,
                                         const float *qr)
{
    return (struct dt_reference_positions){kr, qr, 2 * p->span * p->dim, p->dim};
}

Test(reference, attention_by_hand)
{
    /* one query, two keys, d = 1, f = 1 / sqrt(3); slots of j = 0, 1 are 1 and 0 (linear:1) */
    struct dt_problem p;
    dt_problem_parse("q1 k2 d1 linear:1", &p, NULL);
    const float q[] = {2}, k[] = {3, 5}, v[] = {10, 20}, kr[] = {7, 11}, qr[] = {13, 17};
    const double f = 1 / sqrt(3);
    const double bias[] = {f * (2 * 11 + 3 * 17), f * (2 * 7 + 5 * 13)};
    const double s0 = f * 6 + bias[0], s1 = f * 10 + bias[1];
    const double w0 = 1 / (1 + exp(s1 - s0));
    const struct dt_attention io = dense(&p, q, k, v);
    const struct dt_reference_positions x = raw(&p, kr, qr);
    double out, biases[2], scale;
    cr_assert_eq(dt_reference_attention(&p, &io, &x, &out, biases, &scale, NULL), DT_OK);
    cr_assert(near(biases[0], bias[0]) && near(biases[1], bias[1]));
    cr_assert(near(out, 10 * w0 + 20 * (1 - w0)));
    cr_assert(near(scale, 20 * (1 + s1)));
}

Test(reference, packed_segments_equal_separate_problems)
{
    static const int32_t segments[] = {0, 5, 6, 13};
    float q[13 * 8], k[13 * 8], v[13 * 8], kr[12 * 8], qr[12 * 8];
    struct dt_problem p;
    double packed[13 * 8], alone[13 * 8];
    bool same = true;
    dt_problem_parse("n13 d8 linear:6", &p, NULL);
    fill(q, sizeof q / sizeof *q, 1);
    fill(k, sizeof k / sizeof *k, 2);
    fill(v, sizeof v / sizeof *v, 3);
    fill(kr, sizeof kr / sizeof *kr, 4);
    fill(qr, sizeof qr / sizeof *qr, 5);
    const struct dt_reference_positions x = raw(&p, kr, qr);
    struct dt_attention io = dense(&p, q, k, v);
    io.segments = segments;
    io.segment_count = 3;
    cr_assert_eq(dt_reference_attention(&p, &io, &x, packed, NULL, NULL, NULL), DT_OK);
    for (int s = 0; s < 3; s++) {
        const int32_t at = segments[s] * 8;
        struct dt_problem one = p;
        one.nq = one.nk = segments[s + 1] - segments[s];
        io = dense(&one, q + at, k + at, v + at);
        cr_assert_eq(dt_reference_attention(&one, &io, &x, alone, NULL, NULL, NULL), DT_OK);
        for (int32_t n = 0; n < one.nq * 8; n++)
            same &= near(packed[at + n], alone[n]);
    }
    cr_assert(same);
}

Test(reference, mask_forms_that_say_the_same_agree)
{
    enum { B = 2, N = 9, D = 4 };
    static const int32_t lengths[B] = {4, 9};
    float q[B * N * D], k[B * N * D], v[B * N * D], kr[8 * D], qr[8 * D];
    uint8_t keys[B * N], pairs[B * N * N];
    double out[3][B * N * D];
    struct dt_problem p;
    fill(q, B * N * D, 1);
    fill(k, B * N * D, 2);
    fill(v, B * N * D, 3);
    fill(kr, 8 * D, 4);
    fill(qr, 8 * D, 5);
    for (int n = 0; n < B * N; n++)
        keys[n] = n % N < lengths[n / N];
    for (int n = 0; n < B * N * N; n++)
        pairs[n] = keys[n / (N * N) * N + n % N];
    dt_problem_parse("b2 n9 d4 linear:4", &p, NULL);
    for (int form = DT_MASK_LENGTHS; form <= DT_MASK_PAIRS; form++) {
        const struct dt_reference_positions x = raw(&p, kr, qr);
        p.mask = (enum dt_mask)form;
        struct dt_attention io = dense(&p, q, k, v);
        io.lengths = lengths;
        io.mask = form == DT_MASK_KEYS ? keys : pairs;
        cr_assert_eq(dt_reference_attention(&p, &io, &x, out[form - 1], NULL, NULL, NULL), DT_OK);
    }
    cr_assert(memcmp(out[0], out[1], sizeof out[0]) == 0 &&
              memcmp(out[0], out[2], sizeof out[0]) == 0);
}

Test(reference, masked_garbage_is_contained_and_empty_rows_follow_the_dialect)
{
    struct dt_problem p;
    const float q[] = {1, 1}, k[] = {1, NAN, 2}, v[] = {3, INFINITY, 6};
    const uint8_t pairs[] = {1, 0, 1, 0, 0, 0};
    double out[2];
    dt_problem_parse("q2 k3 d1 linear:4 none mask:pairs ms", &p, NULL);
    struct dt_attention io = dense(&p, q, k, v);
    io.mask = pairs;
    cr_assert_eq(dt_reference_attention(&p, &io, NULL, out, NULL, NULL, NULL), DT_OK);
    const double w = 1 / (1 + exp(1));
    cr_assert(near(out[0], 3 * w + 6 * (1 - w)) && out[1] == 0);
    p.dialect = DT_HF;
    cr_assert_eq(dt_reference_attention(&p, &io, NULL, out, NULL, NULL, NULL), DT_OK);
    cr_assert(near(out[0], 3 * w + 6 * (1 - w)) && isinf(out[1]));
}

Test(reference, slots_are_monotone_and_bounded)
{
    struct dt_problem p;
    bool right = true;
    dt_problem_parse("n8 log:33:100", &p, NULL);
    for (int64_t r = -5000; r <= 5000; r++) {
        const int32_t slot = dt_reference_slot(&p, r), next = dt_reference_slot(&p, r + 1);
        right &= slot >= 0 && slot < 66 && slot <= next;
    }
    right &= dt_reference_slot(&p, INT64_C(1) << 40) == 65;
    right &= dt_reference_slot(&p, -(INT64_C(1) << 40)) == 0;
    cr_assert(right);
}
