/* SPDX-License-Identifier: BSD-2-Clause */
#include "libtreemill/ctx.h"

#include <errno.h>

#include "libtreemill/shared.h"

enum { MESSAGE_MAX = 4096, KEEP_BYTES = 1024 * 1024 };

int tmill_reply(tmill_ctx *ctx, const void *bytes, size_t n)
{
    if (ctx->failed)
        return ctx->err;
    if (n > REPLY_MAX - ctx->reply.n) {
        ctx->too_big = true;
        return -EMSGSIZE;
    }
    buf_put(&ctx->reply, bytes, n);
    return buf_error(&ctx->reply);
}

int tmill_fail(tmill_ctx *ctx, int err, const char *fmt, ...)
{
    va_list ap;
    ctx->failed = true;
    ctx->err = err > 0 ? -err : err ? err : -EINVAL;
    buf_clear(&ctx->reply);
    va_start(ap, fmt);
    buf_vprintf(&ctx->reply, fmt, ap);
    va_end(ap);
    if (ctx->reply.n > MESSAGE_MAX)
        ctx->reply.n = MESSAGE_MAX;
    return ctx->err;
}

int tmill_stopping(tmill_ctx *ctx)
{
    return ctx->stop &&
           atomic_load_explicit(ctx->stop, memory_order_relaxed) != 0;
}

int tmill_worker_slot(tmill_ctx *ctx)
{
    return ctx->slot;
}

void **tmill_local(tmill_ctx *ctx)
{
    return &ctx->local;
}

void tmill_progress(tmill_ctx *ctx, uint64_t n)
{
    /* One writer: no read-modify-write is needed. */
    uint64_t now = atomic_load_explicit(ctx->work, memory_order_relaxed);
    atomic_store_explicit(ctx->work, now + n, memory_order_relaxed);
}

static void begin(struct tmill_ctx *ctx)
{
    if (ctx->reply.cap > KEEP_BYTES || ctx->reply.failed)
        buf_free(&ctx->reply);
    buf_clear(&ctx->reply);
    ctx->failed = false;
    ctx->too_big = false;
    ctx->err = 0;
}

void ctx_run(struct tmill_ctx *ctx, tmill_fn *fn, const tmill_buf *arg,
             struct reply_head *head)
{
    begin(ctx);
    int got = fn(ctx, arg, 1);
    if (!ctx->failed && !got && buf_error(&ctx->reply))
        got = -ENOMEM; /* the function ignored what tmill_reply() said */
    head->why = TMILL_OK;
    head->err = 0;
    if (ctx->too_big) {
        head->why = TMILL_ETOOBIG;
        head->err = -EMSGSIZE;
        buf_clear(&ctx->reply);
    } else if (ctx->failed || got) {
        head->why = TMILL_EFN;
        head->err = ctx->failed ? ctx->err : got < 0 ? got : -EINVAL;
        if (!ctx->failed)
            buf_clear(&ctx->reply);
    }
    head->n = ctx->reply.n;
}

void ctx_free(struct tmill_ctx *ctx)
{
    buf_free(&ctx->reply);
}
