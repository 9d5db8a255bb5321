/* SPDX-License-Identifier: MIT */
/*
 * Searching a space: a table of policies over an arena. The same code runs live and on a
 * recording, where it needs no clock and gives the same result for the same seed.
 */
#ifndef DISENTUNE_SEARCH_H
#define DISENTUNE_SEARCH_H

#include "tuner/arena.h"
#include "tuner/board.h"

/* A plan that was tried; it has the lane of the same number. */
struct dt_entry {
    size_t plan;
    size_t round; /* in which it was first timed, from 1; 0: never */
    bool failed;  /* it was not admitted */
    bool out;     /* dropped as slower than the best */
};

struct dt_search {
    const struct dt_arena *arena;
    struct dt_board board; /* its anchor is the first plan that was admitted */
    struct dt_entry *entries;
    size_t *entry_of; /* [arena->count] SIZE_MAX: not tried */
    size_t rounds;
    size_t samples;
    double seconds; /* that were left at the start */
    double band;    /* the noise floor: nothing is told apart within it */
    uint64_t random;
    bool cut; /* something that was to be tried or timed was not, for lack of time */
};

struct dt_policy {
    const char *name, *idea; /* one line */
    enum dt_status (*run)(struct dt_search *search, struct dt_error *error);
};

/* The n-th policy, the default one first; NULL past the last. */
const struct dt_policy *dt_policy_at(size_t n);

/* NULL if there is none of that name. */
const struct dt_policy *dt_policy_find(const char *name);

/* Finds the best plan of each variant; no choice of the user's, but what `bench` does. */
extern const struct dt_policy dt_policy_variants;

/* Searches. The caller releases with dt_search_clear(), also after an error. DT_NO_MEMORY, and the
 * errors of the arena. */
enum dt_status dt_search_run(struct dt_search *search, const struct dt_policy *policy,
                             const struct dt_arena *arena, double band, uint64_t seed,
                             struct dt_error *error);
void dt_search_clear(struct dt_search *search);

/* The entry with the best score of those that are not out; board.count without one. */
size_t dt_search_leader(const struct dt_search *search);

#define DT_FINALISTS_MAX 64

/* The entries that are not out and whose score is at most `factor` times the leader's, best first;
 * at most `most`. */
size_t dt_search_near(const struct dt_search *search, double factor, size_t most, size_t *entries);

/* Whether of two equally fast plans the first is preferred: what would run anyway, else by the
 * arena's order. So two searches on one machine end alike, and what is in use changes for a reason
 * only. */
bool dt_search_prefers(const struct dt_search *search, size_t plan, size_t other);

/* The entry that is preferred of those that are not slower than the leader by
 * dt_board_slower(); board.count without one. */
size_t dt_search_settled(const struct dt_search *search);

/* Those that may be the best, and first what would run anyway, even if it was dropped, unless it is
 * far behind; then the one that has settled. */
size_t dt_search_finalists(const struct dt_search *search, size_t most, size_t *entries);

/* Puts entries in the order of preference. */
void dt_search_order(const struct dt_search *search, size_t *entries, size_t count);

/* Instead: of each variant that was timed the best entry. */
size_t dt_search_of_variants(const struct dt_search *search, size_t most, size_t *entries);

/* Times the entries side by side in up to `blocks` more blocks and returns the stable winner of
 * them, an entry. */
enum dt_status dt_search_final(struct dt_search *search, const size_t *entries, size_t count,
                               size_t blocks, size_t *winner, struct dt_error *error);

/* By how much at most, with 95 %, another entry than `winner` is faster than it: 0.01 for 1 %.
 * Entries that were dropped were told apart and do not count. */
double dt_search_regret(const struct dt_search *search, size_t winner);

/* ---- For the files of policies ---- */

/* What may be left when a share of the whole time, from its start, is over. */
double dt_search_mark(const struct dt_search *search, double share);

bool dt_search_is_over(const struct dt_search *search, double mark);

/* How many more plans can be tried until then, if each takes, from its trial to its last sample, as
 * long as those before it on average; SIZE_MAX without a limit or any plan before. */
size_t dt_search_affords(const struct dt_search *search, double mark);

/* Tries plans that will be admitted next, as long as more than `mark` is left: *tried is how many
 * of the first can be admitted at once, at least one; 0 if each takes its time when it is admitted.
 */
enum dt_status dt_search_expect(struct dt_search *search, const size_t *plans, size_t count,
                                double mark, size_t *tried, struct dt_error *error);

/* Admits a plan, once; *entry is SIZE_MAX if it failed. */
enum dt_status dt_search_try(struct dt_search *search, size_t plan, size_t *entry,
                             struct dt_error *error);

/* Races entries in blocks until one is left, `blocks` are done, or what is left is below the mark.
 * There is one block at least. Those that are dropped are out and retire. */
enum dt_status dt_search_heat(struct dt_search *search, const size_t *entries, size_t count,
                              size_t blocks, double mark, struct dt_error *error);

/* Times them all in so many blocks, without dropping any. */
enum dt_status dt_search_survey(struct dt_search *search, const size_t *entries, size_t count,
                                size_t blocks, struct dt_error *error);

/* Lets an entry retire for the time being, and brings it back. The anchor stays. */
void dt_search_rest(struct dt_search *search, size_t entry);
enum dt_status dt_search_return(struct dt_search *search, size_t entry, struct dt_error *error);

/* For each value of the axis but that of `from`: the plan with this value that is else nearest to
 * it, the most promising first. At most DT_AXIS_VALUES. */
size_t dt_search_neighbours(const struct dt_search *search, enum dt_axis axis, size_t from,
                            size_t *plans);

#endif
