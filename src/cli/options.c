/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/msg.h"
#include "common/sig.h"
#include "sinks/sink.h"

/* --- values -------------------------------------------------------------- */

static int bad_value(const char *name, const char *arg, const char *want)
{
    return msg_usage("--%s: '%s' is not %s", name, arg, want);
}

static bool parse_number(const char *arg, unsigned long min, unsigned long max,
                         unsigned long *n)
{
    char *end;
    errno = 0;
    *n = strtoul(arg, &end, 10);
    return *arg >= '0' && *arg <= '9' && !*end && !errno && *n >= min &&
           *n <= max;
}

static int set_jobs(struct options *o, const char *arg)
{
    unsigned long n;
    if (!parse_number(arg, 0, 1024, &n))
        return bad_value("jobs", arg, "a number from 0 to 1024");
    o->serial = n == 0;
    o->jobs = (unsigned)n;
    return 0;
}

static int set_chunksize(struct options *o, const char *arg)
{
    unsigned long n;
    if (strcmp(arg, "auto") == 0) {
        o->chunksize = TMILL_CHUNK_AUTO;
        return 0;
    }
    if (!parse_number(arg, 1, 1000000, &n))
        return bad_value("chunksize", arg,
                         "'auto' or a number from 1 to 1000000");
    o->chunksize = n;
    return 0;
}

static int set_timeout(struct options *o, const char *arg)
{
    char *end;
    double s = strtod(arg, &end);
    if (end == arg || *end || !(s >= 0.001 && s <= 2000000))
        return bad_value("timeout", arg,
                         "a number of seconds from 0.001 to 2000000");
    o->timeout_ms = (unsigned)(s * 1000 + 0.5);
    return 0;
}

static int set_uint(const char *name, const char *arg, unsigned max,
                    unsigned *to)
{
    unsigned long n;
    char want[48];
    snprintf(want, sizeof want, "a whole number from 0 to %u", max);
    if (!parse_number(arg, 0, max, &n))
        return bad_value(name, arg, want);
    *to = (unsigned)n;
    return 0;
}

static int set_retries(struct options *o, const char *arg)
{
    return set_uint("retries", arg, 1000000, &o->retries);
}

static int set_max_tasks(struct options *o, const char *arg)
{
    return set_uint("max-tasks", arg, INT_MAX, &o->max_tasks);
}

static int set_max_depth(struct options *o, const char *arg)
{
    int err = set_uint("max-depth", arg, INT_MAX - 1, &o->levels);
    o->levels++;
    return err;
}

static int add_rule(struct options *o, const char *glob, int include)
{
    size_t n = o->nrules + 1;
    tmill_rule *rules = realloc(o->rules, n * sizeof *rules);
    char *copy = rules ? strdup(glob) : NULL;
    if (rules)
        o->rules = rules;
    if (!copy) {
        msg_say("%s", strerror(ENOMEM));
        return STATUS_FATAL;
    }
    o->rules[o->nrules++] = (tmill_rule){.glob = copy, .include = include};
    return 0;
}

static int set_exclude(struct options *o, const char *arg)
{
    return add_rule(o, arg, 0);
}

static int set_include(struct options *o, const char *arg)
{
    return add_rule(o, arg, 1);
}

/* A glob a line; empty lines and lines that begin with # are comments. */
static int set_exclude_from(struct options *o, const char *arg)
{
    FILE *f = fopen(arg, "re");
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    int status = f ? 0 : STATUS_FATAL;
    while (!status && (errno = 0, n = getline(&line, &cap, f)) > 0) {
        if (line[n - 1] == '\n')
            line[--n] = '\0';
        if (n && line[0] != '#')
            status = add_rule(o, line, 0);
    }
    if ((!f || ferror(f)) && !sig_stop)
        msg_path(arg, strlen(arg), "%s", strerror(errno));
    if (!f || ferror(f))
        status = STATUS_FATAL;
    free(line);
    if (f)
        fclose(f);
    return status;
}

static int list_algorithms(void)
{
    for (int id = 0; id < ALGO_COUNT; id++)
        printf("%-10s %s\n", algos[id].name, algos[id].help);
    return OPTIONS_DONE;
}

static int set_algorithm(struct options *o, const char *arg)
{
    const char *bad;
    size_t n;
    if (strcmp(arg, "help") == 0)
        return list_algorithms();
    if (algo_list_parse(&o->algos, arg, &bad, &n) < 0)
        return msg_usage("--algorithm: '%.*s' is not one of those that "
                         "'--algorithm help' lists",
                         (int)n, bad);
    return 0;
}

static int set_format(struct options *o, const char *arg)
{
    if (!sink_find(arg))
        return bad_value("format", arg, "gnu, bsd, json or mtree");
    o->format = arg;
    return 0;
}

static int set_tag(struct options *o, const char *arg)
{
    (void)arg;
    o->format = "bsd";
    return 0;
}

static int set_ordered(struct options *o, const char *arg)
{
    (void)arg;
    o->unordered = false;
    return 0;
}

static int set_progress(struct options *o, const char *arg)
{
    (void)arg;
    o->progress = 1;
    return 0;
}

static int set_no_progress(struct options *o, const char *arg)
{
    (void)arg;
    o->progress = 0;
    return 0;
}

/* --- the table ----------------------------------------------------------- */

enum kind {
    KIND_FLAG,   /* bool at offset becomes true */
    KIND_STRING, /* const char * at offset becomes the argument */
    KIND_CALL    /* set() */
};

struct row {
    unsigned commands;
    char letter; /* 0: none */
    const char *name;
    const char *arg; /* what --help calls it; NULL: takes none */
    enum kind kind;
    size_t offset;
    int (*set)(struct options *o, const char *arg);
    const char *help;
};

#define FLAG(field)   KIND_FLAG, offsetof(struct options, field), NULL
#define STRING(field) KIND_STRING, offsetof(struct options, field), NULL
#define CALL(set)     KIND_CALL, 0, set

static const struct row rows[] = {
    {CMD_ALL, 'a', "algorithm", "LIST", CALL(set_algorithm),
     "digests, comma-separated; 'help' lists them"},
    {CMD_HASH, 0, "format", "FORMAT", CALL(set_format),
     "gnu (default), bsd, json or mtree"},
    {CMD_HASH, 0, "tag", NULL, CALL(set_tag), "the same as --format bsd"},
    {CMD_HASH, 'z', "zero", NULL, FLAG(zero),
     "end lines with NUL, escape no name"},
    {CMD_HASH, 0, "tree-digest", NULL, FLAG(tree_digest),
     "one digest for each PATH, a directory"},
    {CMD_CHECK, 0, "audit", "DIR", STRING(audit),
     "also report files below DIR that no manifest has"},
    {CMD_CHECK, 'C', "directory", "DIR", STRING(directory),
     "names in manifests are relative to DIR"},
    {CMD_CHECK, 0, "beneath", NULL, FLAG(beneath),
     "refuse names that lead outside that directory"},
    {CMD_CHECK, 0, "ignore-missing", NULL, FLAG(ignore_missing),
     "do not report files that are not there"},
    {CMD_CHECK, 0, "strict", NULL, FLAG(strict),
     "malformed lines make the exit status 1"},
    {CMD_CHECK, 0, "json", NULL, FLAG(json), "one JSON object a line"},
    {CMD_RUNS, 'j', "jobs", "N", CALL(set_jobs),
     "worker processes (default: one a processor)"},
    {CMD_RUNS, 0, "chunksize", "N", CALL(set_chunksize),
     "files sent to a worker at once (default: auto)"},
    {CMD_RUNS, 0, "ordered", NULL, CALL(set_ordered),
     "results in order (default)"},
    {CMD_RUNS, 0, "unordered", NULL, FLAG(unordered),
     "results as they are ready"},
    {CMD_RUNS, 0, "retries", "N", CALL(set_retries),
     "try again files that kill or outlast a worker"},
    {CMD_RUNS, 0, "timeout", "SECONDS", CALL(set_timeout),
     "give up on a file after so long"},
    {CMD_RUNS, 0, "max-tasks", "N", CALL(set_max_tasks),
     "replace a worker after N files"},
    {CMD_ALL, 0, "exclude", "GLOB", CALL(set_exclude),
     "pass over files and directories that match"},
    {CMD_ALL, 0, "include", "GLOB", CALL(set_include),
     "take files that match; the last match decides"},
    {CMD_ALL, 0, "exclude-from", "FILE", CALL(set_exclude_from),
     "as --exclude, a glob a line"},
    {CMD_ALL, 'x', "one-file-system", NULL, FLAG(one_file_system),
     "stay on the file system of each PATH"},
    {CMD_ALL, 'L', "follow", NULL, FLAG(follow), "follow symbolic links"},
    {CMD_ALL, 0, "max-depth", "N", CALL(set_max_depth),
     "levels below each PATH; 0: the PATHs themselves"},
    {CMD_HASH, 0, "files-from", "FILE", STRING(files_from),
     "further PATHs, a line each; '-': standard input"},
    {CMD_HASH, '0', "null", NULL, FLAG(null), "those PATHs end with NUL"},
    {CMD_RUNS, 'o', "output", "FILE", STRING(output),
     "write results to FILE, which appears when whole"},
    {CMD_RUNS, 0, "progress", NULL, CALL(set_progress),
     "show progress (default on a terminal)"},
    {CMD_RUNS, 0, "no-progress", NULL, CALL(set_no_progress), "do not"},
    {CMD_RUNS, 0, "stats", NULL, FLAG(stats), "end with figures on stderr"},
    {CMD_RUNS, 'q', "quiet", NULL, FLAG(quiet), "say only what is wrong"},
    {CMD_RUNS, 'v', "verbose", NULL, FLAG(verbose),
     "say how many workers, and who needed retries"},
    {CMD_ALL, 'h', "help", NULL, KIND_CALL, 0, NULL, "this text"},
};

enum { NROWS = sizeof rows / sizeof *rows, LONG_BASE = 256 };

/* --- parsing ------------------------------------------------------------- */

static int apply(struct options *o, const struct row *row, const char *arg,
                 unsigned command)
{
    char *field = (char *)o + row->offset;
    if (row->kind == KIND_FLAG)
        memcpy(field, &(bool){true}, sizeof(bool));
    else if (row->kind == KIND_STRING)
        memcpy(field, &arg, sizeof arg);
    else if (row->set)
        return row->set(o, arg);
    else {
        command_help(command);
        return OPTIONS_DONE;
    }
    return 0;
}

/* getopt_long(3)'s tables of one command; long options return LONG_BASE plus
 * their row. */
struct getopt_tables {
    struct option longs[NROWS + 1];
    char shorts[2 * NROWS + 2];
};

static void make_tables(struct getopt_tables *g, unsigned command)
{
    size_t n = 0;
    char *s = g->shorts;
    memset(g, 0, sizeof *g);
    *s++ = ':'; /* we say ourselves what is wrong */
    for (int i = 0; i < NROWS; i++) {
        const struct row *row = &rows[i];
        if (!(row->commands & command))
            continue;
        g->longs[n++] = (struct option){.name = row->name,
                                        .has_arg = row->arg ? required_argument
                                                            : no_argument,
                                        .val = LONG_BASE + i};
        if (row->letter)
            *s++ = row->letter;
        if (row->letter && row->arg)
            *s++ = ':';
    }
}

static const struct row *find_row(int c, unsigned command)
{
    if (c >= LONG_BASE)
        return &rows[c - LONG_BASE];
    for (int i = 0; i < NROWS; i++)
        if (rows[i].letter == c && rows[i].commands & command)
            return &rows[i];
    return NULL;
}

static int complain(int c, char **argv)
{
    const char *word = argv[optind - 1];
    if (c == ':')
        return msg_usage("option '%s' needs a value", word);
    if (optopt && optopt < LONG_BASE)
        return msg_usage("there is no option -%c here", optopt);
    return msg_usage("there is no option '%s' here, or it is ambiguous or "
                     "takes no value",
                     word);
}

int options_parse(struct options *o, unsigned command, int argc, char **argv)
{
    struct getopt_tables g;
    int c;
    *o = (struct options){.chunksize = TMILL_CHUNK_AUTO, .progress = -1};
    make_tables(&g, command);
    opterr = 0;
    while ((c = getopt_long(argc, argv, g.shorts, g.longs, NULL)) != -1) {
        const struct row *row =
            c == '?' || c == ':' ? NULL : find_row(c, command);
        int status = row ? apply(o, row, optarg, command) : complain(c, argv);
        if (status)
            return status;
    }
    o->operands = argv + optind;
    o->noperands = (size_t)(argc - optind);
    return 0;
}

void options_free(struct options *o)
{
    for (size_t i = 0; i < o->nrules; i++)
        free((void *)o->rules[i].glob);
    free(o->rules);
}

void options_help(unsigned command)
{
    for (int i = 0; i < NROWS; i++) {
        const struct row *row = &rows[i];
        char name[64];
        if (!(row->commands & command))
            continue;
        snprintf(name, sizeof name, "%s%s%s", row->name, row->arg ? " " : "",
                 row->arg ? row->arg : "");
        if (row->letter)
            printf("  -%c, --%-22s %s\n", row->letter, name, row->help);
        else
            printf("      --%-22s %s\n", name, row->help);
    }
}
