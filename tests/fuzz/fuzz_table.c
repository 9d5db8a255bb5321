/* SPDX-License-Identifier: MIT */
/* The dispatch table: what was read prints canonically, and each refusal names its line. */
#include "kernels/table.h"
#include "tests/fuzz/fuzz.h"

static bool names_line(const char *reason)
{
    size_t number;
    return sscanf(reason, "line %zu: ", &number) == 1 ||
           sscanf(reason, "... %zu bad lines", &number) == 1;
}

static void check_reasons(const struct dt_table *table)
{
    const char *reason;
    for (size_t n = 0; (reason = dt_table_rejected(table, n)); n++)
        fuzz_require(fuzz_is_message(reason) && names_line(reason));
}

static void check_round_trip(const struct dt_table *table)
{
    char *text, *again;
    size_t size, size_again;
    struct dt_table *read;
    fuzz_require(!dt_table_print(table, &text, &size, NULL));
    fuzz_require(!dt_table_parse(text, size, "canonical", &read, NULL));
    fuzz_require(read->count == table->count && read->stale == table->stale);
    fuzz_require(read->rejected_count == read->stale);
    fuzz_require(!dt_table_print(read, &again, &size_again, NULL));
    fuzz_require(size == size_again && memcmp(text, again, size) == 0);
    dt_table_free(read);
    free(again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dt_table *table;
    struct dt_error error = {0};
    enum dt_status status = dt_table_parse((const char *)data, size, "fuzz", &table, &error);
    if (status) {
        fuzz_require_error(status, &error);
        fuzz_require(status == DT_NO_MEMORY || strstr(error.text, "line 1: "));
        return 0;
    }
    check_reasons(table);
    check_round_trip(table);
    dt_table_free(table);
    return 0;
}
