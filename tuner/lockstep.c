/* SPDX-License-Identifier: MIT */
#include "tuner/lockstep.h"

#include "kernels/error.h"
#include "reports/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    RETRIES = 2,
    ROUNDS_MAX = 5,
    TWIN_STEP = 3, /* every third pair has an A/A pair, if there are enough */
};

/* Of the planned time; the rest is for what takes longer than it did at first. */
#define PLANNED_SHARE 0.9

/* Calls that last this long bring caches into their steady state by themselves (tuner/sample.c). */
#define STEADY_NS 3e7

/* A call is timed in as many calls as last this share of a sample. */
#define CALIBRATION_SHARE 0.125

/* Seconds that something took, all times together. */
struct spending {
    double seconds;
    size_t times;
};

/* What is known of a cell beside what reports show. */
struct track {
    struct dt_prepare wanted;
    double call_ns[2]; /* BASE, HEAD */
    uint64_t calls;    /* of a sample */
    double *ns[2];     /* of a call, by pair */
    double *ratios;    /* log, of every round of every pair */
    struct spending pairs, twins;
};

struct lockstep {
    const struct dt_lockstep_sides *sides;
    const struct dt_lockstep_options *options;
    struct dt_lockstep_outcome *outcome;
    struct dt_cell *cells;
    struct track *tracks;
    size_t *order; /* of the cells of a pair */
    size_t count;
    size_t room; /* pairs of a cell at most */
    struct dt_judge_options judge;
    uint64_t random;
    double start;           /* of the clock, seconds */
    struct spending starts; /* of a process */
    size_t reserve;         /* pairs that are kept to confirm */
    size_t twin_step;
    bool exploring; /* looks are left */
};

const char *dt_side_name(enum dt_side side) { return side == DT_SIDE_HEAD ? "HEAD" : "BASE"; }

static double spent(const struct lockstep *l)
{
    return l->sides->clock(l->sides->context) - l->start;
}

static void show_progress(const struct lockstep *l)
{
    if (l->sides->progress)
        l->sides->progress(l->sides->context, spent(l));
}

static void spend(struct spending *spending, double seconds)
{
    spending->seconds += seconds;
    spending->times++;
}

static double mean_of(const struct spending *spending)
{
    return spending->times ? spending->seconds / (double)spending->times : 0;
}

static bool stopped(const struct lockstep *l) { return l->options->stop && *l->options->stop; }

/* ---- Survey ----------------------------------------------------------------------- */

static void set_void(struct dt_cell *cell, enum dt_side side, const char *reason)
{
    cell->judgement = DT_VOID;
    if (strncmp(reason, dt_side_name(side), strlen(dt_side_name(side))) == 0)
        snprintf(cell->reason, sizeof cell->reason, "%.120s", reason);
    else
        snprintf(cell->reason, sizeof cell->reason, "%s: %.110s", dt_side_name(side), reason);
}

static void note_wrong(struct lockstep *l, struct dt_cell *cell, enum dt_side side,
                       const struct dt_prepared *prepared)
{
    set_void(cell, side, prepared->reason);
    if (l->outcome->wrong++ == 0)
        snprintf(l->outcome->reason, sizeof l->outcome->reason, "%s computes wrong numbers: %s",
                 dt_side_name(side), prepared->reason);
}

/* What both builds run, and whether it is right. A cell that cannot be compared becomes DT_VOID. */
static enum dt_status survey_cell(struct lockstep *l, size_t c, struct dt_error *error)
{
    struct dt_cell *cell = &l->cells[c];
    struct dt_prepare wanted = l->tracks[c].wanted;
    struct dt_prepared prepared[2];
    wanted.check = true;
    for (int side = DT_SIDE_BASE; side <= DT_SIDE_HEAD && cell->judgement != DT_VOID; side++) {
        bool refused = false;
        enum dt_status status = l->sides->prepare(l->sides->context, (enum dt_side)side, &wanted,
                                                  &prepared[side], &refused, error);
        if (status && !refused)
            return status;
        if (status)
            set_void(cell, (enum dt_side)side, error->text);
        else if (!prepared[side].right)
            note_wrong(l, cell, (enum dt_side)side, &prepared[side]);
    }
    if (cell->judgement == DT_VOID)
        return DT_OK;
    if (strcmp(prepared[0].operands, prepared[1].operands) != 0)
        return dt_error_set(error, DT_FAILED, "the builds make different operands of one seed");
    cell->subject = prepared[0].subject;
    const bool same_choice = strcmp(prepared[0].choice, prepared[1].choice) == 0;
    if (!same_choice)
        snprintf(cell->head_choice, sizeof cell->head_choice, "%s", prepared[1].choice);
    else if (*prepared[0].code && strcmp(prepared[0].code, prepared[1].code) == 0 &&
             !l->options->same_code) {
        cell->judgement = DT_SAME_CODE;
        snprintf(cell->reason, sizeof cell->reason, "the same machine code, %s", prepared[0].code);
    }
    return DT_OK;
}

/* The time of one call, from few calls. */
static enum dt_status calibrate(struct lockstep *l, enum dt_side side, double *call_ns,
                                struct dt_error *error)
{
    struct dt_run run = {.warm = 1, .calls = 1};
    double expected = INFINITY;
    for (;;) {
        struct dt_ran ran;
        enum dt_status status = l->sides->run(l->sides->context, side, &run, expected, &ran, error);
        if (status)
            return status;
        *call_ns = ran.ns / (double)run.calls;
        if (ran.ns >= CALIBRATION_SHARE * DT_LOCKSTEP_SAMPLE_NS)
            return DT_OK;
        run.calls *= 8;
        expected = *call_ns * (double)run.calls;
    }
}

static enum dt_status survey(struct lockstep *l, struct dt_error *error)
{
    enum dt_status status = DT_OK;
    for (int side = DT_SIDE_BASE; side <= DT_SIDE_HEAD && !status; side++)
        status = l->sides->start(l->sides->context, (enum dt_side)side, error);
    for (size_t c = 0; c < l->count && !status && !stopped(l); c++) {
        status = survey_cell(l, c, error);
        for (int side = 0; side < 2 && !status && l->cells[c].judgement == DT_UNDECIDED; side++)
            status = calibrate(l, (enum dt_side)side, &l->tracks[c].call_ns[side], error);
        show_progress(l);
    }
    return status;
}

/* ---- Plan --------------------------------------------------------------------------- */

static bool is_active(const struct lockstep *l, size_t c)
{
    return dt_judge_wants_pairs(&l->cells[c]) && (l->exploring || l->cells[c].claimed);
}

static size_t count_active(const struct lockstep *l)
{
    size_t active = 0;
    for (size_t c = 0; c < l->count; c++)
        active += is_active(l, c);
    return active;
}

static uint64_t warm_calls(const struct track *track)
{
    return fmax(track->call_ns[0], track->call_ns[1]) < STEADY_NS ? 1 + track->calls / 4 : 0;
}

/* Seconds of a sample that lasts so long. */
static double seconds_of(struct track *track, double sample_ns)
{
    const double fast = fmin(track->call_ns[0], track->call_ns[1]);
    track->calls = (uint64_t)fmax(1, ceil(sample_ns / fast));
    return (double)(track->calls + warm_calls(track)) * (track->call_ns[0] + track->call_ns[1]) /
           2 * 1e-9;
}

/* Samples of all cells in one round of a pair, A/A pairs shared out. */
static double round_seconds(struct lockstep *l, double sample_ns)
{
    double seconds = 0;
    for (size_t c = 0; c < l->count; c++)
        if (is_active(l, c))
            seconds += 4 * (1 + 1.0 / TWIN_STEP) * seconds_of(&l->tracks[c], sample_ns);
    return seconds;
}

/* Pairs without which the last look claims nothing, with as many again that go astray. */
static size_t wanted_pairs(const struct lockstep *l)
{
    struct dt_judge_options last = l->judge;
    last.look = last.looks;
    return 2 * dt_judge_least_pairs(count_active(l), &last);
}

/* The length of samples and the rounds of a pair, before anything is timed. */
static void plan_samples(struct lockstep *l)
{
    const double left = PLANNED_SHARE * (l->options->budget - spent(l));
    const size_t wanted = wanted_pairs(l) + DT_JUDGE_CONFIRMING;
    const double round = round_seconds(l, DT_LOCKSTEP_SAMPLE_NS);
    const double all = (DT_LOCKSTEP_PAIRS + DT_JUDGE_CONFIRMING) * round;
    const double longest = DT_LOCKSTEP_SAMPLE_NS * left / ((double)wanted * round);
    l->outcome->rounds = (size_t)fmin(fmax(1, floor(left / all)), ROUNDS_MAX);
    l->outcome->sample_ns = fmin(fmax(longest, DT_LOCKSTEP_LEAST_SAMPLE_NS), DT_LOCKSTEP_SAMPLE_NS);
    round_seconds(l, l->outcome->sample_ns);
}

/* A pair of what is active, with its part of an A/A pair, by what those so far have taken. */
static double pair_seconds(const struct lockstep *l, size_t twin_step)
{
    const double twins = 1 / (double)twin_step;
    double seconds = (DT_SIDE_TWIN + twins) * mean_of(&l->starts);
    for (size_t c = 0; c < l->count; c++)
        if (is_active(l, c))
            seconds += mean_of(&l->tracks[c].pairs) + twins * mean_of(&l->tracks[c].twins);
    return seconds;
}

/* The number of pairs, and how many of them have A/A pairs: enough for the first look. Where a
 * claim is possible, time to confirm it is kept. */
static void plan_pairs(struct lockstep *l)
{
    const double left = l->options->budget - spent(l), done = (double)l->outcome->pairs;
    double seconds = pair_seconds(l, TWIN_STEP);
    const double most = done + PLANNED_SHARE * left / seconds;
    l->twin_step = (size_t)fmax(1, fmin(most / (3.0 * DT_JUDGE_AA_LEAST), TWIN_STEP));
    seconds = pair_seconds(l, l->twin_step);
    const double pairs = done + floor(PLANNED_SHARE * left / seconds);
    const double wanted = (double)wanted_pairs(l);
    const bool enough = pairs >= wanted + DT_JUDGE_CONFIRMING;
    l->outcome->planned =
        (size_t)fmin(fmax(done, enough ? pairs - DT_JUDGE_CONFIRMING : pairs), DT_LOCKSTEP_PAIRS);
    l->reserve = enough ? DT_JUDGE_CONFIRMING : 0;
    l->outcome->enough =
        enough ? 0 : spent(l) + (wanted - done + DT_JUDGE_CONFIRMING) * seconds / PLANNED_SHARE;
}

/* ---- Pairs ---------------------------------------------------------------------------- */

/* The logarithm of the time of one call. */
static enum dt_status take(struct lockstep *l, size_t c, enum dt_side side, double *log_ns,
                           struct dt_error *error)
{
    const struct track *track = &l->tracks[c];
    const struct dt_run run = {.warm = warm_calls(track), .calls = track->calls};
    const double expected = track->call_ns[side == DT_SIDE_HEAD] * (double)(run.warm + run.calls);
    for (int try = 0; try <= RETRIES; try++) {
        struct dt_ran ran;
        enum dt_status status = l->sides->run(l->sides->context, side, &run, expected, &ran, error);
        if (status)
            return status;
        *log_ns = log(ran.ns / (double)run.calls);
        l->cells[c].samples++;
        l->cells[c].gated += ran.gates != 0;
        if (!ran.gates)
            break;
    }
    return DT_OK;
}

/* Logarithms of the time of one call of each and of their ratio, medians over the rounds of a
 * pair. */
struct bout {
    double base, other, ratio;
};

static enum dt_status fight(struct lockstep *l, size_t c, enum dt_side other,
                            double ratio[ROUNDS_MAX], struct bout *bout, struct dt_error *error)
{
    double base[ROUNDS_MAX], against[ROUNDS_MAX];
    for (size_t r = 0; r < l->outcome->rounds; r++) {
        const bool swapped = dt_random_below(&l->random, 2);
        const enum dt_side sides[2] = {swapped ? other : DT_SIDE_BASE,
                                       swapped ? DT_SIDE_BASE : other};
        double logs[4];
        for (int n = 0; n < 4; n++) {
            enum dt_status status = take(l, c, sides[n == 1 || n == 2], &logs[n], error);
            if (status)
                return status;
        }
        const double outer = (logs[0] + logs[3]) / 2, inner = (logs[1] + logs[2]) / 2;
        base[r] = swapped ? inner : outer;
        against[r] = swapped ? outer : inner;
        ratio[r] = against[r] - base[r];
    }
    *bout =
        (struct bout){dt_median(base, l->outcome->rounds), dt_median(against, l->outcome->rounds),
                      dt_median(ratio, l->outcome->rounds)};
    return DT_OK;
}

static enum dt_status prepare_sides(struct lockstep *l, const struct track *track,
                                    enum dt_side from, enum dt_side until, struct dt_error *error)
{
    enum dt_status status = DT_OK;
    for (int side = from; side < (int)until && !status; side++) {
        struct dt_prepared prepared;
        bool refused;
        status = l->sides->prepare(l->sides->context, (enum dt_side)side, &track->wanted, &prepared,
                                   &refused, error);
    }
    return status;
}

/* All processes are prepared before any runs, so that the twin meets BASE as HEAD does. */
static enum dt_status pair_cell(struct lockstep *l, size_t c, bool twin, struct dt_error *error)
{
    struct dt_cell *cell = &l->cells[c];
    struct track *track = &l->tracks[c];
    const size_t first = cell->pairs * l->outcome->rounds;
    double aa_rounds[ROUNDS_MAX], at[5] = {spent(l)};
    struct bout bout, aa;
    enum dt_status status = prepare_sides(l, track, DT_SIDE_BASE, DT_SIDE_TWIN, error);
    at[1] = spent(l);
    if (!status && twin)
        status = prepare_sides(l, track, DT_SIDE_TWIN, DT_SIDE_COUNT, error);
    at[2] = spent(l);
    if (!status)
        status = fight(l, c, DT_SIDE_HEAD, &track->ratios[first], &bout, error);
    at[3] = spent(l);
    if (!status && twin)
        status = fight(l, c, DT_SIDE_TWIN, aa_rounds, &aa, error);
    at[4] = spent(l);
    if (status)
        return status;
    spend(&track->pairs, at[1] - at[0] + at[3] - at[2]);
    track->ns[0][cell->pairs] = exp(bout.base);
    track->ns[1][cell->pairs] = exp(bout.other);
    cell->ratios[cell->pairs++] = exp(bout.ratio);
    if (!twin)
        return DT_OK;
    spend(&track->twins, at[2] - at[1] + at[4] - at[3]);
    cell->aa_ratios[cell->aa_pairs++] = exp(aa.ratio);
    return DT_OK;
}

static enum dt_status run_pair(struct lockstep *l, struct dt_error *error)
{
    const bool twin = l->outcome->pairs % l->twin_step == 0;
    const int sides = twin ? DT_SIDE_COUNT : DT_SIDE_TWIN;
    enum dt_status status = DT_OK;
    size_t active = 0;
    for (size_t c = 0; c < l->count; c++)
        if (is_active(l, c))
            l->order[active++] = c;
    dt_shuffle(l->order, active, &l->random);
    for (int side = 0; side < sides && !status; side++) {
        const double begin = spent(l);
        status = l->sides->start(l->sides->context, (enum dt_side)side, error);
        spend(&l->starts, spent(l) - begin);
    }
    for (size_t n = 0; n < active && !status && !stopped(l); n++) {
        status = pair_cell(l, l->order[n], twin, error);
        show_progress(l);
    }
    l->outcome->pairs += !status;
    return status;
}

/* Whether there is no time for another pair and for confirming what may be claimed then. */
static bool is_late(const struct lockstep *l)
{
    const double seconds = (double)(1 + l->reserve) * pair_seconds(l, l->twin_step);
    return spent(l) + seconds > l->options->budget;
}

/* Judges what there is if a look is due. */
static enum dt_status look(struct lockstep *l, struct dt_error *error)
{
    if (l->judge.look < l->judge.looks && (is_late(l) || stopped(l)))
        l->judge.look = l->judge.looks;
    else if (l->outcome->pairs < dt_judge_look_pairs(l->outcome->planned, &l->judge) &&
             !is_late(l) && !stopped(l))
        return DT_OK;
    enum dt_status status = dt_judge_cells(l->cells, l->count, &l->judge, error);
    l->exploring = l->judge.look < l->judge.looks;
    l->judge.look += l->exploring;
    return status;
}

static enum dt_status run_pairs(struct lockstep *l, struct dt_error *error)
{
    enum dt_status status = DT_OK;
    plan_samples(l);
    while (!status && !stopped(l) && count_active(l) > 0 &&
           (l->outcome->pairs == 0 || spent(l) < l->options->budget)) {
        status = run_pair(l, error);
        if (!status && l->exploring)
            plan_pairs(l);
        for (size_t c = 0; c < l->count && !status; c++)
            dt_judge_confirm(&l->cells[c], &l->judge);
        if (!status && l->exploring)
            status = look(l, error);
    }
    return status;
}

/* ---- All of it -------------------------------------------------------------------------- */

static void clear(struct lockstep *l)
{
    for (size_t c = 0; c < l->count && l->tracks; c++) {
        free(l->tracks[c].ns[0]);
        free(l->tracks[c].ns[1]);
        free(l->tracks[c].ratios);
    }
    free(l->tracks);
    free(l->order);
}

static bool init_cell(struct lockstep *l, size_t c)
{
    struct dt_cell *cell = &l->cells[c];
    struct track *track = &l->tracks[c];
    track->wanted = (struct dt_prepare){.subject = cell->subject, .seed = l->options->seed};
    *cell = (struct dt_cell){.subject = cell->subject,
                             .base_ns = NAN,
                             .head_ns = NAN,
                             .ratio = NAN,
                             .lo = NAN,
                             .hi = NAN,
                             .boot_lo = NAN,
                             .boot_hi = NAN,
                             .band = NAN,
                             .delta = l->options->delta,
                             .p = NAN,
                             .base_instructions = NAN,
                             .head_instructions = NAN,
                             .judgement = DT_UNDECIDED};
    cell->ratios = calloc(l->room, sizeof *cell->ratios);
    cell->aa_ratios = calloc(l->room, sizeof *cell->aa_ratios);
    for (int side = 0; side < 2; side++)
        track->ns[side] = calloc(l->room, sizeof *track->ns[side]);
    track->ratios = calloc(ROUNDS_MAX * l->room, sizeof *track->ratios);
    snprintf(cell->reason, sizeof cell->reason, "not measured");
    return cell->ratios && cell->aa_ratios && track->ns[0] && track->ns[1] && track->ratios;
}

static enum dt_status init(struct lockstep *l, struct dt_error *error)
{
    bool complete = true;
    l->tracks = calloc(l->count + 1, sizeof *l->tracks);
    l->order = calloc(l->count + 1, sizeof *l->order);
    for (size_t c = 0; c < l->count; c++)
        l->cells[c].ratios = l->cells[c].aa_ratios = NULL;
    for (size_t c = 0; c < l->count && l->tracks && complete; c++)
        complete = init_cell(l, c);
    if (l->tracks && l->order && complete)
        return DT_OK;
    return dt_error_set(error, DT_NO_MEMORY, "no memory to compare %zu cells", l->count);
}

/* Figures beside the judgement. */
static void finish(struct lockstep *l)
{
    size_t counts[DT_LOCKSTEP_PAIRS + DT_JUDGE_CONFIRMING];
    for (size_t n = 0; n < l->room; n++)
        counts[n] = l->outcome->rounds;
    for (size_t c = 0; c < l->count; c++) {
        struct dt_cell *cell = &l->cells[c];
        struct dt_interval interval;
        if (cell->pairs == 0)
            continue;
        cell->base_ns = dt_median(l->tracks[c].ns[0], cell->pairs);
        cell->head_ns = dt_median(l->tracks[c].ns[1], cell->pairs);
        if (dt_bootstrap_pairs(l->tracks[c].ratios, counts, cell->pairs, l->options->seed,
                               &interval)) {
            cell->boot_lo = exp(interval.lo);
            cell->boot_hi = exp(interval.hi);
        }
    }
}

enum dt_status dt_lockstep_run(const struct dt_lockstep_sides *sides,
                               const struct dt_lockstep_options *options, struct dt_cell *cells,
                               size_t count, struct dt_lockstep_outcome *outcome,
                               struct dt_error *error)
{
    struct lockstep l = {
        .sides = sides,
        .options = options,
        .outcome = outcome,
        .cells = cells,
        .count = count,
        .room = DT_LOCKSTEP_PAIRS + DT_JUDGE_CONFIRMING,
        .judge = {.delta = options->delta,
                  .alpha = DT_JUDGE_ALPHA,
                  .look = 1,
                  .looks = DT_JUDGE_LOOKS},
        .random = options->seed,
        .start = sides->clock(sides->context),
        .twin_step = 1,
        .exploring = true,
    };
    *outcome = (struct dt_lockstep_outcome){0};
    enum dt_status status = init(&l, error);
    if (!status)
        status = survey(&l, error);
    if (!status && outcome->wrong == 0)
        status = run_pairs(&l, error);
    outcome->stopped = stopped(&l);
    if (outcome->stopped)
        status = DT_OK; /* whatever was waited for failed */
    if (!status && outcome->stopped && outcome->pairs > 0 && l.exploring) {
        l.judge.look = l.judge.looks;
        status = dt_judge_cells(cells, count, &l.judge, error);
    }
    if (!status)
        finish(&l);
    clear(&l);
    return status;
}
