/* SPDX-License-Identifier: MIT */
/*
 * A recorded space: all its plans, and the samples that were taken of them, so that searches can be
 * compared without a clock and without the machine. JSON Lines, a line for the space and then one
 * for each of its plans:
 *
 *     {"schema":"disentune-space-1","op":"bias","problem":"b1 h1 q512 ...","threads":1,
 *      "machine":"x86_64 avx2 ...","version":"0.1.0","date":"...","noise_floor":0.01,
 *      "trial_ns":8.1e6,"plans":90,"known":[0,7]}
 *     {"problem":..., "variant":"bias.avx2.runs-skew","tile":"64x0", ..., "at":[3,1,0,0,0,0,0],
 *      "preference":12,"predicted_ns":81000,"failed":false,"samples":2,"ns":[80010,80100],
 *      "base":[79000,79050]}
 *     ...
 *
 * base[n] is the time of the anchor then, the median of five blocks about that of ns[n]. Several
 * spaces may follow one another. A file is not trusted: every number is checked, and a bad line
 * fails with its number.
 */
#ifndef DISENTUNE_RECORDING_H
#define DISENTUNE_RECORDING_H

#include "reports/evidence.h"
#include "tuner/search.h"

#define DT_KNOWN_MAX 8

struct dt_recorded {
    struct dt_subject subject;
    struct dt_point point;
    size_t preference; /* its place among all plans by dt_space_compare() */
    double predicted_ns;
    bool failed;
    size_t samples;    /* 0: it was not tried */
    double *ns, *base; /* [samples], owned */
};

struct dt_recording {
    enum dt_op op;
    char problem[DT_PROBLEM_TEXT_MAX];
    int threads;
    char machine[96], version[16], date[24];
    double noise_floor;
    double trial_ns; /* of the validation of a plan, on average */
    size_t known[DT_KNOWN_MAX], known_count;
    struct dt_recorded *plans; /* [count], owned */
    struct dt_point *points;   /* theirs, for an arena; owned */
    size_t count;
};

struct dt_recordings {
    struct dt_recording *items; /* owned */
    size_t count;
};

/* What a search found out about a space, to be released with dt_recording_clear(). DT_NO_MEMORY. */
enum dt_status dt_recording_make(struct dt_recording *recording, const struct dt_session *session,
                                 const struct dt_space_scope *scope, const struct dt_space *space,
                                 const struct dt_search *search, double trial_ns,
                                 struct dt_error *error);
void dt_recording_clear(struct dt_recording *recording);

/* DT_IO, DT_INVALID (more samples than can be kept), DT_NO_MEMORY. */
enum dt_status dt_recording_write(FILE *stream, const struct dt_recording *recording,
                                  struct dt_error *error);

/* "-" is standard input. DT_IO, DT_INVALID, DT_NO_MEMORY; then there are none. */
enum dt_status dt_recordings_read(const char *path, struct dt_recordings *recordings,
                                  struct dt_error *error);
void dt_recordings_clear(struct dt_recordings *recordings);

/* Time as a multiple of the anchor's: the median of all samples; INFINITY without. */
double dt_recorded_score(const struct dt_recorded *plan);

/* The plan of the least score, of those with at least half as many samples as any other: of few
 * samples the median may be lucky. `count` if none was timed. */
size_t dt_recording_best(const struct dt_recording *recording);

/*
 * An arena of the recording. A sample is one of those that were taken of the plan, drawn at random
 * by the seed; time passes by as much as the sample and the trials would take, from `seconds`,
 * which may be INFINITY, down. The recording must stay.
 */
struct dt_replay {
    const struct dt_recording *recording;
    double base_ns, left;
    uint64_t random;
};
void dt_replay_init(struct dt_replay *replay, const struct dt_recording *recording, double seconds,
                    uint64_t seed, struct dt_arena *arena);

#endif
