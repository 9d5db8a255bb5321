/* SPDX-License-Identifier: MIT */
#include "tuner/check.h"

#include "kernels/error.h"
#include "reports/stats.h"
#include "tuner/abi.h"
#include "tuner/trap.h"

#include <float.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct dt_placement dt_placement_at(unsigned n)
{
    static const struct dt_placement at_page[] = {
        {DT_GUARD_AFTER, 0, 0},
        {DT_GUARD_BEFORE, 0, 0},
        {DT_GUARD_AFTER, 0, 7},
        {DT_GUARD_BEFORE, 0, 1},
    };
    if (n < sizeof at_page / sizeof *at_page)
        return at_page[n];
    n -= sizeof at_page / sizeof *at_page;
    return (struct dt_placement){n % 2 ? DT_GUARD_BEFORE : DT_GUARD_AFTER, (int)(n % 15) + 1,
                                 (int)(n % 4)};
}

enum dt_status dt_operand_init(struct dt_operand *operand, const char *name, size_t element,
                               size_t rows, size_t cols, struct dt_error *error)
{
    size_t bytes;
    *operand = (struct dt_operand){.name = name, .element = element};
    if (__builtin_mul_overflow(rows, cols + DT_MAX_PAD, &bytes) ||
        __builtin_mul_overflow(bytes, element, &bytes))
        return dt_error_set(error, DT_NO_MEMORY, "no memory for %s", name);
    return dt_guard_init(&operand->guard, bytes, error);
}

void *dt_operand_place(struct dt_operand *operand, const struct dt_placement *placement, int index,
                       const void *source, size_t source_stride, size_t rows, size_t cols)
{
    const size_t gap = (size_t)(placement->gap * (2 * index + 1) % 16);
    const size_t pad = placement->pad ? (size_t)(placement->pad + index) : 0;
    const size_t row_bytes = cols * operand->element;
    const size_t stride_bytes = (cols + pad) * operand->element;
    unsigned char *data = dt_guard_place(&operand->guard, rows, row_bytes, stride_bytes,
                                         gap * operand->element, placement->side);
    operand->source = source;
    operand->source_stride = source_stride * operand->element;
    operand->stride = (ptrdiff_t)(cols + pad);
    for (size_t row = 0; row < rows; row++)
        memcpy(data + row * stride_bytes, operand->source + row * operand->source_stride,
               row_bytes);
    return data;
}

static bool operand_unchanged(const struct dt_operand *operand, size_t *row)
{
    const struct dt_guard *g = &operand->guard;
    for (*row = 0; *row < g->rows; ++*row)
        if (memcmp(g->data + *row * g->stride_bytes,
                   operand->source + *row * operand->source_stride, g->row_bytes) != 0)
            return false;
    return true;
}

/* The arrays of a slot table, in one order. */
static void list_arrays(struct dt_delta *delta, const int32_t **arrays[DT_DELTA_ARRAYS])
{
    arrays[0] = &delta->slot;
    arrays[1] = &delta->constant_until;
    arrays[2] = &delta->linear_until;
    for (int k = 0; k < DT_WINDOW_WIDTHS; k++)
        arrays[3 + k] = &delta->window[k];
}

enum dt_status dt_guarded_delta_init(struct dt_guarded_delta *guarded, const struct dt_delta *delta,
                                     struct dt_error *error)
{
    static const char *const names[DT_DELTA_ARRAYS] = {
        "delta.slot",      "delta.constant_until", "delta.linear_until",
        "delta.window[0]", "delta.window[1]",      "delta.window[2]",
    };
    *guarded = (struct dt_guarded_delta){0};
    for (int n = 0; n < DT_DELTA_ARRAYS; n++) {
        enum dt_status status = dt_operand_init(&guarded->arrays[n], names[n], sizeof(int32_t), 1,
                                                (size_t)delta->length + DT_DELTA_PAD, error);
        if (status) {
            dt_guarded_delta_clear(guarded);
            return status;
        }
    }
    return DT_OK;
}

void dt_guarded_delta_place(struct dt_guarded_delta *guarded, const struct dt_delta *delta,
                            enum dt_guard_side side)
{
    const struct dt_placement placement = {.side = side};
    const int32_t **arrays[DT_DELTA_ARRAYS];
    const size_t length = (size_t)delta->length + DT_DELTA_PAD;
    guarded->delta = *delta;
    list_arrays(&guarded->delta, arrays);
    for (int n = 0; n < DT_DELTA_ARRAYS; n++)
        *arrays[n] =
            dt_operand_place(&guarded->arrays[n], &placement, 0, *arrays[n], length, 1, length);
}

void dt_guarded_delta_clear(struct dt_guarded_delta *guarded)
{
    for (int n = 0; n < DT_DELTA_ARRAYS; n++)
        dt_guard_clear(&guarded->arrays[n].guard);
}

bool dt_check_fail(struct dt_check *check, const char *format, ...)
{
    char problem[DT_PROBLEM_TEXT_MAX], choice[DT_CHOICE_TEXT_MAX], what[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    check->verdict->passed = false;
    snprintf(check->verdict->reason, sizeof check->verdict->reason, "%s on \"%s\" seed %llu: %s%s",
             dt_choice_print(&check->choice, choice), dt_problem_print(check->problem, problem),
             (unsigned long long)check->seed, what, check->call);
    return false;
}

void dt_check_name_call(struct dt_check *check, const char *data,
                        const struct dt_placement *placement)
{
    snprintf(check->call, sizeof check->call,
             " (%s; operands %s %d elements from a page, padding %d)", data,
             placement->side == DT_GUARD_AFTER ? "end" : "begin", placement->gap, placement->pad);
}

static bool fail_outside(struct dt_check *check, const struct dt_operand *operand, ptrdiff_t offset)
{
    const struct dt_guard *g = &operand->guard;
    const ptrdiff_t extent = (ptrdiff_t)((g->rows - 1) * g->stride_bytes + g->row_bytes);
    if (offset < 0)
        return dt_check_fail(check, "touched memory outside its operands: %td bytes before %s",
                             -offset, operand->name);
    return dt_check_fail(check,
                         "touched memory outside its operands: at byte %td of %s, which has %td",
                         offset, operand->name, extent);
}

static bool fail_trapped(struct dt_check *check, const struct dt_trap *trap,
                         const struct dt_operand *operands, int count,
                         const struct dt_guarded_delta *guarded)
{
    ptrdiff_t offset;
    if (trap->signal == SIGILL)
        return dt_check_fail(check, "executed an instruction that this CPU lacks");
    if (trap->signal == SIGFPE)
        return dt_check_fail(check, "raised an arithmetic trap");
    for (int n = 0; n < count; n++)
        if (dt_guard_holds(&operands[n].guard, trap->address, &offset))
            return fail_outside(check, &operands[n], offset);
    for (int n = 0; guarded && n < DT_DELTA_ARRAYS; n++)
        if (dt_guard_holds(&guarded->arrays[n].guard, trap->address, &offset))
            return fail_outside(check, &guarded->arrays[n], offset);
    if (!trap->address)
        return dt_check_fail(check, "touched memory outside its operands: NULL, or an aligned "
                                    "access to an unaligned operand");
    return dt_check_fail(check, "touched memory outside its operands: far from all of them");
}

static dt_abi_fn *entry_of(const struct dt_variant *variant, const void *const args[DT_ABI_ARGS])
{
    switch (variant->op) {
    case DT_OP_BIAS:
        return (dt_abi_fn *)variant->run.bias;
    case DT_OP_SOFTMAX:
        return (dt_abi_fn *)variant->run.softmax;
    case DT_OP_GEMM:
        return (dt_abi_fn *)((const struct dt_gemm *)args[0])->run;
    default:
        return (dt_abi_fn *)variant->run.attention;
    }
}

static bool check_state(struct dt_check *check, uint32_t abi)
{
    if (abi & DT_ABI_REGISTERS)
        return dt_check_fail(check, "did not restore a callee-saved register");
    if (abi & DT_ABI_CONTROL)
        return dt_check_fail(check, "changed the floating-point control state");
    if (abi & DT_ABI_DIRECTION)
        return dt_check_fail(check, "left the direction flag set");
    if (abi & DT_ABI_X87)
        return dt_check_fail(check, "left the x87 register stack in use");
    return true;
}

static bool check_operand(struct dt_check *check, const struct dt_operand *operand, bool output)
{
    ptrdiff_t offset;
    size_t row;
    if (!operand->source)
        return true; /* not in any call so far */
    if (!dt_guard_intact(&operand->guard, &offset))
        return dt_check_fail(check, "wrote outside the elements of %s, at byte %td from its start",
                             operand->name, offset);
    if (!output && !operand_unchanged(operand, &row))
        return dt_check_fail(check, "wrote to its input %s, row %zu", operand->name, row);
    return true;
}

bool dt_check_call(struct dt_check *check, const void *const args[DT_ABI_ARGS],
                   const struct dt_operand *operands, int count, unsigned outputs,
                   const struct dt_guarded_delta *guarded)
{
    check->verdict->calls++;
    const struct dt_trap trap = dt_trap_call(entry_of(check->choice.variant, args), args);
    if (trap.signal)
        return fail_trapped(check, &trap, operands, count, guarded);
    if (!check_state(check, trap.abi))
        return false;
    for (int n = 0; n < count; n++)
        if (!check_operand(check, &operands[n], outputs >> n & 1))
            return false;
    for (int n = 0; guarded && n < DT_DELTA_ARRAYS; n++)
        if (!check_operand(check, &guarded->arrays[n], false))
            return false;
    return true;
}

static double ulp_of(double x)
{
    const double magnitude = fmax(fabs(x), FLT_MIN);
    return ldexp(1, ilogb(magnitude) - (FLT_MANT_DIG - 1));
}

bool dt_check_value(struct dt_check *check, const char *what, ptrdiff_t i, ptrdiff_t j, float got,
                    double expected, double scale)
{
    struct dt_verdict *v = check->verdict;
    v->compared++;
    if (!isfinite(expected)) {
        v->special++;
        if (isnan(expected) ? isnan(got) : (double)got == expected)
            return true;
        return dt_check_fail(check, "%s[%td][%td] is %.9g, expected %g", what, i, j, (double)got,
                             expected);
    }
    if (!isfinite(got))
        return dt_check_fail(check, "%s[%td][%td] is %g, expected %.9g", what, i, j, (double)got,
                             expected);
    const double error = fabs((double)got - expected);
    const double bound = check->unit * scale;
    if (error == 0 || !isfinite(bound))
        return true;
    v->worst = fmax(v->worst, error / bound);
    if (fabs(expected) >= 0x1p-10 * scale)
        v->worst_ulp = fmax(v->worst_ulp, error / ulp_of(expected));
    if (error <= bound)
        return true;
    return dt_check_fail(check, "%s[%td][%td] is %.9g, expected %.9g within %.3g", what, i, j,
                         (double)got, expected, bound);
}

uint32_t dt_check_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return isnan(x) ? 0x7fc00000u : bits;
}

bool dt_check_same(struct dt_check *check, const char *what, ptrdiff_t i, ptrdiff_t j, float got,
                   float first)
{
    if (dt_check_bits(got) == dt_check_bits(first))
        return true;
    return dt_check_fail(check,
                         "%s[%td][%td] is %.9g, but was %.9g on another call with equal data", what,
                         i, j, (double)got, (double)first);
}

float dt_check_random(uint64_t *state)
{
    const uint64_t random = dt_random(state);
    const uint32_t mantissa = (uint32_t)random & 0x7fffff, sign = (uint32_t)(random >> 63);
    const uint32_t exponent = 124 + (uint32_t)(random >> 32 & 3);
    const uint32_t bits = sign << 31 | exponent << 23 | mantissa;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

float dt_check_special(uint64_t *state)
{
    static const float specials[] = {
        NAN,        INFINITY, -INFINITY,    0.0f,  -0.0f,  0x1p-149f,
        -0x1p-130f, FLT_MIN,  -0x1.8p-125f, 1e37f, -1e37f, 1e-20f,
    };
    return specials[dt_random_below(state, sizeof specials / sizeof *specials)];
}
