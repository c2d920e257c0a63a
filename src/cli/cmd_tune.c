/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * treemill tune: hashes the same files again and again, with several --jobs
 * and then several --chunksize, and draws how fast each is.
 *
 * The first pass, which is not shown, brings the files into the page cache and
 * settles how many of them a trial takes: as many as it could hash in a few
 * seconds.  Trials alternate, so that a machine that is busy for a while does
 * not favour one of them; what is shown is each one's median.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/command.h"
#include "cli/engine.h"
#include "cli/msg.h"
#include "cli/selection.h"
#include "ops/hash.h"

enum { ROUNDS = 5, WARM_SECONDS = 5, TRIALS_MAX = 32, BAR = 40 };

/* Within this share of the fastest, a smaller setting is as good. */
static const double tolerance = 0.03;

struct trial {
    unsigned jobs;
    size_t chunksize;
    double seconds[ROUNDS];
    double median;
};

struct run {
    const struct options *options;
    struct hash_config config;
    struct selection selection;
    double until;           /* the first pass ends then; 0: no limit */
    uint64_t max;           /* files of a trial */
    uint64_t files;         /* that this pass was given, */
    uint64_t hashed, bytes; /* and what it read */
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- one pass ------------------------------------------------------------ */

static int next_task(void *u, struct buf *to)
{
    struct run *r = u;
    if (r->files == r->max || (r->until > 0 && now() > r->until))
        return 0;
    int got = selection_next(&r->selection, to);
    r->files += got == 1;
    return got;
}

/* The first pass complains; the trials read what they can. */
static bool result(void *u, const struct task *t, const tmill_item *item)
{
    struct run *r = u;
    struct hash_reply reply;
    if (item->why != TMILL_OK) {
        if (r->until > 0)
            msg_path(t->path, t->len, "%s", engine_reason(item));
        return r->until > 0;
    }
    r->hashed++;
    memcpy(&reply, item->out.p, sizeof reply);
    r->bytes += reply.size;
    return false;
}

static int pass(struct run *r, const struct trial *trial, double *seconds)
{
    struct options o = *r->options;
    struct output nowhere = {.fd = -1};
    struct selection_attr attr = {0};
    struct engine_job job = {.options = &o,
                             .op = &op_hash,
                             .config = &r->config,
                             .next = next_task,
                             .result = result,
                             .u = r,
                             .output = &nowhere};
    o.jobs = trial->jobs;
    o.chunksize = trial->chunksize;
    o.progress = 0;
    attr.paths = selection_paths(&o, &attr.npaths);
    r->files = r->hashed = r->bytes = 0;
    double from = now();
    if (selection_open(&r->selection, &o, &attr) < 0)
        return STATUS_FATAL;
    int status = engine_run(&job);
    selection_close(&r->selection);
    *seconds = now() - from;
    return status;
}

static int warm_up(struct run *r)
{
    struct trial trial = {.chunksize = TMILL_CHUNK_AUTO};
    double seconds;
    r->max = UINT64_MAX;
    r->until = now() + WARM_SECONDS;
    int status = pass(r, &trial, &seconds);
    r->until = 0;
    r->max = r->files;
    if (status == STATUS_FATAL || r->hashed)
        return status;
    msg_say("there is no file to hash");
    return STATUS_FATAL;
}

/* --- trials -------------------------------------------------------------- */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int run_trials(struct run *r, struct trial *trials, size_t n)
{
    for (int round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < n; i++) {
            int status = pass(r, &trials[i], &trials[i].seconds[round]);
            if (status)
                return status;
        }
    for (size_t i = 0; i < n; i++) {
        qsort(trials[i].seconds, ROUNDS, sizeof(double), ascending);
        trials[i].median = trials[i].seconds[ROUNDS / 2];
    }
    return STATUS_OK;
}

static double least_seconds(const struct trial *trials, size_t n)
{
    double least = trials[0].median;
    for (size_t i = 1; i < n; i++)
        if (trials[i].median < least)
            least = trials[i].median;
    return least;
}

/* The first that is as good as the fastest. */
static const struct trial *best(const struct trial *trials, size_t n)
{
    double least = least_seconds(trials, n);
    for (size_t i = 0;; i++)
        if (trials[i].median <= least * (1 + tolerance))
            return &trials[i];
}

static void name_chunksize(char *name, size_t size, size_t chunksize)
{
    if (chunksize == TMILL_CHUNK_AUTO)
        snprintf(name, size, "auto");
    else
        snprintf(name, size, "%zu", chunksize);
}

static void draw(const struct run *r, const struct trial *trials, size_t n,
                 bool jobs)
{
    double least = least_seconds(trials, n);
    for (size_t i = 0; i < n; i++) {
        char name[24];
        double rate = 1 / trials[i].median;
        int bar = (int)(BAR * least * rate + 0.5);
        if (jobs)
            snprintf(name, sizeof name, "%u", trials[i].jobs);
        else
            name_chunksize(name, sizeof name, trials[i].chunksize);
        printf("  %5s %9.0f files/s %9.1f MB/s  ", name,
               (double)r->hashed * rate, (double)r->bytes * rate / 1e6);
        while (bar-- > 0)
            putchar('#');
        putchar('\n');
    }
}

/* 1, 2, 3, 4, 6, 8, 12, 16 ... up to twice the processors. */
static size_t jobs_trials(struct trial *trials)
{
    size_t n = 0;
    unsigned most = 2 * tmill_cpus();
    for (unsigned jobs = 1; jobs <= most && n < TRIALS_MAX;) {
        trials[n++] =
            (struct trial){.jobs = jobs, .chunksize = TMILL_CHUNK_AUTO};
        bool power = !(jobs & (jobs - 1));
        jobs += jobs < 3 ? 1 : power ? jobs / 2 : jobs / 3;
    }
    return n;
}

static size_t chunksize_trials(struct trial *trials, unsigned jobs)
{
    static const size_t sizes[] = {TMILL_CHUNK_AUTO, 1, 4, 16, 64, 256};
    size_t n = sizeof sizes / sizeof *sizes;
    for (size_t i = 0; i < n; i++)
        trials[i] = (struct trial){.jobs = jobs, .chunksize = sizes[i]};
    return n;
}

/* Finds the number of workers; prints what it saw. */
static int tune_jobs(struct run *r, unsigned *jobs)
{
    struct trial trials[TRIALS_MAX];
    size_t n = jobs_trials(trials);
    int status = run_trials(r, trials, n);
    if (status)
        return status;
    printf("%" PRIu64 " files, %.1f MB, in the page cache; medians of %d\n\n"
           "--jobs, with --chunksize auto\n",
           r->hashed, (double)r->bytes / 1e6, ROUNDS);
    draw(r, trials, n, true);
    *jobs = best(trials, n)->jobs;
    return command_flush();
}

static int tune_chunksize(struct run *r, unsigned jobs)
{
    struct trial trials[TRIALS_MAX];
    char chunk[24];
    size_t n = chunksize_trials(trials, jobs);
    int status = run_trials(r, trials, n);
    if (status)
        return status;
    printf("\n--chunksize, with --jobs %u\n", jobs);
    draw(r, trials, n, false);
    name_chunksize(chunk, sizeof chunk, best(trials, n)->chunksize);
    printf("\nfastest, or within %.0f %% of it: --jobs %u --chunksize %s\n",
           tolerance * 100, jobs, chunk);
    return command_flush();
}

static int tune(const struct options *o)
{
    struct run r = {.options = o, .config.algos = hash_algos(&o->algos)};
    unsigned jobs;
    int warm = warm_up(&r);
    int status = warm == STATUS_FATAL ? warm : tune_jobs(&r, &jobs);
    if (!status)
        status = tune_chunksize(&r, jobs);
    return status ? status : warm;
}

const struct command cmd_tune = {
    .name = "tune",
    .bit = CMD_TUNE,
    .operands = "[PATH]...",
    .summary = "finds good --jobs and --chunksize for a tree",
    .about =
        "Hashes the files below each PATH ('.' by default) again and again, "
        "with several\nnumbers of --jobs and --chunksize, and draws how fast "
        "each is. The files are in\nthe page cache then: where they come from "
        "a disk, more jobs can help, or hurt.",
    .run = tune,
};
