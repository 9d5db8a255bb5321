/* SPDX-License-Identifier: MIT */
/* Policies on spaces that were never measured: no clock, so that each outcome is for sure. */
#include "tests/recording_fixture.h"

#include <unistd.h>

/* 3 * 3 * 3 * 2 * 2 * 5 * 2 = 1080 plans, and a model of cost that errs by some 20 %. */
static const struct made_space usual = {
    .values = {3, 3, 3, 2, 2, 5, 2}, .noise = 0.006, .prior_error = 0.2, .samples = 12, .seed = 1};

struct found {
    size_t plan;
    double regret; /* true */
    size_t samples, tried;
    bool cut;
};

static struct found search(const struct dt_recording *recording, const char *name, double seconds,
                           uint64_t seed)
{
    struct dt_replay replay;
    struct dt_arena arena;
    struct dt_search s;
    struct dt_error error = {0};
    size_t finalists[DT_FINALISTS_MAX], winner;
    struct found found = {.plan = recording->count};
    dt_replay_init(&replay, recording, seconds, seed, &arena);
    cr_assert_eq(
        dt_search_run(&s, dt_policy_find(name), &arena, recording->noise_floor, seed, &error),
        DT_OK, "%s", error.text);
    const size_t count = dt_search_finalists(&s, 6, finalists);
    cr_assert_gt(count, 0);
    cr_assert_eq(dt_search_final(&s, finalists, count, 30, &winner, &error), DT_OK);
    found.plan = s.entries[winner].plan;
    found.samples = s.samples;
    found.tried = s.board.count;
    found.cut = s.cut;
    found.regret = dt_recorded_score(&recording->plans[found.plan]) /
                       dt_recorded_score(&recording->plans[dt_recording_best(recording)]) -
                   1;
    dt_search_clear(&s);
    return found;
}

/* Whether a plan is in the tie band of the best by the truth. */
static bool in_band(const struct dt_recording *recording, const struct found *found)
{
    return found->regret <= dt_board_tie(recording->noise_floor) - 1;
}

Test(search, nine_of_ten_seeds_find_a_plan_of_the_tie_band_with_few_samples)
{
    size_t samples = 0, all = 0;
    for (uint64_t space = 1; space <= 6; space++) {
        struct made_space made = usual;
        made.seed = space;
        struct dt_recording recording = make_recording(&made);
        size_t good = 0;
        for (uint64_t seed = 1; seed <= 10; seed++) {
            const struct found found = search(&recording, "race", INFINITY, seed);
            good += in_band(&recording, &found);
            samples += found.samples;
            all += 3 * recording.count;
            cr_expect(found.regret <= 0.03 && !found.cut, "space %zu seed %zu: %.3f", (size_t)space,
                      (size_t)seed, found.regret);
        }
        cr_expect_geq(good, 9, "space %zu: %zu of 10 seeds", (size_t)space, good);
        dt_recording_clear(&recording);
    }
    cr_expect_leq((double)samples, 0.15 * (double)all, "%zu of %zu samples", samples, all);
}

Test(search, trying_every_plan_finds_the_best_and_takes_the_samples)
{
    struct dt_recording recording = make_recording(&usual);
    const struct found all = search(&recording, "exhaustive", INFINITY, 1);
    const struct found some = search(&recording, "random", INFINITY, 1);
    cr_expect(in_band(&recording, &all) && !all.cut && all.tried == recording.count, "%.3f",
              all.regret);
    cr_expect_geq(all.samples, 3 * recording.count);
    cr_expect_lt(some.tried, recording.count / 5);
    dt_recording_clear(&recording);
}

Test(search, the_same_seed_gives_the_same_and_another_may_not)
{
    struct dt_recording recording = make_recording(&usual);
    const struct dt_policy *policy;
    size_t differ = 0;
    for (size_t n = 0; (policy = dt_policy_at(n)); n++) {
        const struct found a = search(&recording, policy->name, INFINITY, 5);
        const struct found b = search(&recording, policy->name, INFINITY, 5);
        const struct found c = search(&recording, policy->name, INFINITY, 6);
        cr_expect(a.plan == b.plan && a.samples == b.samples && a.tried == b.tried, "%s",
                  policy->name);
        differ += a.samples != c.samples || a.plan != c.plan;
        cr_expect_eq(dt_policy_find(policy->name), policy);
    }
    cr_expect_gt(differ, 0);
    cr_expect_null(dt_policy_find("guess"));
    dt_recording_clear(&recording);
}

/* However little time there is, a plan is found; the less, the fewer are tried. */
Test(search, ends_when_the_time_is_over)
{
    static const double budgets[] = {0, 0.01, 0.05, 0.2, 1};
    struct dt_recording recording = make_recording(&usual);
    const struct dt_policy *policy;
    for (size_t n = 0; (policy = dt_policy_at(n)); n++) {
        size_t before = 0;
        for (size_t b = 0; b < sizeof budgets / sizeof *budgets; b++) {
            const struct found found = search(&recording, policy->name, budgets[b], 3);
            cr_expect(found.plan < recording.count && found.tried >= before, "%s in %.2f s: %zu",
                      policy->name, budgets[b], found.tried);
            cr_expect(found.cut || b > 2, "%s in %.2f s", policy->name, budgets[b]);
            before = found.tried;
        }
    }
    dt_recording_clear(&recording);
}

Test(search, what_fails_its_trial_is_never_chosen)
{
    struct dt_recording recording = make_recording(&usual);
    const size_t best = dt_recording_best(&recording);
    const struct dt_policy *policy;
    recording.plans[best].failed = true;
    recording.plans[0].failed = true;
    for (size_t n = 0; (policy = dt_policy_at(n)); n++) {
        const struct found found = search(&recording, policy->name, INFINITY, 1);
        cr_expect(found.plan != best && found.plan != 0, "%s", policy->name);
    }
    for (size_t n = 0; n < recording.count - 1; n++)
        recording.plans[n].failed = true;
    cr_expect_eq(search(&recording, "race", INFINITY, 1).plan, recording.count - 1,
                 "the only one that works");
    dt_recording_clear(&recording);
}

/* The last plan by the model of cost is the best by far. */
Test(search, a_known_plan_is_tried_whatever_it_promises)
{
    struct dt_recording recording = make_recording(&usual);
    const size_t last = recording.count - 1;
    for (size_t s = 0; s < recording.plans[last].samples; s++)
        recording.plans[last].ns[s] = 100;
    recording.known[recording.known_count++] = last;
    cr_expect_eq(search(&recording, "race", 0.1, 1).plan, last);
    dt_recording_clear(&recording);
}

/* Two plans take the same time in every sample: the one that comes first by the rule is found,
 * wherever the search came from. */
Test(search, of_equals_the_preferred_one_is_found)
{
    struct made_space made = usual;
    made.noise = 0.0005;
    struct dt_recording recording = make_recording(&made);
    const size_t best = dt_recording_best(&recording);
    size_t twin = recording.count;
    for (size_t n = 0; n < recording.count && twin == recording.count; n++)
        if (n != best &&
            dt_point_distance(&recording.points[n], &recording.points[best], DT_AXIS_SOFTMAX) == 0)
            twin = n;
    cr_assert_lt(twin, recording.count);
    for (size_t s = 0; s < made.samples; s++)
        recording.plans[twin].ns[s] = recording.plans[best].ns[s];
    for (int turn = 0; turn < 2; turn++) {
        recording.plans[best].preference = turn ? 0 : 1;
        recording.plans[twin].preference = turn ? 1 : 0;
        for (size_t n = 0; n < recording.count; n++)
            if (n != best && n != twin)
                recording.plans[n].preference = 2 + n;
        for (uint64_t seed = 1; seed <= 5; seed++)
            cr_expect_eq(search(&recording, "race", INFINITY, seed).plan, turn ? best : twin,
                         "turn %d seed %zu", turn, (size_t)seed);
    }
    recording.known[0] = twin; /* what would run anyway comes before any other */
    recording.known_count = 1;
    cr_expect_eq(search(&recording, "race", INFINITY, 1).plan, twin);
    dt_recording_clear(&recording);
}

/* A few samples in a heat may be disturbed: what runs anyway has to lose where it is decided. */
Test(search, what_would_run_anyway_is_a_finalist_unless_far_behind)
{
    for (int far = 0; far < 2; far++) {
        struct dt_recording recording = make_recording(&usual);
        const size_t last = recording.count - 1;
        const double best = dt_recorded_score(&recording.plans[dt_recording_best(&recording)]);
        struct dt_replay replay;
        struct dt_arena arena;
        struct dt_search s;
        size_t finalists[DT_FINALISTS_MAX];
        for (size_t n = 0; n < recording.plans[last].samples; n++)
            recording.plans[last].ns[n] = (far ? 4.5 : 3) * best * recording.plans[last].base[n];
        recording.known[0] = last;
        dt_replay_init(&replay, &recording, INFINITY, 1, &arena);
        cr_assert_eq(dt_search_run(&s, dt_policy_find("race"), &arena, 0.01, 1, NULL), DT_OK);
        const size_t entry = s.entry_of[last];
        const size_t count = dt_search_finalists(&s, 3, finalists);
        bool found = false;
        for (size_t n = 0; n < count; n++)
            found |= finalists[n] == entry;
        cr_expect(s.entries[entry].out && found == !far, "case %d", far);
        cr_expect(far || finalists[0] == entry);
        dt_search_clear(&s);
        dt_recording_clear(&recording);
    }
}

/* What bench does: a plan of each variant that is among the best of its own. */
Test(search, finds_the_best_of_each_variant)
{
    struct dt_recording recording = make_recording(&usual);
    struct dt_replay replay;
    struct dt_arena arena;
    struct dt_search s;
    size_t entries[DT_FINALISTS_MAX];
    dt_replay_init(&replay, &recording, INFINITY, 1, &arena);
    cr_assert_eq(dt_search_run(&s, &dt_policy_variants, &arena, 0.01, 1, NULL), DT_OK);
    const size_t count = dt_search_of_variants(&s, DT_FINALISTS_MAX, entries);
    cr_assert_eq(count, usual.values[DT_AXIS_FORM]);
    for (size_t n = 0; n < count; n++) {
        const size_t plan = s.entries[entries[n]].plan;
        double least = INFINITY;
        for (size_t p = 0; p < recording.count; p++)
            if (recording.points[p].at[DT_AXIS_FORM] == recording.points[plan].at[DT_AXIS_FORM])
                least = fmin(least, dt_recorded_score(&recording.plans[p]));
        cr_expect_leq(dt_recorded_score(&recording.plans[plan]), 1.1 * least, "variant %zu", n);
    }
    dt_search_clear(&s);
    dt_recording_clear(&recording);
}

/* Two plans that differ by 5 %, ten times each. */
Test(search, regret_bounds_what_another_may_gain)
{
    struct made_space made = usual;
    made.noise = 0.001;
    struct dt_recording recording = make_recording(&made);
    struct dt_replay replay;
    struct dt_arena arena;
    struct dt_search s;
    for (size_t n = 0; n < made.samples; n++) {
        recording.plans[1].ns[n] = recording.plans[1].base[n];
        recording.plans[2].ns[n] = 1.05 * recording.plans[2].base[n];
    }
    dt_replay_init(&replay, &recording, INFINITY, 1, &arena);
    cr_assert_eq(dt_search_run(&s, dt_policy_find("race"), &arena, 0.01, 1, NULL), DT_OK);
    for (size_t e = 0; e < s.board.count; e++)
        s.entries[e].out = true;
    const size_t entries[] = {s.entry_of[1], s.entry_of[2]};
    cr_assert(entries[0] < s.board.count && entries[1] < s.board.count);
    cr_expect_eq(dt_search_regret(&s, entries[1]), 0, "what was dropped does not count");
    s.entries[entries[0]].out = s.entries[entries[1]].out = false;
    cr_assert_eq(dt_search_survey(&s, entries, 2, 10, NULL), DT_OK);
    cr_expect_float_eq(dt_search_regret(&s, entries[1]), 0.05, 0.005);
    cr_expect_eq(dt_search_regret(&s, entries[0]), 0, "nothing is faster than the best");
    dt_search_clear(&s);
    dt_recording_clear(&recording);
}

/* ---- Recordings ------------------------------------------------------------------ */

static char *text_of(const struct dt_recording *recording)
{
    char *text;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    cr_assert_eq(dt_recording_write(stream, recording, NULL), DT_OK);
    fclose(stream);
    return text;
}

static enum dt_status read_text(const char *text, struct dt_recordings *recordings,
                                struct dt_error *error)
{
    char path[] = "/tmp/disentune-recording-XXXXXX";
    FILE *stream = fdopen(mkstemp(path), "w");
    fputs(text, stream);
    fclose(stream);
    enum dt_status status = dt_recordings_read(path, recordings, error);
    unlink(path);
    return status;
}

static const struct made_space small = {
    .values = {2, 2, 1, 1, 1, 1, 1}, .noise = 0.01, .prior_error = 0.1, .samples = 3, .seed = 1};

Test(recording, is_read_as_it_was_written)
{
    struct dt_recording one = make_recording(&small);
    struct dt_recordings read;
    struct dt_error error = {0};
    one.plans[2].failed = true;
    one.plans[2].samples = 0;
    one.known[one.known_count++] = 3;
    char *text = text_of(&one), *twice = malloc(2 * strlen(text) + 1);
    sprintf(twice, "%s%s", text, text);
    cr_assert_eq(read_text(twice, &read, &error), DT_OK, "%s", error.text);
    cr_assert_eq(read.count, 2);
    char *again = text_of(&read.items[1]);
    cr_expect_str_eq(again, text);
    cr_expect(read.items[0].known_count == 2 && read.items[0].known[1] == 3);
    cr_expect_eq(search(&read.items[0], "race", INFINITY, 4).plan,
                 search(&one, "race", INFINITY, 4).plan);
    free(again);
    free(twice);
    free(text);
    dt_recordings_clear(&read);
    dt_recording_clear(&one);
}

static char *replaced(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    char *result;
    cr_assert(at, "%s", from);
    cr_assert_geq(asprintf(&result, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)), 0);
    return result;
}

Test(recording, a_bad_line_is_named)
{
    static const struct {
        const char *from, *to, *reason;
    } cases[] = {
        {"disentune-space-1", "disentune-space-2", ":1: \"schema\" must be"},
        {"\"op\":\"attention\"", "\"op\":\"pool\"", ":1: \"op\" must be"},
        {"\"problem\":\"b1 h1", "\"problem\":\"b1 x1", ":1: "},
        {"\"plans\":4", "\"plans\":0", ":1: \"plans\" must be from 1 to"},
        {"\"plans\":4", "\"plans\":4097", ":1: \"plans\" must be from 1 to"},
        {"\"plans\":4", "\"plans\":5", "ends before the last 1 plans"},
        {"\"plans\":4", "\"plans\":3", ":5: "},
        {"\"known\":[0]", "\"known\":[4]", ":1: \"known\" names a plan"},
        {"\"known\":[0]", "\"known\":[0,0,0,0,0,0,0,0,0]", ":1: "},
        {"\"at\":[", "\"at\":[96,", ":2: "},
        {"\"at\":[", "\"at\":[-1,", ":2: "},
        {"\"samples\":3", "\"samples\":2", ":2: "},
        {"\"samples\":3", "\"samples\":1000000", ":2: "},
        {"\"ns\":[", "\"ns\":[0,", ":2: "},
        {"\"base\":[", "\"base\":[null,", ":2: "},
        {"\"threads\":1", "\"threads\":0", ":1: "},
        {"{", "[", ":1: "},
    };
    struct dt_recording one = make_recording(&small);
    struct dt_recordings read;
    char *text = text_of(&one);
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        struct dt_error error = {0};
        char *bad = replaced(text, cases[n].from, cases[n].to);
        cr_expect(read_text(bad, &read, &error) == DT_INVALID &&
                      strstr(error.text, cases[n].reason),
                  "case %zu: %s", n, error.text);
        cr_expect_eq(read.count, 0);
        free(bad);
    }
    cr_expect_eq(read_text("", &read, NULL), DT_INVALID, "holds no space");
    free(text);
    dt_recording_clear(&one);
}

/* Of few samples the median may be lucky. */
Test(recording, the_best_is_one_that_was_measured_well)
{
    struct dt_recording one = make_recording(&small);
    for (size_t n = 0; n < one.count; n++)
        for (size_t s = 0; s < one.plans[n].samples; s++)
            one.plans[n].ns[s] = 1000 + 100 * (double)n;
    cr_expect_eq(dt_recording_best(&one), 0);
    one.plans[3].samples = 1;
    one.plans[3].ns[0] = 1;
    cr_expect_eq(dt_recording_best(&one), 0);
    one.plans[3].samples = 2;
    one.plans[3].ns[1] = 1;
    cr_expect_eq(dt_recording_best(&one), 3);
    dt_recording_clear(&one);
}
