/* SPDX-License-Identifier: MIT */
#include "tuner/cli/cli.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const struct cli_verb verbs[] = {
    {"info", "describe this machine", verb_info},
    {"list", "list the variants of this build and whether this CPU runs them", verb_list},
    {"verify", "check every variant against the double-precision reference", verb_verify},
    {"bench", "measure variants against each other and against the ceiling", verb_bench},
    {"tune", "find the fastest plan for each problem and write the dispatch table", verb_tune},
    {"replay", "search recorded spaces, without a clock", verb_replay},
    {"explain", "show what would run for a problem, and why", verb_explain},
    {"merge", "make one dispatch table of several", verb_merge},
    {"regress", "tell whether one build is slower than another, by running both", verb_regress},
    {"compare", "compare sessions of different times, for hints", verb_compare},
    {"report", "show measurements, or write them in the formats of other programs", verb_report},
    {"history", "show how builds fared over time, and where that changed", verb_history},
    {"db", "look after the store of results: merge, export, import, gc, check", verb_db},
    {"selftest", "tell what `regress` is worth: false alarms and power", verb_selftest},
    {"serve", NULL, verb_serve},
};

#ifdef DT_SLOWDOWN
#define SELF_TEST " for self-tests, slowed down by DISENTUNE_SLOWDOWN"
#else
#define SELF_TEST ""
#endif

#define VERBS (sizeof verbs / sizeof *verbs)

static void print_help(FILE *stream)
{
    fputs("Usage: disentune VERB [OPTION...]\n"
          "Validates, measures and tunes the kernels of DeBERTa's disentangled attention.\n\n",
          stream);
    for (size_t v = 0; v < VERBS; v++)
        if (verbs[v].summary)
            fprintf(stream, "  %-8s %s\n", verbs[v].name, verbs[v].summary);
    fputs("\n`disentune VERB --help` tells about one verb, `man disentune` about all.\n", stream);
}

#define WORD_MAX 15

/* Letters to insert, delete or change to make one word of the other (Levenshtein). */
static size_t distance(const char *a, const char *b)
{
    size_t row[WORD_MAX + 1];
    const size_t width = strlen(b);
    for (size_t j = 0; j <= width; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < width; j++) {
            const size_t changed = diagonal + (a[i] != b[j]);
            const size_t least = row[j] < row[j + 1] ? row[j] + 1 : row[j + 1] + 1;
            diagonal = row[j + 1];
            row[j + 1] = changed < least ? changed : least;
        }
    }
    return row[width];
}

static int unknown_verb(const char *word)
{
    const char *best = NULL;
    size_t least = 3;
    for (size_t v = 0; v < VERBS && strlen(word) <= WORD_MAX; v++) {
        const size_t d = distance(word, verbs[v].name);
        if (d < least && d < strlen(verbs[v].name)) {
            least = d;
            best = verbs[v].name;
        }
    }
    if (best)
        return cli_fail_text("unknown verb \"%s\"; did you mean \"%s\"?", word, best);
    return cli_fail_text("unknown verb \"%.40s\"; see `disentune --help`", word);
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of writing: see cli_finish */
    signal(SIGXFSZ, SIG_IGN); /* and so is a limit on the size of files */
    if (argc < 2) {
        print_help(stderr);
        return CLI_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        print_help(stdout);
        return cli_finish(CLI_OK);
    }
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        puts("disentune " DT_VERSION SELF_TEST);
        return cli_finish(CLI_OK);
    }
    for (size_t v = 0; v < VERBS; v++)
        if (strcmp(verbs[v].name, word) == 0)
            return verbs[v].run(argc - 1, argv + 1);
    return unknown_verb(word);
}
