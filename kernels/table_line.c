/* SPDX-License-Identifier: MIT */
#include "kernels/table_line.h"

#include "kernels/error.h"

#include <math.h>
#include <string.h>

static const char *name_of(const struct dt_variant *variant)
{
    return variant ? variant->name : NULL;
}

struct dt_table_line dt_table_line_of(const struct dt_table *table, const struct dt_table_record *r,
                                      char problem[DT_PROBLEM_TEXT_MAX])
{
    const char(*key)[DT_MACHINE_KEY_MAX] = r->machine.tier;
    const struct dt_choice *c = &r->choice;
    struct dt_table_line line = {
        .op = dt_op_name(r->op),
        .problem = dt_problem_print(&r->problem, problem),
        .threads = r->threads,
        .machine = {key[0], key[1], key[2], key[3]},
        .variant = c->variant->name,
        .tile = {c->tile.rows, c->tile.cols},
        .chunk = c->chunk,
        .gemm = name_of(c->gemm),
        .bias = name_of(c->bias),
        .softmax = name_of(c->softmax),
        .samples = r->samples,
        .ns_median = r->ns_median,
        .ratio_to_scalar = r->ratio_to_scalar,
        .ratio_lo = r->ratio_lo,
        .ratio_hi = r->ratio_hi,
        .noise_floor = r->noise_floor,
        .validated = r->validated,
        .complete = r->complete,
        .regret = r->regret,
        .tried = {r->tried, r->plans},
        .date = r->date,
    };
    if (dt_origin_compare(&r->origin, &table->header) != 0) {
        line.origin[0] = r->origin.version;
        line.origin[1] = r->origin.signature;
        line.origin[2] = r->origin.compiler;
    }
    return line;
}

bool dt_table_line_walk(const struct dt_table_line *l, const struct dt_line_writer *w, void *to)
{
    return w->text(to, "op", l->op) && w->text(to, "problem", l->problem) &&
           w->integer(to, "threads", l->threads) &&
           w->texts(to, "machine", l->machine, DT_MACHINE_TIERS) &&
           w->text(to, "variant", l->variant) && w->integers(to, "tile", l->tile, 2) &&
           (!l->gemm || w->integer(to, "chunk", l->chunk)) &&
           (!l->gemm || w->text(to, "gemm", l->gemm)) &&
           (!l->bias || w->text(to, "bias", l->bias)) &&
           (!l->softmax || w->text(to, "softmax", l->softmax)) &&
           w->integer(to, "samples", l->samples) && w->real(to, "ns_median", l->ns_median) &&
           w->real(to, "ratio_to_scalar", l->ratio_to_scalar) &&
           w->real(to, "ratio_lo", l->ratio_lo) && w->real(to, "ratio_hi", l->ratio_hi) &&
           w->real(to, "noise_floor", l->noise_floor) && w->flag(to, "validated", l->validated) &&
           w->flag(to, "complete", l->complete) &&
           (!l->tried[1] || w->real(to, "regret", l->regret)) &&
           (!l->tried[1] || w->integers(to, "tried", l->tried, 2)) &&
           w->text(to, "date", l->date) && (!l->origin[0] || w->texts(to, "origin", l->origin, 3));
}

/* ---- Reading ---------------------------------------------------------------- */

/* Copies printable text of 1 to size - 1 characters. */
static bool copy_text(char *to, size_t size, const char *from)
{
    const size_t length = from ? strlen(from) : 0;
    if (length == 0 || length >= size)
        return false;
    for (const char *c = from; *c; c++)
        if (*c < ' ' || *c > '~')
            return false;
    memcpy(to, from, length + 1);
    return true;
}

bool dt_origin_take(struct dt_origin *origin, const char *version, const char *signature,
                    const char *compiler)
{
    return copy_text(origin->version, sizeof origin->version, version) &&
           copy_text(origin->signature, sizeof origin->signature, signature) &&
           strspn(signature, "0123456789abcdef") == 16 && !signature[16] &&
           copy_text(origin->compiler, sizeof origin->compiler, compiler);
}

/* A name that may be absent. */
static enum dt_status find_part(const char *name, const struct dt_variant **variant,
                                struct dt_error *error)
{
    *variant = name ? dt_variant_find(name) : NULL;
    return !name || *variant ? DT_OK
                             : dt_error_set(error, DT_INVALID, "unknown variant \"%.64s\"", name);
}

static bool is_side(int64_t side) { return side >= 0 && side <= DT_MAX_LENGTH; }

static enum dt_status resolve_choice(const struct dt_table_line *line, struct dt_choice *c,
                                     struct dt_error *error)
{
    if (!line->variant || !(c->variant = dt_variant_find(line->variant)))
        return dt_error_set(error, DT_INVALID, "unknown variant \"%.64s\"",
                            line->variant ? line->variant : "");
    if (!is_side(line->tile[0]) || !is_side(line->tile[1]))
        return dt_error_set(error, DT_INVALID, "tile is out of range");
    if (!is_side(line->chunk))
        return dt_error_set(error, DT_INVALID, "chunk is out of range");
    c->tile = (struct dt_tile){(int32_t)line->tile[0], (int32_t)line->tile[1]};
    c->chunk = (int32_t)line->chunk;
    enum dt_status status = find_part(line->gemm, &c->gemm, error);
    if (!status)
        status = find_part(line->bias, &c->bias, error);
    if (!status)
        status = find_part(line->softmax, &c->softmax, error);
    return status;
}

enum dt_status dt_table_line_resolve(const struct dt_table_line *line,
                                     const struct dt_origin *header, struct dt_table_record *r,
                                     struct dt_error *error)
{
    const char *const *origin = line->origin;
    if (!line->op || (r->op = dt_op_parse(line->op)) == DT_OP_COUNT)
        return dt_error_set(error, DT_INVALID, "unknown operation \"%.40s\"",
                            line->op ? line->op : "");
    enum dt_status status = resolve_choice(line, &r->choice, error);
    if (status)
        return status;
    for (int tier = 0; tier < DT_MACHINE_TIERS; tier++)
        if (!copy_text(r->machine.tier[tier], DT_MACHINE_KEY_MAX, line->machine[tier]))
            return dt_error_set(error, DT_INVALID, "machine key %d is malformed", tier);
    if (!copy_text(r->date, sizeof r->date, line->date))
        return dt_error_set(error, DT_INVALID, "date is malformed");
    r->origin = *header;
    if (origin[0] && !dt_origin_take(&r->origin, origin[0], origin[1], origin[2]))
        return dt_error_set(error, DT_INVALID, "origin is malformed");
    if (line->threads < 1 || line->threads > DT_TABLE_THREADS_MAX)
        return dt_error_set(error, DT_INVALID, "threads is out of range");
    r->threads = (int32_t)line->threads;
    r->samples = line->samples;
    r->ns_median = line->ns_median;
    r->ratio_to_scalar = line->ratio_to_scalar;
    r->ratio_lo = line->ratio_lo;
    r->ratio_hi = line->ratio_hi;
    r->noise_floor = line->noise_floor;
    r->validated = line->validated;
    r->complete = line->complete;
    r->regret = line->tried[1] ? line->regret : 0;
    r->tried = line->tried[0];
    r->plans = line->tried[1];
    status = line->problem ? dt_problem_parse(line->problem, &r->problem, error)
                           : dt_error_set(error, DT_INVALID, "no problem");
    return status ? status : dt_table_record_check(r, error);
}
