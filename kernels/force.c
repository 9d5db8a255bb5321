/* SPDX-License-Identifier: MIT */
#include "kernels/plan.h"

#include "kernels/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX 64

/* The word at *text, which ends at a colon, and *text at the next, NULL after the last. What is
 * longer than any name becomes "". */
static void take_word(const char **text, char word[WORD_MAX])
{
    const size_t length = strcspn(*text, ":");
    snprintf(word, WORD_MAX, "%.*s", length < WORD_MAX ? (int)length : 0, *text);
    *text = (*text)[length] ? *text + length + 1 : NULL;
}

/* ROWSxCOLS[xCHUNK], decimal digits. */
static bool take_tile(const char *word, struct dt_choice *choice)
{
    int end = -1, rest = -1;
    if (strspn(word, "0123456789x") != strlen(word) ||
        sscanf(word, "%7dx%7d%n", &choice->tile.rows, &choice->tile.cols, &end) != 2)
        return false;
    if (word[end] && (sscanf(word + end, "x%7d%n", &choice->chunk, &rest) != 1 || word[end + rest]))
        return false;
    return dt_tile_fits(choice->variant, choice->tile) && dt_chunk_fits(choice);
}

static bool take_part(const char *word, struct dt_choice *choice)
{
    const struct dt_variant *part = dt_variant_find(word);
    const struct dt_variant **place = part ? dt_choice_part(choice, part->op) : NULL;
    if (!place || *place || !dt_choice_has_parts(choice))
        return false;
    *place = part;
    return true;
}

/* What follows the variant: names have a point, a tile has none. */
static enum dt_status take_rest(const char *value, const char *rest, struct dt_choice *choice,
                                struct dt_error *error)
{
    const struct dt_variant *variant = choice->variant;
    while (rest) {
        char word[WORD_MAX];
        take_word(&rest, word);
        if (strchr(word, '.') && !take_part(word, choice))
            return dt_error_set(error, DT_INVALID,
                                "DISENTUNE_FORCE is \"%.80s\": %s takes no part %s here; name "
                                "at most one variant each of gemm, bias and softmax",
                                value, variant->name, word);
        if (!strchr(word, '.') && !take_tile(word, choice))
            return dt_error_set(error, DT_INVALID,
                                "DISENTUNE_FORCE is \"%.80s\": the tile is ROWSxCOLS[xCHUNK], "
                                "multiples of %dx%d, 0 for all",
                                value, variant->rows_multiple, variant->cols_multiple);
    }
    return DT_OK;
}

enum dt_status dt_choice_forced(enum dt_op op, const struct dt_problem *problem,
                                const struct dt_delta *delta, bool *forced,
                                struct dt_choice *choice, struct dt_error *error)
{
    const char *value = getenv("DISENTUNE_FORCE"), *rest = value;
    *forced = value && *value;
    if (!*forced)
        return DT_OK;
    char word[WORD_MAX];
    take_word(&rest, word);
    const enum dt_op named = dt_op_parse(word);
    *forced = named == op;
    if (named != DT_OP_COUNT && named != op)
        return DT_OK;
    if (named != op || !rest)
        return dt_error_set(error, DT_INVALID,
                            "DISENTUNE_FORCE is \"%.80s\"; use %s:VARIANT[:ROWSxCOLS][:PART]...",
                            value, dt_op_name(op));
    take_word(&rest, word);
    const struct dt_variant *variant = dt_variant_find(word);
    if (!variant || variant->op != op)
        return dt_error_set(error, DT_INVALID,
                            "DISENTUNE_FORCE is \"%.80s\": no such variant of %s; "
                            "\"disentune list\" shows them",
                            value, dt_op_name(op));
    struct dt_choice taken = {.variant = variant, .tile = dt_tile_heuristic(variant, problem)};
    enum dt_status status = take_rest(value, rest, &taken, error);
    if (status)
        return status;
    if (!dt_variant_applies(variant, op, problem, delta)) {
        char text[DT_PROBLEM_TEXT_MAX];
        return dt_error_set(error, DT_UNSUPPORTED,
                            "DISENTUNE_FORCE is \"%.60s\", which cannot compute \"%s\" on this CPU",
                            value, dt_problem_print(problem, text));
    }
    status = dt_choice_fill_parts(problem, delta, &taken, error);
    if (!status)
        *choice = taken;
    return status;
}

const char *dt_choice_print_forced(const struct dt_choice *choice, char text[DT_CHOICE_TEXT_MAX])
{
    const struct dt_variant *const parts[] = {choice->gemm, choice->bias, choice->softmax};
    int length = snprintf(text, DT_CHOICE_TEXT_MAX, "%s:%s:%dx%d", dt_op_name(choice->variant->op),
                          choice->variant->name, choice->tile.rows, choice->tile.cols);
    if (choice->chunk)
        length +=
            snprintf(text + length, DT_CHOICE_TEXT_MAX - (size_t)length, "x%d", choice->chunk);
    for (size_t n = 0; n < sizeof parts / sizeof *parts; n++)
        if (parts[n])
            length +=
                snprintf(text + length, DT_CHOICE_TEXT_MAX - (size_t)length, ":%s", parts[n]->name);
    return text;
}
