/* SPDX-License-Identifier: MIT */
/* case.json: what was read is a problem in range, of the dialect and batch of all golden cases. */
#include "tests/fuzz/fuzz.h"
#include "tuner/golden.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dt_problem problem;
    struct dt_error error = {0};
    enum dt_status status =
        dt_golden_parse((const char *)data, size, "fuzz/case.json", &problem, &error);
    if (status) {
        fuzz_require_error(status, &error);
        return 0;
    }
    fuzz_require(!dt_problem_check(&problem, NULL));
    fuzz_require(problem.batch == 1 && problem.dialect == DT_MS);
    return 0;
}
