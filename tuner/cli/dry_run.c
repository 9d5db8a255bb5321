/* SPDX-License-Identifier: MIT */
#include "tuner/cli/dry_run.h"

#include "tuner/cli/output.h"
#include "tuner/favourites.h"

#include <fnmatch.h>
#include <jansson.h>
#include <string.h>

/* Where plans go to: lines of text, or of JSON, or both. */
struct dry_run {
    const struct cli_options *options;
    struct dt_machine part; /* one kind of core */
    struct dt_prior prior;
    bool text;
    struct cli_output json; /* open if options->json */
    bool written;           /* every line of JSON so far */
    size_t planned;
};

static bool selects(const struct dt_variant *variant, void *context)
{
    const struct cli_options *options = context;
    return !options->variant || fnmatch(options->variant, variant->name, 0) == 0;
}

/* ---- The processor ----------------------------------------------------------- */

static bool in_this_build(uint32_t level)
{
    const struct dt_variant *variant;
    for (size_t n = 0; (variant = dt_variant_at(n)); n++)
        if (variant->level == level && variant->op != DT_OP_PROBE)
            return true;
    return false;
}

static void print_processor(const struct dt_machine *m, bool known)
{
    printf("source        %s\n", m->source);
    if (*m->cpu.name)
        printf("processor     %s\n", m->cpu.name);
    printf("instructions  ");
    size_t count = 0;
    for (uint32_t bit = 1; bit && bit <= m->cpu.levels; bit <<= 1)
        if (m->cpu.levels & bit)
            printf("%s%s%s", count++ ? ", " : "", dt_cpu_level_name(bit),
                   in_this_build(bit) ? "" : " (of which this build has no variants)");
    if (count == 0)
        printf("scalar");
    if (!known)
        printf(" (%s%s)", count ? "assumed, as of this CPU" : "no others are known of ",
               count ? "" : m->architecture);
    printf("\n");
}

static void print_kind(const struct dt_machine *m)
{
    const struct dt_core_kind *kind = &m->kinds[0];
    char share[DT_SIZE_TEXT_MAX];
    printf("\n%s%s%d worker%s, each with", kind->name, *kind->name ? ": " : "", m->worker_count,
           m->worker_count == 1 ? "" : "s");
    for (int level = 0; level < DT_LEVEL_COUNT; level++) {
        const struct dt_cache *cache = &kind->cache[level];
        if (cache->size > 0)
            printf("%s %s of %s (%s)", level ? "," : "", dt_size_print(cache->share, share),
                   dt_level_name(level), dt_trust_name(cache->trust));
    }
    printf("\n");
}

/* ---- One problem ------------------------------------------------------------- */

static void print_favourites(const struct dt_outlook *o, const struct dt_problem *problem,
                             const struct dt_favourites *f)
{
    char text[DT_PROBLEM_TEXT_MAX], choice[DT_CHOICE_TEXT_MAX];
    printf("\n%s of \"%s\"", dt_op_name(o->op), dt_problem_print(problem, text));
    if (o->op == DT_OP_ATTENTION)
        printf(", %d thread%s", o->threads, o->threads == 1 ? "" : "s");
    printf(": %zu plans\n", f->space);
    for (size_t n = 0; n < f->count; n++) {
        const struct dt_favourite *best = &f->best[n];
        const enum dt_resource bound = dt_cost_bound(&best->cost);
        double all = 0;
        for (int r = 0; r < DT_RESOURCE_COUNT; r++)
            all += best->cost.part_ns[r];
        printf("  %10.2f us  %-9s %3.0f %%  %s\n", best->cost.ns * 1e-3, dt_resource_name(bound),
               100 * best->cost.part_ns[bound] / all, dt_choice_print(&best->choice, choice));
    }
}

static json_t *favourite_json(const struct dt_favourite *favourite)
{
    char choice[DT_CHOICE_TEXT_MAX];
    json_t *parts = json_object();
    for (int r = 0; r < DT_RESOURCE_COUNT; r++)
        json_object_set_new(parts, dt_resource_name((enum dt_resource)r),
                            json_real(favourite->cost.part_ns[r]));
    return json_pack("{s:s, s:f, s:s, s:o}", "plan", dt_choice_print(&favourite->choice, choice),
                     "ns", favourite->cost.ns, "bound",
                     dt_resource_name(dt_cost_bound(&favourite->cost)), "parts", parts);
}

/* NULL if memory ran out. */
static json_t *favourites_json(const struct dt_outlook *o, const struct dt_problem *problem,
                               const struct dt_favourites *f)
{
    const struct dt_core_kind *kind = &o->machine->kinds[0];
    char text[DT_PROBLEM_TEXT_MAX];
    json_t *shares = json_object(), *best = json_array();
    for (int level = 0; level < DT_LEVEL_COUNT; level++)
        json_object_set_new(shares, dt_level_name(level),
                            json_integer((json_int_t)kind->cache[level].share));
    for (size_t n = 0; n < f->count; n++)
        json_array_append_new(best, favourite_json(&f->best[n]));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:o, s:I, s:o}", "source", o->machine->source,
                     "machine", kind->key[DT_KEY_TIERS - 1], "kind", kind->name, "op",
                     dt_op_name(o->op), "problem", dt_problem_print(problem, text), "threads",
                     o->threads, "shares", shares, "plans", (json_int_t)f->space, "favourites",
                     best);
}

static enum dt_status plan(struct dry_run *run, enum dt_op op, int32_t threads,
                           const struct dt_problem *problem, struct dt_error *error)
{
    const struct dt_outlook outlook = {.machine = &run->part,
                                       .prior = &run->prior,
                                       .op = op,
                                       .threads = threads,
                                       .selects = selects,
                                       .context = (void *)run->options};
    struct dt_favourites favourites;
    enum dt_status status = dt_favourites_find(&outlook, problem, &favourites, error);
    if (status || favourites.space == 0)
        return status;
    run->planned++;
    if (run->text)
        print_favourites(&outlook, problem, &favourites);
    if (run->json.stream) {
        json_t *json = favourites_json(&outlook, problem, &favourites);
        run->written = run->written && json &&
                       json_dumpf(json, run->json.stream, JSON_COMPACT) == 0 &&
                       fputc('\n', run->json.stream) != EOF;
        json_decref(json);
    }
    return DT_OK;
}

/* Whether an earlier problem is the same to the operation. */
static bool is_repeated(const struct cli_options *o, enum dt_op op, size_t index)
{
    const struct dt_problem class = dt_problem_class(op, &o->problems[index]);
    for (size_t p = 0; p < index; p++) {
        const struct dt_problem other = dt_problem_class(op, &o->problems[p]);
        if (memcmp(&class, &other, sizeof class) == 0)
            return true;
    }
    return false;
}

/* As tune does: what a program plans, unless --op says otherwise. */
static bool is_wanted(const struct cli_options *o, enum dt_op op, size_t index)
{
    const enum dt_op demanded = cli_demand_of(o, index).op;
    if (o->op != DT_OP_COUNT ? o->op != op : op != DT_OP_BIAS && op != DT_OP_ATTENTION)
        return false;
    if (demanded != DT_OP_COUNT && demanded != op)
        return false;
    return (op != DT_OP_BIAS || o->problems[index].terms) && !is_repeated(o, op, index);
}

static enum dt_status plan_all(struct dry_run *run, struct dt_error *error)
{
    static const enum dt_op ops[] = {DT_OP_BIAS, DT_OP_SOFTMAX, DT_OP_GEMM, DT_OP_ATTENTION};
    const struct cli_options *o = run->options;
    enum dt_status status = DT_OK;
    dt_prior_init(&run->prior, &run->part, NULL);
    if (run->text)
        print_kind(&run->part);
    for (size_t p = 0; p < o->problem_count; p++)
        for (size_t n = 0; n < sizeof ops / sizeof *ops; n++) {
            const struct dt_problem class = dt_problem_class(ops[n], &o->problems[p]);
            const size_t teams = ops[n] == DT_OP_ATTENTION ? o->thread_count : 1;
            for (size_t t = 0; t < teams && is_wanted(o, ops[n], p) && !status; t++) {
                const int threads = ops[n] == DT_OP_ATTENTION ? o->threads[t] : 1;
                if (threads == 1 || threads <= run->part.worker_count)
                    status = plan(run, ops[n], threads, &class, error);
            }
        }
    return status;
}

/* ---- The verb ---------------------------------------------------------------- */

int cli_dry_run(const struct cli_options *options, const char *topology)
{
    struct dry_run run = {.options = options,
                          .text = !options->quiet &&
                                  !(options->json && strcmp(options->json, "-") == 0),
                          .written = true};
    struct dt_machine machine;
    struct dt_error error;
    if (topology ? dt_machine_describe(topology, &machine, &error)
                 : dt_machine_host(&machine, &error))
        return cli_fail(&error);
    int code = CLI_OK;
    if (options->json && cli_output_open(&run.json, options->json, &error))
        code = cli_fail(&error);
    const bool known = dt_favourites_assume(&machine);
    if (!code && run.text)
        print_processor(&machine, known);
    int32_t only = -1;
    if (!code && options->kind && dt_machine_find_kind(&machine, options->kind, &only, &error))
        code = cli_fail(&error);
    for (int32_t k = 0; k < machine.kind_count && !code; k++) {
        if (only >= 0 && k != only)
            continue;
        if (dt_machine_of_kind(&machine, k, &run.part, &error) || plan_all(&run, &error))
            code = cli_fail(&error);
        dt_machine_clear(&run.part);
    }
    if (!code && run.planned == 0)
        code = cli_fail_text("nothing to plan: no variant passes --op, --variant, --threads and "
                             "these problems; see `disentune list`");
    if (run.json.stream && code)
        cli_output_close(&run.json, false, NULL);
    else if (run.json.stream)
        code = cli_output_finish(&run.json, run.written);
    dt_machine_clear(&machine);
    return code;
}
