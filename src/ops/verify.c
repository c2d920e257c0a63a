/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A digest whose width leaves a choice (32 digits: XXH128 or MD5) is tried
 * with the algorithm that last proved right in this worker, and only when that
 * fails are the others tried, in one more read: a manifest is usually of one
 * kind.  The verdict does not depend on what was learnt.
 */
#include "ops/verify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ops/reader.h"

struct verifier {
    struct reader reader;
    uint16_t proven; /* algorithms that have matched a digest with a choice */
};

static int verify_init(tmill_ctx *ctx, void *config)
{
    (void)config;
    struct verifier *v = calloc(1, sizeof *v);
    int err = v ? reader_init(&v->reader) : -ENOMEM;
    if (err) {
        free(v);
        return err;
    }
    *tmill_local(ctx) = v;
    return 0;
}

static void verify_fini(tmill_ctx *ctx)
{
    struct verifier *v = *tmill_local(ctx);
    reader_free(&v->reader);
    free(v);
}

/* The candidate to try first: one bit of the set. */
static unsigned favourite(const struct verifier *v, unsigned candidates)
{
    unsigned known = candidates & v->proven;
    unsigned from = known ? known : candidates;
    return from & -from;
}

/* Does the digest of algorithm id, just computed, equal the one expected? */
static bool equals(const unsigned char *got, const struct verify_digest *e)
{
    if (!e->little)
        return memcmp(got, e->bytes, e->n) == 0;
    for (size_t i = 0; i < e->n; i++)
        if (got[i] != e->bytes[e->n - 1 - i])
            return false;
    return true;
}

/* The state of one file's comparison: the candidates of each digest that have
 * not been tried. */
struct trial {
    const struct verify_task *task;
    unsigned left[ALGO_COUNT];
    bool matched[ALGO_COUNT];
};

static void trial_init(struct trial *trial, const struct verify_task *t)
{
    *trial = (struct trial){.task = t};
    for (int i = 0; i < t->n; i++)
        trial->left[i] = t->digest[i].candidates;
}

/* The algorithms of the next read; 0: there is nothing left to find out. */
static unsigned next_mask(const struct verifier *v, const struct trial *trial,
                          bool first)
{
    unsigned mask = 0;
    for (int i = 0; i < trial->task->n; i++) {
        if (trial->matched[i])
            continue;
        if (!trial->left[i])
            return 0; /* it has failed */
        mask |= first ? favourite(v, trial->left[i]) : trial->left[i];
    }
    return mask;
}

/* Compares digest i with those of the algorithms just computed. */
static void compare(struct verifier *v, struct trial *trial, int i,
                    unsigned mask, unsigned char (*got)[ALGO_MAX_BYTES])
{
    unsigned tried = trial->left[i] & mask;
    trial->left[i] &= ~mask;
    for (int id = 0; id < ALGO_COUNT && !trial->matched[i]; id++)
        if (tried >> id & 1 && equals(got[id], &trial->task->digest[i])) {
            trial->matched[i] = true;
            v->proven |= (uint16_t)(1u << id);
        }
}

/* One read. */
static int attempt(struct verifier *v, tmill_ctx *ctx, int fd, struct stat *st,
                   struct trial *trial, unsigned mask)
{
    unsigned char got[ALGO_COUNT][ALGO_MAX_BYTES];
    int err = reader_digest(&v->reader, ctx, fd, mask, st);
    for (int id = 0; id < ALGO_COUNT && !err; id++)
        if (mask >> id & 1)
            err = digester_final(v->reader.digester, id, got[id]);
    for (int i = 0; i < trial->task->n && !err; i++)
        compare(v, trial, i, mask, got);
    return err;
}

static bool all_matched(const struct trial *trial)
{
    for (int i = 0; i < trial->task->n; i++)
        if (!trial->matched[i])
            return false;
    return true;
}

/* 0 with *verdict OK or FAILED; or what reader_digest() says. */
static int judge(struct verifier *v, tmill_ctx *ctx, int fd, struct stat *st,
                 const struct verify_task *t, int32_t *verdict)
{
    struct trial trial;
    unsigned mask;
    *verdict = VERDICT_FAILED;
    if (t->has_size && S_ISREG(st->st_mode) && (uint64_t)st->st_size != t->size)
        return 0;
    trial_init(&trial, t);
    /* A pipe is read once only. */
    bool again = S_ISREG(st->st_mode);
    for (bool first = true; (mask = next_mask(v, &trial, first && again));
         first = false) {
        if (!first && lseek(fd, 0, SEEK_SET) < 0)
            return -errno;
        int err = attempt(v, ctx, fd, st, &trial, mask);
        if (err)
            return err;
    }
    if (all_matched(&trial))
        *verdict = VERDICT_OK;
    return 0;
}

static enum verdict verdict_of(int err)
{
    if (err == READER_CHANGED)
        return VERDICT_CHANGED;
    if (err == -ENOENT || err == -ENOTDIR)
        return VERDICT_MISSING;
    return VERDICT_UNREADABLE;
}

static int verify_run(tmill_ctx *ctx, const tmill_buf *arg, size_t nargs)
{
    (void)nargs;
    struct verifier *v = *tmill_local(ctx);
    struct task t;
    struct verify_task expect;
    struct stat st;
    struct verify_reply reply = {0};
    task_unpack(&t, arg);
    memcpy(&expect, t.extra, t.nextra);
    int fd = t.err ? t.err : reader_open(&v->reader, &t, &st);
    int err = fd < 0 ? fd : judge(v, ctx, fd, &st, &expect, &reply.verdict);
    if (fd >= 0)
        close(fd);
    if (err) {
        reply.verdict = verdict_of(err);
        reply.err = err < 0 ? err : 0;
    }
    return tmill_reply(ctx, &reply, sizeof reply);
}

const struct op op_verify = {.name = "verify",
                             .init = verify_init,
                             .run = verify_run,
                             .fini = verify_fini};
