/* SPDX-License-Identifier: MIT */
/*
 * The tables of a store:
 *
 *     machine  build  environment          what was measured on, with and in
 *          \     |     /
 *     ceiling - session                    one run of a verb
 *              /   |   \        \
 *     trials   cell candidate  record      what it found, of a
 *              |               |    |
 *              pair            |    phase
 *                            sample
 *     bench                                problem and plan, of each of the four
 *
 * `hash` names a row by its content, on every machine alike; `id` is local to the file. Columns
 * have the names of the members of reports/evidence.h, where they are explained, and of the keys of
 * JSON Lines: insertion and selection are made from reports/fields.h. What is not known is NULL.
 *
 * For people there are the views `result`, of records, and `comparison`, of cells:
 *
 *     sqlite3 store.db "SELECT date, problem, variant, ns_median FROM result
 *                       WHERE op = 'bias' AND winner ORDER BY date"
 */
#include "reports/store_schema.h"

static const char step_0[] =
    "CREATE TABLE machine (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE,"
    " tier0 TEXT NOT NULL, tier1 TEXT NOT NULL, tier2 TEXT NOT NULL, tier3 TEXT NOT NULL,"
    " cpu TEXT NOT NULL) STRICT;"

    "CREATE TABLE build (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE,"
    " version TEXT NOT NULL, \"commit\" TEXT NOT NULL, dirty INTEGER NOT NULL,"
    " compiler TEXT NOT NULL, flags TEXT NOT NULL, libraries TEXT NOT NULL,"
    " signature TEXT NOT NULL, digest TEXT NOT NULL) STRICT;"

    "CREATE TABLE environment (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE,"
    " facts TEXT NOT NULL) STRICT;"

    "CREATE TABLE session (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE,"
    " machine INTEGER NOT NULL REFERENCES machine, build INTEGER NOT NULL REFERENCES build,"
    " base INTEGER REFERENCES build, environment INTEGER NOT NULL REFERENCES environment,"
    " run TEXT NOT NULL, date TEXT NOT NULL, command TEXT NOT NULL, seed TEXT NOT NULL,"
    " noise_floor REAL, noisy INTEGER NOT NULL) STRICT;"
    "CREATE INDEX session_date ON session (date);"

    "CREATE TABLE ceiling (session INTEGER NOT NULL REFERENCES session ON DELETE CASCADE,"
    " n INTEGER NOT NULL, name TEXT NOT NULL, value REAL, unit TEXT NOT NULL,"
    " PRIMARY KEY (session, n)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE bench (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE,"
    " problem TEXT NOT NULL, op TEXT NOT NULL, variant TEXT NOT NULL, tile TEXT NOT NULL,"
    " chunk INTEGER NOT NULL, gemm TEXT NOT NULL, bias TEXT NOT NULL, softmax TEXT NOT NULL,"
    " threads INTEGER NOT NULL) STRICT;"

    "CREATE TABLE record (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE,"
    " session INTEGER NOT NULL REFERENCES session ON DELETE CASCADE,"
    " bench INTEGER NOT NULL REFERENCES bench,"
    " ns_median REAL, ns_lo REAL, ns_hi REAL, samples INTEGER NOT NULL, rejected INTEGER NOT NULL,"
    " ratio_to_scalar REAL, ratio_lo REAL, ratio_hi REAL, ratio_to_gather REAL,"
    " ratio_to_autovec REAL, ratio_to_c2c REAL, ratio_to_one_thread REAL, gflops REAL,"
    " ceiling_ns REAL, share_of_ceiling REAL, error_share REAL, error_ulp REAL,"
    " verified INTEGER NOT NULL, winner INTEGER NOT NULL) STRICT;"
    "CREATE INDEX record_session ON record (session);"

    "CREATE TABLE sample (record INTEGER NOT NULL REFERENCES record ON DELETE CASCADE,"
    " n INTEGER NOT NULL, ns REAL NOT NULL, PRIMARY KEY (record, n)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE phase (record INTEGER NOT NULL REFERENCES record ON DELETE CASCADE,"
    " n INTEGER NOT NULL, name TEXT NOT NULL, ns REAL, PRIMARY KEY (record, n))"
    " STRICT, WITHOUT ROWID;"

    "CREATE TABLE candidate (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE,"
    " session INTEGER NOT NULL REFERENCES session ON DELETE CASCADE,"
    " bench INTEGER NOT NULL REFERENCES bench,"
    " predicted_ns REAL, ns_median REAL, ratio_to_winner REAL, samples INTEGER NOT NULL,"
    " round INTEGER NOT NULL, fate TEXT NOT NULL) STRICT;"
    "CREATE INDEX candidate_session ON candidate (session);"

    "CREATE TABLE cell (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE,"
    " session INTEGER NOT NULL REFERENCES session ON DELETE CASCADE,"
    " bench INTEGER NOT NULL REFERENCES bench, head_choice TEXT NOT NULL,"
    " base_ns REAL, head_ns REAL, ratio REAL, lo REAL, hi REAL, boot_lo REAL, boot_hi REAL,"
    " band REAL, delta REAL, p REAL, pairs INTEGER NOT NULL, claimed INTEGER NOT NULL,"
    " samples INTEGER NOT NULL, gated INTEGER NOT NULL, aa_pairs INTEGER NOT NULL,"
    " base_instructions REAL, head_instructions REAL, instructions_isa TEXT NOT NULL,"
    " judgement TEXT NOT NULL, reason TEXT NOT NULL) STRICT;"
    "CREATE INDEX cell_session ON cell (session);"

    "CREATE TABLE pair (cell INTEGER NOT NULL REFERENCES cell ON DELETE CASCADE,"
    " arm TEXT NOT NULL CHECK (arm IN ('ab', 'aa')), n INTEGER NOT NULL, ratio REAL NOT NULL,"
    " PRIMARY KEY (cell, arm, n)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE trials (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE,"
    " session INTEGER NOT NULL REFERENCES session ON DELETE CASCADE,"
    " bench INTEGER REFERENCES bench, slowdown REAL, trials INTEGER NOT NULL,"
    " alarms INTEGER NOT NULL, rate_lo REAL, rate_hi REAL, seconds REAL, least_effect REAL)"
    " STRICT;"
    "CREATE INDEX trials_session ON trials (session);"

    "CREATE VIEW result AS SELECT session.date, machine.cpu, machine.tier3 AS machine,"
    " build.\"commit\", problem, op, variant, tile, chunk, gemm, bench.bias, softmax, threads,"
    " ns_median, ns_lo, ns_hi, samples, ratio_to_scalar, share_of_ceiling, error_share, verified,"
    " winner, noisy, session.id AS session, record.id AS record"
    " FROM record JOIN bench ON bench.id = record.bench JOIN session ON session.id = record.session"
    " JOIN machine ON machine.id = session.machine JOIN build ON build.id = session.build;";

static const char step_1[] =
    "CREATE VIEW comparison AS SELECT session.date, machine.cpu, machine.tier3 AS machine,"
    " base.version AS base_version, base.\"commit\" AS base_commit,"
    " head.version AS head_version, head.\"commit\" AS head_commit,"
    " problem, op, variant, threads, head_choice, base_ns, head_ns, ratio, lo, hi, band, delta, p,"
    " pairs, gated, judgement, reason, noisy, session.id AS session, cell.id AS cell"
    " FROM cell JOIN bench ON bench.id = cell.bench JOIN session ON session.id = cell.session"
    " JOIN machine ON machine.id = session.machine JOIN build head ON head.id = session.build"
    " LEFT JOIN build base ON base.id = session.base;";

static const char step_2[] = "ALTER TABLE record ADD COLUMN regret REAL;"
                             "ALTER TABLE record ADD COLUMN tried INTEGER;"
                             "ALTER TABLE record ADD COLUMN plans INTEGER;"
                             "ALTER TABLE record ADD COLUMN complete INTEGER NOT NULL DEFAULT 0;";

const char *const dt_store_steps[] = {step_0, step_1, step_2};
const size_t dt_store_step_count = sizeof dt_store_steps / sizeof *dt_store_steps;
