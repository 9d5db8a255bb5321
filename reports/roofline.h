/* SPDX-License-Identifier: MIT */
/*
 * Rooflines on measured ceilings, after Williams, Waterman and Patterson (2009): how fast a call
 * could be at best, by its arithmetic and by the bytes that it has to move, on what the probes of
 * the same session reached.
 *
 *     arithmetic   of bias its additions; else the products as records count them, those of an
 *                  attention over all 2S slots, so that a strategy that does fewer may lie above
 *     bytes        the operands, each read or written once as if caches were endless
 *     intensity    arithmetic / bytes
 *     peak         multiply-adds of the variant's instruction set
 *     slope        loads from the nearest cache that holds the bytes of a thread's share of a
 *                  call; memory where none does
 *     roof         the lesser of peak and intensity * slope
 *
 * Ceilings are of one thread, so rates are for each thread. Loads are probed with one instruction
 * set, the widest: where the variant's own has none, that one's count. The slope of memory is what
 * one thread has of it, which several share.
 */
#ifndef DISENTUNE_ROOFLINE_H
#define DISENTUNE_ROOFLINE_H

#include "reports/record.h"

struct dt_roofline {
    double flops, bytes;            /* of a call */
    double intensity;               /* FLOP per byte */
    double rate;                    /* FLOP/s of one thread */
    double roof;                    /* FLOP/s that one thread could reach */
    double share;                   /* rate / roof */
    bool memory_bound;              /* whether the roof is that of the slope */
    const struct dt_ceiling *peak;  /* of the session */
    const struct dt_ceiling *slope; /* of the session; NULL if no loads were probed */
};

/* Where the record lies. False if it is not verified or not timed, its arithmetic or bytes are not
 * known, or its session has no peak of the instruction set. */
bool dt_roofline_point(const struct dt_session *session, const struct dt_record *record,
                       struct dt_roofline *point);

/* The instruction set of a variant's name, "avx2"; "" if it has none. Returns isa. */
const char *dt_roofline_isa(const char *variant, char isa[16]);

/* NULL if it was not measured. */
const struct dt_ceiling *dt_roofline_peak(const struct dt_session *session, const char *isa);

/* All slopes that count for an instruction set, in the order of the session. */
size_t dt_roofline_slopes(const struct dt_session *session, const char *isa,
                          const struct dt_ceiling *slopes[DT_CEILINGS_MAX]);

#endif
