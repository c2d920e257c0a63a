/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * options: the command line of every command, in one table, from which
 * parsing, --help and the check for stray options come.
 */
#ifndef TREEMILL_CLI_OPTIONS_H
#define TREEMILL_CLI_OPTIONS_H

#include "common/algo.h"
#include "libtreemill/treemill.h"

#include <stdbool.h>

/* Which commands an option belongs to: bits. */
enum {
    CMD_HASH = 1,
    CMD_CHECK = 2,
    CMD_TUNE = 4,
    CMD_RUNS = CMD_HASH | CMD_CHECK, /* those that do one run */
    CMD_ALL = CMD_RUNS | CMD_TUNE
};

struct options {
    /* the run */
    unsigned jobs; /* 0: by tmill_cpus(), unless serial */
    bool serial;   /* -j0 */
    size_t chunksize;
    bool unordered;
    unsigned retries;
    unsigned timeout_ms;
    unsigned max_tasks;
    /* selection */
    tmill_rule *rules; /* owned; their globs are owned too */
    size_t nrules;
    bool one_file_system;
    bool follow;
    unsigned levels; /* --max-depth + 1; 0: no limit */
    const char *files_from;
    bool null;
    /* output */
    const char *output;
    int progress; /* -1: when stderr is a terminal */
    bool stats;
    bool quiet;
    bool verbose;
    /* hash */
    struct algo_list algos; /* empty: not given */
    const char *format;
    bool zero;
    bool tree_digest;
    /* check */
    const char *audit;
    const char *directory;
    bool ignore_missing;
    bool strict;
    bool json;
    bool beneath;
    /* the rest */
    char **operands;
    size_t noperands;
};

/* What options_parse() returns beside 0: an exit status follows. */
enum { OPTIONS_DONE = -1 /* help was printed: exit 0 */ };

/*
 * Parses argv[1..] for the command of that bit.  Returns 0, OPTIONS_DONE, or
 * STATUS_FATAL after saying what is wrong.  Strings point into argv.
 */
int options_parse(struct options *o, unsigned command, int argc, char **argv);
void options_free(struct options *o);

/* Prints the options of that command, for --help. */
void options_help(unsigned command);

#endif
