/* SPDX-License-Identifier: BSD-2-Clause */
#include "ops/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "ops/reader.h"

struct hasher {
    struct reader reader;
    const struct hash_config *config;
    unsigned mask;
};

static int hash_init(tmill_ctx *ctx, void *config)
{
    struct hasher *h = calloc(1, sizeof *h);
    int err = h ? reader_init(&h->reader) : -ENOMEM;
    if (err) {
        free(h);
        return err;
    }
    h->config = config;
    h->mask = algo_mask(&h->config->algos);
    *tmill_local(ctx) = h;
    /* An algorithm that libcrypto refuses fails here, once. */
    return digester_begin(h->reader.digester, h->mask);
}

static void hash_fini(tmill_ctx *ctx)
{
    struct hasher *h = *tmill_local(ctx);
    reader_free(&h->reader);
    free(h);
}

static int reply(tmill_ctx *ctx, struct hasher *h, const struct stat *st)
{
    unsigned char digest[ALGO_MAX_BYTES];
    struct hash_reply head = {.size = (uint64_t)st->st_size,
                              .mtime = st->st_mtim.tv_sec,
                              .mtime_ns = (uint32_t)st->st_mtim.tv_nsec,
                              .mode = st->st_mode};
    int err = tmill_reply(ctx, &head, sizeof head);
    for (int i = 0; i < h->config->algos.n && !err; i++) {
        int id = h->config->algos.id[i];
        err = digester_final(h->reader.digester, id, digest);
        if (!err)
            err = tmill_reply(ctx, digest, algos[id].bytes);
    }
    return err;
}

static int hash_run(tmill_ctx *ctx, const tmill_buf *arg, size_t nargs)
{
    (void)nargs;
    struct hasher *h = *tmill_local(ctx);
    struct task t;
    struct stat st;
    task_unpack(&t, arg);
    if (t.err)
        return reader_fail(ctx, t.err);
    int fd = reader_open(&h->reader, &t, &st);
    if (fd < 0)
        return reader_fail(ctx, fd);
    int result = reader_digest(&h->reader, ctx, fd, h->mask, &st);
    close(fd);
    if (!result)
        result = reply(ctx, h, &st);
    return result ? reader_fail(ctx, result) : 0;
}

const struct op op_hash = {
    .name = "hash", .init = hash_init, .run = hash_run, .fini = hash_fini};
