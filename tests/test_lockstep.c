/* SPDX-License-Identifier: MIT */
#include "kernels/error.h"
#include "reports/stats.h"
#include "tests/problem_fixture.h"
#include "tuner/lockstep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Two builds and a clock that are made up. */
#define CELLS 4
#define RUNS_MAX 60000

struct ran {
    enum dt_side side;
    size_t cell;
    uint64_t warm, calls;
};

struct builds {
    double now;              /* seconds */
    double slower;           /* HEAD's time / BASE's */
    double slower_last;      /* that of the last cell, if it is another; or 0 */
    double scatter;          /* of a process, its layout */
    double start_seconds;    /* that starting a process takes */
    const char *head_code;   /* BASE's is "b" */
    const char *operands;    /* HEAD's; BASE's are "o" */
    const char *head_choice; /* BASE's is "c" */
    bool wrong, refuses;     /* HEAD, cell 1 */
    unsigned gates;          /* of every sample */
    size_t fail_at;          /* run; 0: never */
    size_t stop_at;          /* run; 0: never */
    volatile sig_atomic_t stop;
    uint64_t random;
    double layout[DT_SIDE_COUNT];
    size_t cell[DT_SIDE_COUNT];
    size_t starts[DT_SIDE_COUNT], survey_runs;
    struct ran *runs;
    size_t run_count;
};

static const double call_ns[CELLS] = {100, 20e3, 3e6, 40e6};

static double scatter(struct builds *b, double size)
{
    return exp(size * ((double)dt_random_below(&b->random, 2001) / 1000 - 1));
}

static enum dt_status start(void *context, enum dt_side side, struct dt_error *error)
{
    struct builds *b = context;
    (void)error;
    b->starts[side]++;
    b->layout[side] = scatter(b, b->scatter);
    b->now += b->start_seconds;
    if (b->starts[DT_SIDE_HEAD] == 1)
        b->survey_runs = 0;
    else if (b->survey_runs == 0)
        b->survey_runs = b->run_count;
    return DT_OK;
}

static enum dt_status prepare(void *context, enum dt_side side, const struct dt_prepare *wanted,
                              struct dt_prepared *prepared, bool *refused, struct dt_error *error)
{
    struct builds *b = context;
    const bool head = side == DT_SIDE_HEAD;
    const size_t cell = (size_t)wanted->subject.problem.nq - 1;
    *refused = b->refuses && head && cell == 1;
    if (*refused)
        return dt_error_set(error, DT_INVALID, "HEAD: no such variant");
    *prepared = (struct dt_prepared){.subject = wanted->subject};
    snprintf(prepared->subject.variant, sizeof prepared->subject.variant, "bias.made.up");
    snprintf(prepared->choice, sizeof prepared->choice, "%s",
             head && b->head_choice ? b->head_choice : "c");
    snprintf(prepared->code, sizeof prepared->code, "%s",
             head && b->head_code ? b->head_code : "b");
    snprintf(prepared->operands, sizeof prepared->operands, "%s",
             head && b->operands ? b->operands : "o");
    prepared->right = wanted->check && !(b->wrong && head && cell == 1);
    if (wanted->check && !prepared->right)
        snprintf(prepared->reason, sizeof prepared->reason, "made wrong");
    b->cell[side] = cell;
    b->now += 1e-3;
    return DT_OK;
}

static enum dt_status run(void *context, enum dt_side side, const struct dt_run *wanted,
                          double expected, struct dt_ran *ran, struct dt_error *error)
{
    struct builds *b = context;
    (void)expected;
    cr_assert_lt(b->run_count, RUNS_MAX);
    b->runs[b->run_count++] = (struct ran){side, b->cell[side], wanted->warm, wanted->calls};
    if (b->run_count == b->fail_at)
        return dt_error_set(error, DT_FAILED, "HEAD crashed");
    b->stop = b->stop_at > 0 && b->run_count >= b->stop_at;
    const bool other = b->slower_last > 0 && b->cell[side] == CELLS - 1;
    const double slower = other ? b->slower_last : b->slower;
    const double ns = call_ns[b->cell[side]] * (side == DT_SIDE_HEAD ? slower : 1) *
                      b->layout[side] * scatter(b, 0.005);
    b->now += ns * 1e-9 * (double)(wanted->warm + wanted->calls);
    *ran = (struct dt_ran){.ns = ns * (double)wanted->calls, .gates = b->gates};
    return DT_OK;
}

static double now(void *context) { return ((struct builds *)context)->now; }

/* What a comparison is made of, and what came out. */
struct trial {
    struct builds builds;
    struct dt_lockstep_options options;
    struct dt_cell cells[CELLS];
    size_t count;
    struct dt_lockstep_outcome outcome;
    enum dt_status status;
    struct dt_error error;
};

static struct trial *make_trial(void)
{
    struct trial *t = calloc(1, sizeof *t);
    cr_assert(t);
    t->builds = (struct builds){
        .slower = 1, .scatter = 0.01, .start_seconds = 0.02, .head_code = "h", .random = 7};
    t->options = (struct dt_lockstep_options){
        .budget = 60, .delta = 0.03, .seed = 1, .stop = &t->builds.stop};
    t->count = CELLS;
    return t;
}

static void compare(struct trial *t)
{
    const struct dt_lockstep_sides sides = {start, prepare, run, now, NULL, &t->builds};
    struct dt_problem problem = problem_of("n1 linear:4");
    t->builds.runs = calloc(RUNS_MAX, sizeof *t->builds.runs);
    cr_assert(t->builds.runs);
    for (size_t c = 0; c < t->count; c++) {
        problem.nq = (int32_t)c + 1;
        t->cells[c].subject =
            (struct dt_subject){.op = DT_OP_BIAS, .problem = problem, .threads = 1};
    }
    t->status = dt_lockstep_run(&sides, &t->options, t->cells, t->count, &t->outcome, &t->error);
}

static void clear(struct trial *t)
{
    for (size_t c = 0; c < t->count; c++) {
        free(t->cells[c].ratios);
        free(t->cells[c].aa_ratios);
    }
    free(t->builds.runs);
    free(t);
}

static size_t judged(const struct trial *t, enum dt_judgement judgement)
{
    size_t count = 0;
    for (size_t c = 0; c < t->count; c++)
        count += t->cells[c].judgement == judgement;
    return count;
}

Test(lockstep, builds_that_do_not_differ_are_equivalent)
{
    struct trial *t = make_trial();
    compare(t);
    cr_assert_eq(t->status, DT_OK, "%s", t->error.text);
    cr_expect_eq(judged(t, DT_EQUIVALENT), CELLS);
    cr_expect_eq(t->outcome.wrong, 0);
    cr_expect_eq(t->outcome.enough, 0);
    cr_expect_lt(t->builds.now, 60, "took %g s", t->builds.now);
    for (size_t c = 0; c < CELLS; c++) {
        const struct dt_cell *cell = &t->cells[c];
        cr_expect(cell->pairs == t->outcome.pairs && cell->aa_pairs >= DT_JUDGE_AA_LEAST,
                  "cell %zu: %zu pairs, %zu of A/A", c, cell->pairs, cell->aa_pairs);
        cr_expect_float_eq(cell->base_ns, call_ns[c], 0.02 * call_ns[c]);
        cr_expect(cell->boot_lo <= cell->ratio && cell->ratio <= cell->boot_hi);
        cr_expect_str_eq(cell->subject.variant, "bias.made.up");
    }
    clear(t);
}

Test(lockstep, a_slower_build_is_found_and_confirmed)
{
    struct trial *t = make_trial();
    t->builds.slower = 1.1;
    compare(t);
    cr_assert_eq(t->status, DT_OK, "%s", t->error.text);
    cr_expect_eq(judged(t, DT_REGRESSED), CELLS);
    for (size_t c = 0; c < CELLS; c++)
        cr_expect(t->cells[c].claimed > 0 &&
                      t->cells[c].pairs == t->cells[c].claimed + DT_JUDGE_CONFIRMING,
                  "cell %zu: %zu pairs, %zu at the claim", c, t->cells[c].pairs,
                  t->cells[c].claimed);
    cr_expect_lt(t->builds.now, 60);
    clear(t);
}

Test(lockstep, time_that_decided_cells_leave_goes_to_the_others)
{
    struct trial *all = make_trial(), *last = make_trial();
    all->builds.slower = last->builds.slower_last = 1.03;
    all->builds.scatter = last->builds.scatter = 0.02;
    last->builds.slower = 1.2;
    compare(all);
    compare(last);
    cr_assert_eq(judged(all, DT_UNDECIDED), CELLS);
    cr_assert_eq(judged(last, DT_REGRESSED), CELLS - 1);
    cr_expect_gt(8 * last->cells[CELLS - 1].pairs, 9 * all->cells[CELLS - 1].pairs,
                 "%zu pairs, %zu where all are undecided", last->cells[CELLS - 1].pairs,
                 all->cells[CELLS - 1].pairs);
    cr_expect_gt(last->builds.now, 40, "%g s", last->builds.now);
    cr_expect_lt(last->builds.now, 60, "%g s", last->builds.now);
    clear(all);
    clear(last);
}

Test(lockstep, a_third_of_many_pairs_has_aa_pairs)
{
    struct trial *t = make_trial();
    t->builds.slower = 1.03;
    t->builds.scatter = 0.02;
    compare(t);
    cr_assert_gt(t->outcome.pairs, 60);
    cr_expect_leq(3 * t->builds.starts[DT_SIDE_TWIN], t->outcome.pairs + 15, "%zu of %zu",
                  t->builds.starts[DT_SIDE_TWIN], t->outcome.pairs);
    clear(t);
}

Test(lockstep, a_faster_build_is_found)
{
    struct trial *t = make_trial();
    t->builds.slower = 0.8;
    compare(t);
    cr_expect_eq(judged(t, DT_IMPROVED), CELLS);
    clear(t);
}

/* Whether the four samples from `first` on are a round of two sides. */
static bool is_round(const struct ran *first)
{
    const enum dt_side a = first[0].side, b = first[1].side;
    for (int n = 1; n < 4; n++)
        if (first[n].cell != first[0].cell || first[n].calls != first[0].calls ||
            first[n].warm != first[0].warm)
            return false;
    return a != b && first[2].side == b && first[3].side == a &&
           (a == DT_SIDE_BASE || b == DT_SIDE_BASE);
}

Test(lockstep, sides_take_turns_with_equal_calls)
{
    struct trial *t = make_trial();
    compare(t);
    const struct builds *b = &t->builds;
    size_t rounds = 0, begun[2] = {0}, broken = 0, counts = 0;
    uint64_t calls[CELLS] = {0};
    for (size_t r = b->survey_runs; r + 3 < b->run_count; r += 4) {
        const struct ran *first = &b->runs[r];
        broken += !is_round(first);
        begun[first->side != DT_SIDE_BASE]++;
        counts += calls[first->cell] != 0 && calls[first->cell] != first->calls;
        calls[first->cell] = first->calls;
        rounds++;
    }
    cr_assert_gt(rounds, 40);
    cr_expect_eq((b->run_count - b->survey_runs) % 4, 0);
    cr_expect_eq(broken, 0, "%zu of %zu rounds are not ABBA", broken, rounds);
    cr_expect_eq(counts, 0, "the number of calls is not the same in all samples");
    cr_expect(begun[0] > rounds / 3 && begun[1] > rounds / 3, "BASE begins %zu of %zu rounds",
              begun[0], rounds);
    for (size_t c = 0; c < CELLS; c++)
        cr_expect((double)calls[c] * call_ns[c] > 0.95 * DT_LOCKSTEP_SAMPLE_NS,
                  "cell %zu: %g calls of %g ns", c, (double)calls[c], call_ns[c]);
    clear(t);
}

Test(lockstep, every_pair_has_fresh_processes)
{
    struct trial *t = make_trial();
    compare(t);
    const size_t *starts = t->builds.starts, pairs = t->outcome.pairs;
    cr_expect_eq(starts[DT_SIDE_BASE], pairs + 1, "one is of the survey");
    cr_expect_eq(starts[DT_SIDE_HEAD], pairs + 1);
    cr_expect(starts[DT_SIDE_TWIN] >= DT_JUDGE_AA_LEAST && starts[DT_SIDE_TWIN] <= pairs,
              "%zu A/A processes in %zu pairs", starts[DT_SIDE_TWIN], pairs);
    clear(t);
}

Test(lockstep, the_same_code_is_measured_only_if_asked_for)
{
    struct trial *t = make_trial();
    t->builds.head_code = "b";
    compare(t);
    cr_expect_eq(judged(t, DT_SAME_CODE), CELLS);
    cr_expect_eq(t->builds.run_count, 0);
    clear(t);
    t = make_trial();
    t->builds.head_code = "b";
    t->options.same_code = true;
    compare(t);
    cr_expect_eq(judged(t, DT_EQUIVALENT), CELLS);
    clear(t);
    t = make_trial();
    t->builds.head_code = "b";
    t->builds.head_choice = "another";
    compare(t);
    cr_expect_eq(judged(t, DT_SAME_CODE), 0, "another choice in the same code");
    cr_expect_str_eq(t->cells[0].head_choice, "another");
    clear(t);
}

Test(lockstep, wrong_numbers_are_not_timed)
{
    struct trial *t = make_trial();
    t->builds.wrong = true;
    compare(t);
    cr_assert_eq(t->status, DT_OK, "%s", t->error.text);
    cr_expect(t->outcome.wrong == 1 && t->outcome.pairs == 0);
    cr_expect_str_eq(t->outcome.reason, "HEAD computes wrong numbers: made wrong");
    cr_expect_eq(t->cells[1].judgement, DT_VOID);
    cr_expect_str_eq(t->cells[1].reason, "HEAD: made wrong");
    cr_expect_eq(t->builds.starts[DT_SIDE_TWIN], 0);
    clear(t);
}

Test(lockstep, a_cell_that_one_build_lacks_is_void)
{
    struct trial *t = make_trial();
    t->builds.refuses = true;
    compare(t);
    cr_assert_eq(t->status, DT_OK, "%s", t->error.text);
    cr_expect_eq(t->cells[1].judgement, DT_VOID);
    cr_expect_str_eq(t->cells[1].reason, "HEAD: no such variant");
    cr_expect_eq(judged(t, DT_EQUIVALENT), CELLS - 1);
    clear(t);
}

Test(lockstep, other_operands_end_it)
{
    struct trial *t = make_trial();
    t->builds.operands = "x";
    compare(t);
    cr_expect_eq(t->status, DT_FAILED);
    cr_expect(strstr(t->error.text, "operands"), "%s", t->error.text);
    clear(t);
}

Test(lockstep, disturbed_samples_are_taken_again_and_counted)
{
    struct trial *t = make_trial();
    t->builds.gates = 1;
    compare(t);
    cr_expect_eq(judged(t, DT_VOID), CELLS);
    for (size_t c = 0; c < CELLS; c++) {
        const struct dt_cell *cell = &t->cells[c];
        cr_expect(cell->gated == cell->samples &&
                      cell->samples == 3 * 4 * t->outcome.rounds * (cell->pairs + cell->aa_pairs),
                  "cell %zu: %zu of %zu in %zu and %zu pairs", c, cell->gated, cell->samples,
                  cell->pairs, cell->aa_pairs);
    }
    clear(t);
}

Test(lockstep, a_short_budget_shortens_samples_and_is_kept)
{
    struct trial *t = make_trial();
    t->count = 3;
    t->options.budget = 1.5;
    compare(t);
    cr_assert_eq(t->status, DT_OK, "%s", t->error.text);
    cr_expect(t->outcome.sample_ns < DT_LOCKSTEP_SAMPLE_NS &&
                  t->outcome.sample_ns >= DT_LOCKSTEP_LEAST_SAMPLE_NS,
              "samples of %g ns", t->outcome.sample_ns);
    cr_expect_lt(t->builds.now, 1.7, "took %g s", t->builds.now);
    clear(t);

    t = make_trial();
    t->builds.slower = 2;
    t->options.budget = 1;
    compare(t);
    cr_expect_gt(t->outcome.enough, 1);
    cr_expect_lt(t->outcome.pairs, 6);
    cr_expect_eq(judged(t, DT_UNDECIDED), CELLS, "no verdict from %zu pairs", t->outcome.pairs);
    clear(t);
}

Test(lockstep, a_long_budget_repeats_samples_in_a_pair)
{
    struct trial *t = make_trial();
    t->count = 2;
    t->options.budget = 600;
    compare(t);
    cr_expect_gt(t->outcome.rounds, 1);
    cr_expect_leq(t->outcome.planned, DT_LOCKSTEP_PAIRS);
    clear(t);
}

Test(lockstep, a_failing_process_ends_it)
{
    struct trial *t = make_trial();
    t->builds.fail_at = 100;
    compare(t);
    cr_expect_eq(t->status, DT_FAILED);
    cr_expect_str_eq(t->error.text, "HEAD crashed");
    clear(t);
}

Test(lockstep, a_signal_ends_it_with_what_there_is)
{
    struct trial *t = make_trial();
    t->builds.slower = 1.5;
    t->builds.stop_at = 200;
    compare(t);
    cr_assert_eq(t->status, DT_OK, "%s", t->error.text);
    cr_expect(t->outcome.stopped);
    cr_expect_eq(judged(t, DT_REGRESSED), 0, "nothing is red that was not confirmed");
    clear(t);
}
