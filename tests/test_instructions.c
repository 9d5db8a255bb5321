/* SPDX-License-Identifier: MIT */
#include "tuner/instructions.h"

#include <criterion/criterion.h>
#include <math.h>

Test(instructions, the_total_is_read_from_a_report)
{
    cr_expect_eq(dt_instructions_total("==7== \n==7== I   refs:      1,335,901\n"), 1335901);
    cr_expect_eq(dt_instructions_total("==7== I refs:  12\n==7== I1 misses: 3"), 12);
    cr_expect_eq(dt_instructions_total("==7== I   refs:      9,007,199,254,740,992\n"), 0x1p53);
    cr_expect(isnan(dt_instructions_total("==7== I   refs:      none\n")));
    cr_expect(isnan(dt_instructions_total("valgrind: not found\n")));
    cr_expect(isnan(dt_instructions_total("")));
}
