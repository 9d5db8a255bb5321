/* SPDX-License-Identifier: MIT */
#include "tests/child_fixture.h"
#include "tuner/cli/noise_table.h"
#include "tuner/copies.h"
#include "tuner/noise.h"
#include "tuner/session.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A machine of which each reading of a counter adds `step` to it. */
struct made_up {
    struct dt_counters counters;
    struct dt_thread_counters thread, thread_step;
    struct dt_system_counters system, system_step;
    double canaries[8]; /* in turn */
    size_t canary;
    double wide[8]; /* too */
    size_t wides;
};

static void read_thread(void *context, struct dt_thread_counters *counters)
{
    struct made_up *m = context;
    *counters = m->thread;
    m->thread.preemptions += m->thread_step.preemptions;
    m->thread.faults += m->thread_step.faults;
    m->thread.processor += m->thread_step.processor;
}

static void read_system(void *context, struct dt_system_counters *counters)
{
    struct made_up *m = context;
    *counters = m->system;
    m->system.stolen += m->system_step.stolen;
    m->system.throttled += m->system_step.throttled;
}

static double read_canary(void *context)
{
    struct made_up *m = context;
    return m->canaries[m->canary++ % 8];
}

static double read_wide(void *context)
{
    struct made_up *m = context;
    return m->wide[m->wides++ % 8];
}

static void make_up(struct made_up *m)
{
    *m = (struct made_up){.counters = {read_thread, read_system, read_canary, read_wide, m},
                          .system = {.stolen_known = true, .throttled_known = true},
                          .canaries = {100, 100, 100, 100, 100, 100, 100, 100},
                          .wide = {50, 50, 50, 50, 50, 50, 50, 50}};
}

static void nothing(void *context, uint64_t calls)
{
    (void)context;
    (void)calls;
}

/* One block of one sample. */
static struct dt_sampler sample_on(struct made_up *m)
{
    struct dt_sampler sampler = {.counters = &m->counters};
    struct dt_repeat repeat = {.calls = 1, .ns = 5e7};
    for (int n = 0; n < DT_CANARY_HISTORY; n++)
        sampler.canary[sampler.canaries++] = 100;
    dt_sampler_begin_block(&sampler);
    dt_sample(&sampler, nothing, NULL, &repeat, NULL);
    dt_sampler_end_block(&sampler);
    return sampler;
}

Test(noise, each_gate_fires_alone_and_is_counted_by_its_name)
{
    static const char *const names[] = {"preemption", "page-fault", "migration",
                                        "steal",      "throttling", "slow-canary"};
    for (int g = 0; g < DT_GATE_COUNT; g++) {
        struct made_up m;
        char text[CLI_NOISE_TEXT_MAX], expected[64];
        make_up(&m);
        m.thread_step.preemptions = g == DT_GATE_PREEMPTION;
        m.thread_step.faults = g == DT_GATE_FAULT;
        m.thread_step.processor = g == DT_GATE_MIGRATION;
        m.system_step.stolen = g == DT_GATE_STEAL;
        m.system_step.throttled = g == DT_GATE_THROTTLING;
        m.canaries[0] = g == DT_GATE_CANARY ? 116 : 114;
        const struct dt_sampler s = sample_on(&m);
        const bool of_sample = g < DT_GATE_STEAL;
        const uint64_t tries = of_sample ? 1 + DT_SAMPLE_RETRIES : 1;
        snprintf(expected, sizeof expected, "%s %d", names[g], (int)tries);
        cr_expect_str_eq(dt_gate_name((enum dt_gate)g), names[g]);
        cr_expect_str_eq(cli_gates_text(&s, text), expected);
        cr_expect_eq(s.rejected, of_sample ? tries : 0, "%s", names[g]);
        cr_expect_eq(s.accepted, of_sample ? 0 : 1, "%s", names[g]);
        cr_expect_eq(s.disturbed, of_sample ? 0 : 1, "%s", names[g]);
        cr_expect_eq(dt_noise_worst_gate(&s), (enum dt_gate)g);
        cr_expect(dt_sampler_noisy(&s), "%s", names[g]);
    }
}

Test(noise, a_quiet_machine_passes_all_gates)
{
    struct made_up m;
    char text[CLI_NOISE_TEXT_MAX];
    make_up(&m);
    const struct dt_sampler s = sample_on(&m);
    cr_expect_str_eq(cli_gates_text(&s, text), "none");
    cr_expect_eq(dt_noise_worst_gate(&s), DT_GATE_COUNT);
    cr_expect(s.accepted == 1 && s.rejected == 0 && s.blocks == 1 && s.disturbed == 0);
}

Test(noise, the_first_canary_is_compared_with_none)
{
    struct made_up m;
    make_up(&m);
    struct dt_sampler s = {.counters = &m.counters};
    dt_sampler_begin_block(&s);
    cr_expect(dt_sampler_end_block(&s));
}

/* Whether the last of some blocks was told as shared; of each the wide canary before it, the
 * canary, the wide canary after it. */
static bool told_shared(struct dt_sampler *s, struct made_up *m, size_t blocks,
                        const double (*readings)[3])
{
    for (size_t b = 0; b < blocks; b++) {
        m->wide[m->wides % 8] = readings[b][0];
        m->canaries[m->canary % 8] = readings[b][1];
        m->wide[(m->wides + 1) % 8] = readings[b][2];
        dt_sampler_begin_block(s);
        dt_sampler_end_block(s);
    }
    return s->shared;
}

Test(noise, a_shared_core_is_told_by_work_that_fills_it)
{
    struct made_up m;
    make_up(&m);
    struct dt_sampler s = sample_on(&m);
    cr_expect_not(told_shared(&s, &m, 2, (const double[][3]){{50, 100, 50}, {50, 100, 52}}));
    cr_expect(told_shared(&s, &m, 1, (const double[][3]){{50, 100, 54}}), "it came");
    cr_expect(told_shared(&s, &m, 1, (const double[][3]){{75, 100, 50}}), "it went");
    cr_expect_not(told_shared(&s, &m, 1, (const double[][3]){{50, 100, 50}}));
    cr_expect_eq(s.disturbed, 0, "it is no gate");
    cr_expect_eq(s.shared_blocks, 2);
}

Test(noise, neither_the_clocks_frequency_nor_a_wrong_reading_makes_a_core_shared)
{
    struct made_up m;
    make_up(&m);
    struct dt_sampler s = sample_on(&m);
    told_shared(&s, &m, 2, (const double[][3]){{50, 100, 50}, {50, 100, 50}});
    cr_expect_not(told_shared(&s, &m, 1, (const double[][3]){{40, 80, 40}}), "faster");
    cr_expect_not(told_shared(&s, &m, 1, (const double[][3]){{50, 100, 50}}), "and back");
    told_shared(&s, &m, 1, (const double[][3]){{50, 400, 50}});
    cr_expect_not(told_shared(&s, &m, 1, (const double[][3]){{50, 100, 50}}), "a slow canary");
    told_shared(&s, &m, 1, (const double[][3]){{30, 100, 30}});
    cr_expect_not(told_shared(&s, &m, 1, (const double[][3]){{50, 100, 50}}),
                  "two readings that are too short");
}

Test(noise, a_noisy_session_has_twice_the_floor_and_stays_noisy)
{
    struct dt_session session = {.noise_floor = 0.01};
    struct dt_sampler sampler = {.accepted = 100};
    dt_session_judge(&session, &sampler);
    cr_expect(!session.noisy && session.noise_floor == 0.01);
    sampler.rejected = 50;
    dt_session_judge(&session, &sampler);
    dt_session_judge(&session, &sampler);
    cr_expect(session.noisy && session.noise_floor == 0.02, "%g", session.noise_floor);
    sampler.accepted = 10000;
    dt_session_judge(&session, &sampler);
    cr_expect(session.noisy, "its first records stay what they are");
}

/* ---- Made-up files --------------------------------------------------------- */

static void put(const char *root, const char *path, const char *text)
{
    char name[512];
    snprintf(name, sizeof name, "%s/%s", root, path);
    for (char *slash = name + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(name, 0700);
        *slash = '/';
    }
    FILE *file = fopen(name, "w");
    cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0, "%s", name);
}

static void make_root(char root[64])
{
    snprintf(root, 64, "/tmp/disentune-noise-XXXXXX");
    cr_assert(mkdtemp(root));
}

static void remove_root(const char *root)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", root);
    cr_assert_eq(system(command), 0);
}

Test(noise, stolen_time_is_the_eighth_number_of_the_first_line)
{
    char root[64];
    struct dt_system_counters c;
    make_root(root);
    put(root, "proc/stat", "cpu  1 2 3 4 5 6 7 88 9 10\ncpu0 0 0 0 0 0 0 0 77 0 0\n");
    dt_counters_system(root, &c);
    cr_expect(c.stolen_known && c.stolen == 88 && !c.throttled_known);
    put(root, "proc/stat", "cpu  1 2 3 4\n");
    dt_counters_system(root, &c);
    cr_expect(!c.stolen_known && c.stolen == 0, "an old kernel");
    remove_root(root);
}

Test(noise, throttled_periods_of_a_group_and_those_above_it)
{
    char root[64];
    struct dt_system_counters c;
    make_root(root);
    put(root, "proc/self/cgroup", "0::/user/job\n");
    put(root, "sys/fs/cgroup/cpu.stat", "usage_usec 5\n");
    put(root, "sys/fs/cgroup/user/cpu.stat", "nr_periods 9\nnr_throttled 40\n");
    put(root, "sys/fs/cgroup/user/job/cpu.stat", "nr_throttled 2\n");
    put(root, "sys/fs/cgroup/user/other/cpu.stat", "nr_throttled 1000\n");
    dt_counters_system(root, &c);
    cr_expect(c.throttled_known && c.throttled == 42, "%d", (int)c.throttled);
    remove_root(root);
}

Test(noise, throttled_periods_of_version_1)
{
    char root[64];
    struct dt_system_counters c;
    make_root(root);
    put(root, "proc/self/cgroup", "9:cpuset:/a\n5:name=gcpu:/a\n4:cpuacct,cpu:/docker/1\n0::/\n");
    put(root, "sys/fs/cgroup/cpu/cpu.stat", "nr_throttled 7\n");
    put(root, "sys/fs/cgroup/cpu/a/cpu.stat", "nr_throttled 1000\n");
    dt_counters_system(root, &c);
    cr_expect(c.throttled_known && c.throttled == 7, "as a container sees it: %d",
              (int)c.throttled);
    remove_root(root);
}

Test(noise, nothing_is_known_without_files)
{
    struct dt_system_counters c;
    dt_counters_system("/nowhere", &c);
    cr_expect(!c.stolen_known && !c.throttled_known && c.stolen == 0 && c.throttled == 0);
}

/* ---- Copies ---------------------------------------------------------------- */

Test(noise, a_plan_is_timed_in_a_process_of_its_own, .init = need_children)
{
    struct dt_sampler sampler;
    struct dt_error error;
    double ns = 0, floor = -1;
    dt_sampler_init(&sampler);
    cr_assert_eq(dt_copies_apart("n16 log:256:512", &sampler, 1, &ns, &error), DT_OK, "%s",
                 error.text);
    cr_expect(ns > 1 && ns < 1e9, "%g ns", ns);
    cr_expect_eq(sampler.blocks, 0, "its samples are not those of this process");
    cr_expect_eq(dt_copies_apart("n16 log:none", &sampler, 1, &ns, &error), DT_INVALID);
    cr_expect(strstr(error.text, "log:none") && isnan(ns), "%s", error.text);
    cr_assert_eq(dt_copies_race("n16 log:256:512", &sampler, 1, &floor, &error), DT_OK);
    cr_expect(floor >= 0 && sampler.blocks >= 25, "%g", floor);
}

/* ---- info --noise ---------------------------------------------------------- */

Test(noise, loops_tell_scatter_drift_and_rates)
{
    struct made_up m;
    struct dt_noise noise;
    make_up(&m);
    memcpy(m.canaries, (double[]){100, 100, 100, 100, 100, 100, 110, 110}, sizeof m.canaries);
    m.thread_step.processor = 1;
    m.thread_step.preemptions = 2;
    m.system_step.throttled = 3;
    noise = (struct dt_noise){.sampler.counters = &m.counters};
    cr_assert_eq(dt_noise_loops(&noise, 0, NULL), DT_OK);
    cr_expect_eq(noise.loops, 8);
    cr_expect_eq(noise.loop_ns, 100);
    cr_expect_eq(noise.jitter_50, 0);
    cr_expect_float_eq(noise.jitter_99, 0.1, 1e-9);
    cr_expect_float_eq(noise.drift, 0.1, 1e-9);
    cr_expect_float_eq(noise.migrations * noise.seconds, 8, 1e-9);
    cr_expect_float_eq(noise.preemptions * noise.seconds, 16, 1e-9);
    cr_expect_float_eq(noise.throttled * noise.seconds, 3, 1e-9);
    cr_expect_eq(noise.stolen, 0);
    m.system.stolen_known = m.system.throttled_known = false;
    cr_assert_eq(dt_noise_loops(&noise, 0, NULL), DT_OK);
    cr_expect(isnan(noise.stolen) && isnan(noise.throttled), "not told is not zero");
}

static double read_rising(void *context)
{
    struct made_up *m = context;
    return (double)++m->canary;
}

Test(noise, more_loops_than_room_are_thinned_out_evenly)
{
    struct made_up m;
    make_up(&m);
    m.counters.canary = read_rising;
    struct dt_noise noise = {.sampler.counters = &m.counters};
    cr_assert_eq(dt_noise_loops(&noise, 0.5, NULL), DT_OK);
    const double middle = (double)noise.loops / 2;
    cr_expect_gt(noise.loops, 65536, "loops that take no time");
    cr_expect(fabs(noise.loop_ns - middle) < 1e-3 * middle, "%g of %g", noise.loop_ns, middle);
    cr_expect(fabs(noise.drift - 6) < 1e-2, "last and first quarter, 7/8 and 1/8: %g", noise.drift);
}

static void expect_shown(const struct dt_noise *noise, const char *expected)
{
    char *text;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    cli_noise_print(stream, noise);
    cr_assert_eq(fclose(stream), 0);
    cr_expect(strstr(text, expected), "%s", text);
    free(text);
}

Test(noise, what_processes_tell_is_shown)
{
    const struct dt_noise some = {.processes = 40, .process_50 = 0.0123, .process_90 = 0.0456};
    const struct dt_noise none = {.process_50 = NAN, .process_90 = NAN};
    expect_shown(&some, "40 processes that time this plan alone\n\n"
                        "processes     half within 1.23 % of the median, 90 % within 4.56 %\n");
    expect_shown(&none, "\nprocesses     none came to its end\n");
}

Test(noise, how_often_the_core_was_shared_is_shown)
{
    const struct dt_noise noise = {.sampler = {.blocks = 8, .disturbed = 1, .shared_blocks = 6}};
    expect_shown(&noise, "12.5 % of 8 blocks\n"
                         "shared core   75.0 % of the blocks, with another hyperthread\n");
}

Test(noise, verdicts)
{
    static const struct {
        struct dt_noise noise;
        const char *verdict;
    } cases[] = {
        {{.floor = 0.004, .sampler = {.accepted = 99, .rejected = 1}},
         "quiet: differences of 2.5 % can be told"},
        {{.floor = 0.03, .sampler = {.accepted = 99, .rejected = 1}},
         "moderate: differences of 3.0 % can be told"},
        {{.floor = 0.004,
          .sampler = {.accepted = 60,
                      .rejected = 40,
                      .blocks = 10,
                      .disturbed = 1,
                      .fired = {[DT_GATE_FAULT] = 5, [DT_GATE_MIGRATION] = 39}}},
         "noisy: 40 % of the samples and 10 % of the blocks were disturbed, most by migration; "
         "differences below 2.5 % cannot be told"},
        {{.floor = 0.1, .sampler = {.blocks = 10, .disturbed = 5, .fired = {[DT_GATE_STEAL] = 5}}},
         "noisy: 0 % of the samples and 50 % of the blocks were disturbed, most by steal; "
         "differences below 22.1 % cannot be told"},
    };
    char text[CLI_NOISE_TEXT_MAX];
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++)
        cr_expect_str_eq(cli_noise_verdict(&cases[n].noise, text), cases[n].verdict);
}
