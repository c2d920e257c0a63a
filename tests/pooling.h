/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pooling: sources, task functions and pools that the tests of the pool share.
 */
#ifndef TREEMILL_TESTS_POOLING_H
#define TREEMILL_TESTS_POOLING_H

#include "libtreemill/treemill.h"

#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- sources and functions ----------------------------------------------- */

/* The numbers 0 .. n-1; an error after them when err is set. */
struct range {
    uint64_t at, n;
    int err;
};

__attribute__((unused)) static int range_next(void *u, tmill_buf *item)
{
    static uint64_t value;
    struct range *r = u;
    if (r->at == r->n)
        return r->err;
    value = r->at++;
    *item = (tmill_buf){&value, sizeof value};
    return 1;
}

/* Runs in workers too, where nothing of Check may be called: all processes
 * would write to the one file of its messages. */
__attribute__((unused)) static uint64_t number(const tmill_buf *b)
{
    uint64_t n;
    if (b->n != sizeof n)
        abort();
    memcpy(&n, b->p, sizeof n);
    return n;
}

__attribute__((unused)) static int square(tmill_ctx *ctx, const tmill_buf *arg,
                                          size_t nargs)
{
    (void)nargs;
    uint64_t n = number(arg);
    n *= n;
    return tmill_reply(ctx, &n, sizeof n);
}

/* --- the two pools ------------------------------------------------------- */

/* How a test runs its items. */
struct kind {
    unsigned flags, processes;
    size_t chunksize, buffersize;
};

__attribute__((unused)) static tmill_pool *make_pool(unsigned flags,
                                                     unsigned processes)
{
    tmill_pool *pool;
    tmill_attr attr = {
        .size = sizeof attr, .processes = processes, .flags = flags};
    ck_assert_int_eq(tmill_pool_create(&pool, &attr), 0);
    return pool;
}

__attribute__((unused)) static tmill_iter *start(tmill_pool *pool,
                                                 const struct kind *k,
                                                 bool ordered, tmill_fn *fn,
                                                 struct range *range)
{
    tmill_iter *it;
    tmill_opt opt = {.size = sizeof opt,
                     .chunksize = k->chunksize,
                     .buffersize = k->buffersize};
    ck_assert_int_eq((ordered ? tmill_imap : tmill_imap_unordered)(
                         pool, fn, range_next, range, &opt, &it),
                     0);
    return it;
}

__attribute__((unused)) static void assert_no_child(void)
{
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}

__attribute__((unused)) static void finish(tmill_pool *pool, tmill_iter *it)
{
    tmill_iter_free(it);
    ck_assert_int_eq(tmill_pool_close(pool), 0);
    ck_assert_int_eq(tmill_pool_join(pool, 20000), 0);
    tmill_pool_destroy(pool);
    assert_no_child();
}

/* A page shared with the workers, to tell and to hold them by. */
static struct told {
    _Atomic int go;
    _Atomic int pids[16];
    _Atomic int runs[4096];
} * board;

__attribute__((unused)) static void map_board(void)
{
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(board, MAP_FAILED);
}

/* Replies larger than the channel, of every size around its size. */
__attribute__((unused)) static int blob(tmill_ctx *ctx, const tmill_buf *arg,
                                        size_t nargs)
{
    (void)nargs;
    size_t n = (size_t)number(arg) * 32749;
    char *p = malloc(n + 1);
    memset(p, (int)(number(arg) + 1), n);
    int err = tmill_reply(ctx, p, n / 2);
    if (!err)
        err = tmill_reply(ctx, p, n - n / 2);
    free(p);
    return err;
}

/* Item 0 holds its worker until all others have been delivered. */
__attribute__((unused)) static int convoy(tmill_ctx *ctx, const tmill_buf *arg,
                                          size_t nargs)
{
    while (number(arg) == 0 && !board->go)
        usleep(100);
    return square(ctx, arg, nargs);
}

__attribute__((unused)) static int run_suite(Suite *s)
{
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
