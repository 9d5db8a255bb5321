/* SPDX-License-Identifier: MIT */
/* Prints what a problem runs and where that comes from, in a program that has a table built in. */
#include <disentune.h>

#include <stdio.h>

extern const struct dt_table_image tuned;

int main(int argc, char **argv)
{
    struct dt_error error;
    struct dt_problem problem;
    struct dt_plan *plan;
    if (argc != 2 || dt_table_install(&tuned, &error) ||
        dt_problem_parse(argv[1], &problem, &error) ||
        dt_bias_plan(&problem, NULL, &plan, &error)) {
        fprintf(stderr, "%s\n", argc == 2 ? error.text : "usage: built_in_table PROBLEM");
        return 2;
    }
    puts(dt_plan_text(plan));
    dt_plan_free(plan);
    return dt_table_install(NULL, &error) ? 2 : 0;
}
