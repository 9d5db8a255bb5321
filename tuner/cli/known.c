/* SPDX-License-Identifier: MIT */
#include "tuner/cli/known.h"

#include "kernels/lookup.h"

#include <stdlib.h>

size_t cli_known_choices(const struct dt_table *table, enum dt_op op,
                         const struct dt_problem *problem, int32_t threads,
                         const struct dt_machine_keys *machine, size_t most,
                         struct dt_choice *choices)
{
    struct dt_candidate *list = NULL;
    struct dt_delta delta;
    size_t ranked = 0, count = 0;
    if (!table || dt_delta_init(&delta, problem, NULL))
        return 0;
    const struct dt_query query = {
        .op = op, .problem = problem, .delta = &delta, .threads = threads, .machine = *machine};
    if (dt_lookup_rank(table, &query, &list, &ranked, NULL) == DT_OK)
        for (size_t n = 0; n < ranked && count < most; n++)
            if (list[n].step != DT_STEP_HEURISTIC &&
                (list[n].refusal == DT_USABLE || list[n].refusal == DT_STALE))
                choices[count++] = list[n].record->choice;
    free(list);
    dt_delta_clear(&delta);
    return count;
}
