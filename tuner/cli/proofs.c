/* SPDX-License-Identifier: MIT */
#include "tuner/cli/proofs.h"

#include "kernels/error.h"
#include "tuner/cli/output.h"
#include "tuner/prove.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What is asked of the tuner. */
#define NEAR_SHARE 0.95
#define MOST_SAMPLES 0.15
#define MOST_DECLARED 0.01

/* Of one race of two copies. */
#define RACE_SECONDS 0.25

struct proofs {
    struct cli_measure *m;
    struct dt_prover prover;
    bool text;
    size_t cells, near, cut;
    size_t samples, exhaustive;
};

static bool to_stdout(const struct cli_options *options)
{
    return options->json && strcmp(options->json, "-") == 0;
}

static void print_cell(const struct proofs *proofs, const struct cli_task *task, int threads,
                       const struct dt_proof *p)
{
    char text[DT_PROBLEM_TEXT_MAX], chosen[DT_CHOICE_TEXT_MAX], best[DT_CHOICE_TEXT_MAX];
    if (!proofs->text)
        return;
    printf("%s of \"%s\"", dt_op_name(task->op), dt_problem_print(&task->problem, text));
    if (threads > 1)
        printf(", %d threads", threads);
    printf("\n  chosen   %s\n", dt_choice_print(&p->chosen, chosen));
    if (p->same)
        printf("  best     the same\n");
    else
        printf("  best     %s\n  slower   %+.1f %% (95 %%: %+.1f to %+.1f; %zu pairs of "
               "processes)\n",
               dt_choice_print(&p->best, best), 100 * (p->ratio.median - 1),
               100 * (p->ratio.lo - 1), 100 * (p->ratio.hi - 1), p->pairs);
    printf("  samples  %zu of %zu (%.1f %%) of %zu plans, %.1f of %.1f s\n", p->samples,
           p->exhaustive, 100 * (double)p->samples / (double)p->exhaustive, p->plans, p->seconds,
           p->exhaustive_seconds);
    fflush(stdout);
}

/* Few pairs bound nothing. */
static json_t *real_or_null(double x) { return isfinite(x) ? json_real(x) : json_null(); }

static enum dt_status write_cell(const struct proofs *proofs, const struct cli_task *task,
                                 int threads, const struct dt_proof *p, struct dt_error *error)
{
    char text[DT_PROBLEM_TEXT_MAX], chosen[DT_CHOICE_TEXT_MAX], best[DT_CHOICE_TEXT_MAX];
    FILE *stream = proofs->m->json.stream;
    if (!stream)
        return DT_OK;
    json_t *line = json_pack(
        "{s:s, s:s, s:i, s:s, s:s, s:o, s:o, s:o, s:I, s:I, s:I, s:I}", "op", dt_op_name(task->op),
        "problem", dt_problem_print(&task->problem, text), "threads", threads, "chosen",
        dt_choice_print(&p->chosen, chosen), "best", dt_choice_print(&p->best, best), "ratio",
        real_or_null(p->ratio.median), "ratio_lo", real_or_null(p->ratio.lo), "ratio_hi",
        real_or_null(p->ratio.hi), "pairs", (json_int_t)p->pairs, "plans", (json_int_t)p->plans,
        "samples", (json_int_t)p->samples, "exhaustive_samples", (json_int_t)p->exhaustive);
    const bool written =
        line && json_dumpf(line, stream, JSON_COMPACT) == 0 && fputc('\n', stream) != EOF;
    json_decref(line);
    return written ? DT_OK : dt_error_set(error, DT_IO, "cannot write --json");
}

static enum dt_status prove_cell(struct proofs *proofs, const struct cli_task *task, int threads,
                                 double seconds, struct dt_error *error)
{
    struct cli_measure *m = proofs->m;
    struct dt_proof proof;
    bool found;
    m->tuner.threads = threads;
    enum dt_status status =
        dt_prove(&proofs->prover, task->op, &task->problem, seconds, &proof, &found, error);
    if (status || !found || cli_measure_stopped())
        return status;
    proofs->cells++;
    proofs->near += proof.ratio.median <= DT_PROVE_NEAR;
    proofs->cut += proof.cut;
    proofs->samples += proof.samples;
    proofs->exhaustive += proof.exhaustive;
    cli_progress_end(m->options);
    print_cell(proofs, task, threads, &proof);
    return write_cell(proofs, task, threads, &proof, error);
}

static int conclude(const struct proofs *proofs)
{
    const double near = (double)proofs->near / (double)proofs->cells;
    const double share = (double)proofs->samples / (double)proofs->exhaustive;
    if (proofs->text)
        printf("\nnoise floor: %.1f %%%s\nwithin %.0f %% of the best: %zu of %zu cells (%.1f %%; "
               "%.0f %% are asked)\n"
               "samples: %zu of %zu of exhaustive searches (%.1f %%; at most %.0f %% are asked)\n",
               100 * proofs->m->records.session.noise_floor,
               proofs->m->records.session.noisy ? "; the machine was busy" : "",
               100 * (DT_PROVE_NEAR - 1), proofs->near, proofs->cells, 100 * near, 100 * NEAR_SHARE,
               proofs->samples, proofs->exhaustive, 100 * share, 100 * MOST_SAMPLES);
    return near >= NEAR_SHARE && share <= MOST_SAMPLES ? CLI_OK : CLI_NEGATIVE;
}

int cli_prove(struct cli_measure *m, double seconds, double comparing)
{
    char path[CLI_PATH_MAX];
    struct proofs proofs = {
        .m = m,
        .prover = {&m->tuner, cli_own_path(path), dt_compare_builds, comparing},
        .text = !m->options->quiet && !to_stdout(m->options),
    };
    struct cli_task *tasks = malloc((m->options->problem_count * 4 + 1) * sizeof *tasks);
    struct dt_error error;
    enum dt_status status = DT_OK;
    if (!tasks)
        return cli_fail_text("no memory for %zu problems", m->options->problem_count);
    const size_t count = cli_tasks_collect(m, tasks);
    double weight = 0;
    for (size_t t = 0; t < count; t++)
        weight += tasks[t].weight;
    status = cli_measure_calibrate(m, &error);
    for (size_t t = 0; t < count && !status; t++) {
        const size_t teams = tasks[t].op == DT_OP_ATTENTION ? m->options->thread_count : 1;
        char text[DT_PROBLEM_TEXT_MAX];
        for (size_t n = 0; n < teams && !status && !cli_measure_stopped(); n++) {
            cli_progress(m->options, dt_problem_print(&tasks[t].problem, text), (double)t,
                         (double)count);
            status = prove_cell(&proofs, &tasks[t], teams > 1 ? m->options->threads[n] : 1,
                                seconds * tasks[t].weight / weight / (double)teams, &error);
        }
    }
    free(tasks);
    cli_progress_end(m->options);
    if (status)
        return cli_fail(&error);
    if (proofs.cells == 0 && !cli_measure_stopped())
        return cli_fail_text("nothing to prove: no variant passes --op, --variant and these "
                             "problems; see `disentune list`");
    const int code = proofs.cells ? conclude(&proofs) : CLI_NEGATIVE;
    return cli_measure_stopped() ? cli_measure_interrupted(proofs.cells, count, "") : code;
}

int cli_prove_same(struct cli_measure *m, size_t races)
{
    static const struct {
        enum dt_op op;
        const char *problem;
    } cells[] = {{DT_OP_BIAS, "n128 log:256:512"},
                 {DT_OP_ATTENTION, "n64 log:256:512"},
                 {DT_OP_BIAS, "n512 log:256:512"},
                 {DT_OP_ATTENTION, "h2 n128 log:256:512"}};
    struct dt_error error;
    size_t declared = 0, done = 0;
    enum dt_status status = cli_measure_calibrate(m, &error);
    for (; done < races && !status && !cli_measure_stopped(); done++) {
        struct dt_problem problem;
        bool one;
        const size_t cell = done % (sizeof cells / sizeof *cells);
        cli_progress(m->options, "races of two copies", (double)done, (double)races);
        status = dt_problem_parse(cells[cell].problem, &problem, &error);
        if (!status)
            status = dt_prove_same(&m->tuner, cells[cell].op, &problem, RACE_SECONDS, &one, &error);
        declared += !status && one;
    }
    cli_progress_end(m->options);
    if (status)
        return cli_fail(&error);
    const double share = done ? (double)declared / (double)done : 0;
    if (!m->options->quiet)
        printf("a winner among two copies of one plan: in %zu of %zu races (%.1f %%; at most "
               "%.0f %% are asked); noise floor %.1f %%\n",
               declared, done, 100 * share, 100 * MOST_DECLARED,
               100 * m->records.session.noise_floor);
    if (cli_measure_stopped())
        return cli_measure_interrupted(done, races, "");
    return share <= MOST_DECLARED ? CLI_OK : CLI_NEGATIVE;
}
