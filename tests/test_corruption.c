/* SPDX-License-Identifier: MIT */
/*
 * A table with one byte changed, a thousand times. Whatever the byte is:
 *
 *   - a table that is refused says "line 1", and then it is line 1 that was changed;
 *   - each refusal of a record names the line that was changed, or the one after it if the change
 *     split it, or the line that it now collides with;
 *   - all other records are read as they were: at most the line that was changed prints as another;
 *   - every lookup, for the problems of the original and for those that the changed table names,
 *     gives a choice that computes the problem: its variant and parts apply, its tile and chunk
 * fit.
 *
 * So a change that is accepted can have moved a record to another key, named another right choice
 * or altered evidence: all of these cost time, none gives a wrong result.
 */
#include "tests/table_fixture.h"

#include <stdarg.h>
#include <stdio.h>

#define CHANGES 1000
#define SEED 20260131u

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* Of bias, and of each attention that this machine runs. */
static struct dt_table *original(void)
{
    struct dt_table *table = sample();
    const struct dt_variant *variant;
    for (size_t n = 0, made = 0; (variant = dt_variant_at(n)); n++) {
        if (variant->op != DT_OP_ATTENTION || variant->level & ~dt_cpu_host()->levels)
            continue;
        char problem[64];
        snprintf(problem, sizeof problem, "h12 n%zu log:256:512", 128 + 64 * made++);
        struct dt_table_record record = record_of(problem, &here, 64);
        const bool parts = variant->strategy != DT_DIRECT;
        record.op = DT_OP_ATTENTION;
        record.choice = (struct dt_choice){
            .variant = variant,
            .tile = {parts ? 64 : 0, parts ? 64 : 0},
            .chunk = parts ? 128 : 0,
        };
        struct dt_delta delta;
        cr_assert(!dt_delta_init(&delta, &record.problem, NULL));
        cr_assert(!dt_choice_fill_parts(&record.problem, &delta, &record.choice, NULL));
        dt_delta_clear(&delta);
        put(table, record);
    }
    cr_assert_geq(table->count, 5);
    return table;
}

/* ---- What must hold ---------------------------------------------------------------- */

struct change {
    const char *text; /* as it is now */
    size_t line;      /* that was changed, 1-based */
    bool split;       /* the new byte ends a line */
    char wrong[512];  /* what did not hold, empty: nothing */
};

__attribute__((format(printf, 2, 3))) static void blame(struct change *change, const char *format,
                                                        ...)
{
    va_list arguments;
    if (*change->wrong)
        return;
    va_start(arguments, format);
    vsnprintf(change->wrong, sizeof change->wrong, format, arguments);
    va_end(arguments);
}

static bool is_changed(const struct change *change, size_t line)
{
    return line == change->line || (change->split && line == change->line + 1);
}

static void check_reasons(struct change *change, const struct dt_table *table)
{
    const char *reason;
    for (size_t n = 0; (reason = dt_table_rejected(table, n)); n++) {
        size_t line, other;
        const int numbers = sscanf(reason, "line %zu: replaced by line %zu", &line, &other);
        if (numbers < 1 ||
            (!is_changed(change, line) && (numbers < 2 || !is_changed(change, other))))
            blame(change, "refused: %s", reason);
    }
}

/* At most one line of the table is none of the original's. */
static void check_lines(struct change *change, const struct dt_table *table, const char *before)
{
    char *text = text_of(table);
    size_t others = 0, length;
    for (const char *line = text; *line; line += length) {
        length = strcspn(line, "\n") + 1;
        const char *found = memmem(before, strlen(before), line, length);
        others += !found || (found != before && found[-1] != '\n');
    }
    if (others > 1)
        blame(change, "%zu lines changed", others);
    free(text);
}

static bool part_is_right(const struct dt_choice *choice, const struct dt_variant *part,
                          enum dt_op op, const struct dt_problem *problem,
                          const struct dt_delta *delta)
{
    struct dt_problem class = dt_problem_class(op, problem);
    class.layout = DT_SLOT_MAJOR;
    if (choice->variant->op != DT_OP_ATTENTION || choice->variant->strategy == DT_DIRECT ||
        (op == DT_OP_BIAS && problem->terms == 0))
        return !part;
    return part && dt_part_fits(choice->variant, part) &&
           dt_variant_applies(part, op, &class, delta);
}

static bool is_right(const struct dt_choice *c, enum dt_op op, const struct dt_problem *problem,
                     const struct dt_delta *delta)
{
    return dt_variant_applies(c->variant, op, problem, delta) &&
           dt_tile_fits(c->variant, c->tile) && c->chunk >= 0 &&
           (c->tile.rows == 0 || c->chunk % c->tile.rows == 0) &&
           part_is_right(c, c->gemm, DT_OP_GEMM, problem, delta) &&
           part_is_right(c, c->bias, DT_OP_BIAS, problem, delta) &&
           part_is_right(c, c->softmax, DT_OP_SOFTMAX, problem, delta);
}

/* Asks `table` for each key of `keys`. */
static void check_answers(struct change *change, const struct dt_table *table,
                          const struct dt_table *keys)
{
    for (size_t n = 0; n < keys->count; n++) {
        const struct dt_table_record *key = &keys->records[n];
        struct dt_delta delta;
        struct dt_answer answer;
        struct dt_error error;
        if (dt_delta_init(&delta, &key->problem, &error)) {
            blame(change, "%s", error.text);
            continue;
        }
        const struct dt_query query = {key->op, &key->problem, &delta, key->threads, key->machine};
        char text[DT_CHOICE_TEXT_MAX], problem[DT_PROBLEM_TEXT_MAX];
        if (dt_lookup_find(table, &query, &answer, &error))
            blame(change, "%s", error.text);
        else if (!is_right(&answer.choice, key->op, &key->problem, &delta))
            blame(change, "%s for \"%s\"", dt_choice_print(&answer.choice, text),
                  dt_problem_print(&key->problem, problem));
        dt_delta_clear(&delta);
    }
}

/* ---- The test ------------------------------------------------------------------------ */

struct tally {
    size_t refused, narrowed, altered, same;
};

static void check_change(struct change *change, size_t size, const struct dt_table *first,
                         const char *before, struct tally *tally)
{
    struct dt_table *table;
    struct dt_error error = {0};
    if (dt_table_parse(change->text, size, "changed", &table, &error)) {
        if (change->line != 1 || !strstr(error.text, "line 1: "))
            blame(change, "%s", error.text);
        tally->refused++;
        return;
    }
    check_reasons(change, table);
    check_lines(change, table, before);
    check_answers(change, table, first);
    check_answers(change, table, table);
    char *after = text_of(table);
    if (table->rejected_count)
        tally->narrowed++;
    else if (strcmp(after, before) != 0)
        tally->altered++;
    else
        tally->same++;
    free(after);
    dt_table_free(table);
}

Test(table, no_changed_byte_gives_a_wrong_plan)
{
    struct dt_table *table = original();
    char *before = text_of(table);
    const size_t size = strlen(before);
    char *text = strdup(before);
    uint32_t random = SEED;
    struct tally tally = {0};
    struct change change = {.text = text};
    int n = 0;
    size_t at = 0;
    for (; n < CHANGES && !*change.wrong; n++) {
        at = next_random(&random) % size;
        change.line = 1;
        for (size_t c = 0; c < at; c++)
            change.line += before[c] == '\n';
        text[at] = (char)(before[at] ^ (1 + next_random(&random) % 255));
        change.split = text[at] == '\n';
        check_change(&change, size, table, before, &tally);
        if (!*change.wrong)
            text[at] = before[at];
    }
    cr_assert_str_empty(change.wrong, "seed %u, change %d, byte %zu made 0x%02x, line %zu: %s",
                        SEED, n, at, (unsigned char)text[at], change.line, change.wrong);
    cr_expect(tally.refused && tally.narrowed && tally.altered,
              "seed %u: %zu refused, %zu narrowed, %zu altered, %zu same", SEED, tally.refused,
              tally.narrowed, tally.altered, tally.same);
    free(text);
    free(before);
    dt_table_free(table);
}
