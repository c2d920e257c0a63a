/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pool: one set of tests, run on worker processes and on the serial twin,
 * and then what only processes can show: deaths, limits, ends.
 */
#include "libtreemill/treemill.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* --- sources and functions -------------------------------------------------
 */

/* The numbers 0 .. n-1; an error after them when err is set. */
struct range {
    uint64_t at, n;
    int err;
};

static int range_next(void *u, tmill_buf *item)
{
    static uint64_t value;
    struct range *r = u;
    if (r->at == r->n)
        return r->err;
    value = r->at++;
    *item = (tmill_buf){&value, sizeof value};
    return 1;
}

static uint64_t number(const tmill_buf *b)
{
    uint64_t n;
    ck_assert_uint_eq(b->n, sizeof n);
    memcpy(&n, b->p, sizeof n);
    return n;
}

static int square(tmill_ctx *ctx, const tmill_buf *arg, size_t nargs)
{
    (void)nargs;
    uint64_t n = number(arg);
    n *= n;
    return tmill_reply(ctx, &n, sizeof n);
}

/* Fails every third item, in one of the three ways there are. */
static int moody(tmill_ctx *ctx, const tmill_buf *arg, size_t nargs)
{
    uint64_t n = number(arg);
    if (n % 9 == 3)
        return tmill_fail(ctx, EIO, "item %d is bad", (int)n);
    if (n % 9 == 6)
        return -ENOENT;
    if (n % 9 == 0)
        return 7;
    return square(ctx, arg, nargs);
}

/* --- the two pools ---------------------------------------------------------
 */

static const struct kind {
    unsigned flags, processes;
    size_t chunksize, buffersize;
} kinds[] = {{TMILL_SERIAL, 0, 1, 0},
             {TMILL_SERIAL, 0, 64, 3},
             {0, 1, 1, 0},
             {0, 2, 1, 1},
             {0, 2, 16, 0},
             {0, 5, TMILL_CHUNK_AUTO, 0},
             {0, 3, 1000, 0},
             {0, 4, 7, 5}};
enum { NKINDS = sizeof kinds / sizeof *kinds };

static tmill_pool *make_pool(unsigned flags, unsigned processes)
{
    tmill_pool *pool;
    tmill_attr attr = {
        .size = sizeof attr, .processes = processes, .flags = flags};
    ck_assert_int_eq(tmill_pool_create(&pool, &attr), 0);
    return pool;
}

static tmill_iter *start(tmill_pool *pool, const struct kind *k, bool ordered,
                         tmill_fn *fn, struct range *range)
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

static void assert_no_child(void)
{
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}

static void finish(tmill_pool *pool, tmill_iter *it)
{
    tmill_iter_free(it);
    ck_assert_int_eq(tmill_pool_close(pool), 0);
    ck_assert_int_eq(tmill_pool_join(pool, 20000), 0);
    tmill_pool_destroy(pool);
    assert_no_child();
}

/* --- both ------------------------------------------------------------------
 */

START_TEST(test_imap)
{
    const struct kind *k = &kinds[_i];
    tmill_pool *pool = make_pool(k->flags, k->processes);
    struct range range = {.n = 2000};
    tmill_iter *it = start(pool, k, true, square, &range);
    tmill_item item;
    for (uint64_t i = 0; i < range.n; i++) {
        ck_assert_int_eq(tmill_next(it, &item, TMILL_FOREVER), 1);
        ck_assert_uint_eq(item.index, i);
        ck_assert_int_eq(item.why, TMILL_OK);
        ck_assert_uint_eq(item.attempts, 1);
        ck_assert_uint_eq(number(&item.in), i);
        ck_assert_uint_eq(number(&item.out), i * i);
        ck_assert_uint_eq(item.msg.n, 0);
    }
    for (int again = 0; again < 3; again++)
        ck_assert_int_eq(tmill_next(it, &item, TMILL_FOREVER), 0);
    finish(pool, it);
}
END_TEST

START_TEST(test_imap_unordered)
{
    const struct kind *k = &kinds[_i];
    tmill_pool *pool = make_pool(k->flags, k->processes);
    struct range range = {.n = 2000};
    tmill_iter *it = start(pool, k, false, square, &range);
    tmill_item item;
    bool seen[2000] = {0};
    while (tmill_next(it, &item, TMILL_FOREVER) == 1) {
        ck_assert(!seen[item.index]);
        seen[item.index] = true;
        ck_assert_uint_eq(number(&item.out), item.index * item.index);
    }
    for (size_t i = 0; i < 2000; i++)
        ck_assert(seen[i]);
    finish(pool, it);
}
END_TEST

START_TEST(test_errors_stay_with_their_items)
{
    const struct kind *k = &kinds[_i];
    tmill_pool *pool = make_pool(k->flags, k->processes);
    struct range range = {.n = 900};
    tmill_iter *it = start(pool, k, true, moody, &range);
    tmill_item item;
    for (uint64_t i = 0; i < range.n; i++) {
        ck_assert_int_eq(tmill_next(it, &item, TMILL_FOREVER), 1);
        ck_assert_uint_eq(item.index, i);
        ck_assert_int_eq(item.why, i % 3 ? TMILL_OK : TMILL_EFN);
        ck_assert_uint_eq(item.out.n, i % 3 ? 8 : 0);
        if (i % 9 == 3) {
            char text[32];
            snprintf(text, sizeof text, "item %d is bad", (int)i);
            ck_assert_int_eq(item.err, -EIO);
            ck_assert_uint_eq(item.msg.n, strlen(text));
            ck_assert(memcmp(item.msg.p, text, item.msg.n) == 0);
        } else if (i % 3 == 0) {
            ck_assert_int_eq(item.err, i % 9 ? -ENOENT : -EINVAL);
            ck_assert_uint_eq(item.msg.n, 0);
        }
    }
    ck_assert_int_eq(tmill_next(it, &item, TMILL_FOREVER), 0);
    finish(pool, it);
}
END_TEST

START_TEST(test_empty_source)
{
    const struct kind *k = &kinds[_i];
    tmill_pool *pool = make_pool(k->flags, k->processes);
    struct range range = {0};
    tmill_iter *it = start(pool, k, true, square, &range);
    tmill_item item;
    ck_assert_int_eq(tmill_next(it, &item, TMILL_FOREVER), 0);
    finish(pool, it);
}
END_TEST

START_TEST(test_source_error_comes_last)
{
    const struct kind *k = &kinds[_i];
    tmill_pool *pool = make_pool(k->flags, k->processes);
    struct range range = {.n = 25, .err = -EPROTO};
    tmill_iter *it = start(pool, k, true, square, &range);
    tmill_item item;
    for (uint64_t i = 0; i < range.n; i++) {
        ck_assert_int_eq(tmill_next(it, &item, TMILL_FOREVER), 1);
        ck_assert_int_eq(item.why, TMILL_OK);
    }
    ck_assert_int_eq(tmill_next(it, &item, TMILL_FOREVER), 1);
    ck_assert_int_eq(item.why, TMILL_ESOURCE);
    ck_assert_int_eq(item.err, -EPROTO);
    ck_assert_int_eq(tmill_next(it, &item, TMILL_FOREVER), 0);
    finish(pool, it);
}
END_TEST

START_TEST(test_window_bounds_what_is_pulled)
{
    const struct kind *k = &kinds[_i];
    tmill_pool *pool = make_pool(k->flags, k->processes);
    struct kind narrow = *k;
    narrow.buffersize = 10;
    struct range range = {.n = 1000};
    tmill_iter *it = start(pool, &narrow, true, square, &range);
    tmill_item item;
    for (uint64_t i = 0; i < range.n; i++) {
        ck_assert_int_eq(tmill_next(it, &item, TMILL_FOREVER), 1);
        ck_assert_uint_le(range.at, i + 1 + 10);
    }
    finish(pool, it);
}
END_TEST

/* Replies larger than the channel, of every size around its size. */
static int blob(tmill_ctx *ctx, const tmill_buf *arg, size_t nargs)
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

START_TEST(test_large_replies)
{
    const struct kind *k = &kinds[_i];
    tmill_pool *pool = make_pool(k->flags, k->processes);
    struct range range = {.n = 40};
    tmill_iter *it = start(pool, k, true, blob, &range);
    tmill_item item;
    for (uint64_t i = 0; i < range.n; i++) {
        ck_assert_int_eq(tmill_next(it, &item, TMILL_FOREVER), 1);
        ck_assert_int_eq(item.why, TMILL_OK);
        ck_assert_uint_eq(item.out.n, i * 32749);
        for (size_t b = 0; b < item.out.n; b += 1021)
            ck_assert_int_eq(((const char *)item.out.p)[b], (char)(i + 1));
    }
    finish(pool, it);
}
END_TEST

static int too_big(tmill_ctx *ctx, const tmill_buf *arg, size_t nargs)
{
    static char mib[1 << 20];
    for (int i = 0; number(arg) == 1 && i < 65; i++)
        tmill_reply(ctx, mib, sizeof mib);
    return number(arg) == 1 ? 0 : square(ctx, arg, nargs);
}

START_TEST(test_reply_too_big_fails_its_item_only)
{
    const struct kind *k = &kinds[_i];
    tmill_pool *pool = make_pool(k->flags, k->processes);
    struct range range = {.n = 3};
    tmill_iter *it = start(pool, k, true, too_big, &range);
    tmill_item item;
    for (uint64_t i = 0; i < range.n; i++) {
        ck_assert_int_eq(tmill_next(it, &item, TMILL_FOREVER), 1);
        ck_assert_int_eq(item.why, i == 1 ? TMILL_ETOOBIG : TMILL_OK);
    }
    finish(pool, it);
}
END_TEST

static int init_value(tmill_ctx *ctx, void *initarg)
{
    *tmill_local(ctx) = initarg;
    return 0;
}

static int tell_local(tmill_ctx *ctx, const tmill_buf *arg, size_t nargs)
{
    (void)arg, (void)nargs;
    tmill_progress(ctx, 5);
    return tmill_reply(ctx, *tmill_local(ctx), 4);
}

START_TEST(test_init_local_and_progress)
{
    const struct kind *k = &kinds[_i];
    char word[] = "mill";
    tmill_pool *pool;
    tmill_attr attr = {.size = sizeof attr,
                       .processes = k->processes,
                       .flags = k->flags,
                       .init = init_value,
                       .initarg = word};
    ck_assert_int_eq(tmill_pool_create(&pool, &attr), 0);
    struct range range = {.n = 100};
    tmill_iter *it = start(pool, k, false, tell_local, &range);
    tmill_item item;
    while (tmill_next(it, &item, TMILL_FOREVER) == 1)
        ck_assert(item.out.n == 4 && memcmp(item.out.p, "mill", 4) == 0);
    tmill_stats stats;
    tmill_pool_stats(pool, &stats);
    ck_assert_uint_eq(stats.work, 500);
    ck_assert_uint_eq(stats.items, 100);
    ck_assert_uint_ge(stats.chunks, 1);
    ck_assert_uint_eq(stats.deaths, 0);
    ck_assert_uint_eq(stats.processes, k->processes);
    finish(pool, it);
}
END_TEST

static int init_fails(tmill_ctx *ctx, void *initarg)
{
    (void)ctx, (void)initarg;
    return -ENODEV;
}

START_TEST(test_init_failure_breaks_the_pool)
{
    const struct kind *k = &kinds[_i];
    tmill_pool *pool;
    tmill_attr attr = {.size = sizeof attr,
                       .processes = k->processes,
                       .flags = k->flags,
                       .init = init_fails};
    ck_assert_int_eq(tmill_pool_create(&pool, &attr), 0);
    struct range range = {.n = 100};
    tmill_opt opt = {.size = sizeof opt};
    tmill_iter *it = NULL;
    int err = tmill_imap(pool, square, range_next, &range, &opt, &it);
    if (!err) {
        tmill_item item;
        int got;
        while ((got = tmill_next(it, &item, 10000)) == 1) {
            ck_assert_int_eq(item.why, TMILL_EINIT);
            ck_assert_int_eq(item.err, -ENODEV);
        }
        ck_assert_int_eq(got, -ENODEV);
        tmill_iter_free(it);
        ck_assert_int_eq(
            tmill_imap(pool, square, range_next, &range, &opt, &it), -EPIPE);
    } else {
        ck_assert_int_eq(err, -EPIPE);
    }
    tmill_pool_destroy(pool);
    assert_no_child();
}
END_TEST

START_TEST(test_two_iterators_at_once)
{
    const struct kind *k = &kinds[_i];
    tmill_pool *pool = make_pool(k->flags, k->processes);
    struct range ra = {.n = 300}, rb = {.n = 200};
    tmill_iter *a = start(pool, k, true, square, &ra);
    tmill_iter *b = start(pool, k, false, moody, &rb);
    tmill_item item;
    int na = 0, nb = 0;
    while (na < 300 || nb < 200) {
        if (na < 300)
            na += tmill_next(a, &item, TMILL_FOREVER);
        if (nb < 200)
            nb += tmill_next(b, &item, TMILL_FOREVER);
    }
    ck_assert_int_eq(tmill_next(a, &item, TMILL_FOREVER), 0);
    ck_assert_int_eq(tmill_next(b, &item, TMILL_FOREVER), 0);
    tmill_iter_free(b);
    finish(pool, a);
}
END_TEST

START_TEST(test_abandoned_iterator_leaves_the_pool_usable)
{
    const struct kind *k = &kinds[_i];
    tmill_pool *pool = make_pool(k->flags, k->processes);
    tmill_item item;
    for (int round = 0; round < 20; round++) {
        struct range endless = {.n = UINT64_MAX};
        tmill_iter *it = start(pool, k, round & 1, square, &endless);
        for (int i = 0; i < round; i++)
            ck_assert_int_eq(tmill_next(it, &item, TMILL_FOREVER), 1);
        tmill_iter_free(it);
    }
    struct range range = {.n = 10};
    tmill_iter *it = start(pool, k, true, square, &range);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(tmill_next(it, &item, TMILL_FOREVER), 1);
    finish(pool, it);
}
END_TEST

START_TEST(test_close_lets_iterators_go_on)
{
    const struct kind *k = &kinds[_i];
    tmill_pool *pool = make_pool(k->flags, k->processes);
    struct range range = {.n = 500};
    tmill_iter *it = start(pool, k, true, square, &range), *other;
    tmill_item item;
    ck_assert_int_eq(tmill_pool_join(pool, 0), -EBUSY);
    ck_assert_int_eq(tmill_pool_close(pool), 0);
    ck_assert_int_eq(tmill_pool_close(pool), 0);
    ck_assert_int_eq(tmill_imap(pool, square, range_next, &range, NULL, &other),
                     -EPIPE);
    ck_assert_int_eq(tmill_pool_join(pool, TMILL_FOREVER), -EDEADLK);
    for (int i = 0; i < 500; i++)
        ck_assert_int_eq(tmill_next(it, &item, TMILL_FOREVER), 1);
    ck_assert_int_eq(tmill_next(it, &item, TMILL_FOREVER), 0);
    ck_assert_int_eq(tmill_pool_join(pool, TMILL_FOREVER), 0);
    ck_assert_int_eq(tmill_pool_join(pool, TMILL_FOREVER), 0);
    finish(pool, it);
}
END_TEST

START_TEST(test_terminate_cancels_what_was_pulled)
{
    const struct kind *k = &kinds[_i];
    tmill_pool *pool = make_pool(k->flags, k->processes);
    struct range endless = {.n = UINT64_MAX};
    tmill_iter *it = start(pool, k, true, square, &endless);
    tmill_item item;
    uint64_t n = 0;
    for (; n < 5; n++)
        ck_assert_int_eq(tmill_next(it, &item, TMILL_FOREVER), 1);
    ck_assert_int_eq(tmill_pool_terminate(pool), 0);
    ck_assert_int_eq(tmill_pool_terminate(pool), 0);
    while (tmill_next(it, &item, TMILL_FOREVER) == 1) {
        ck_assert_uint_eq(item.index, n++);
        ck_assert(item.why == TMILL_OK || item.why == TMILL_ECANCEL);
    }
    ck_assert_uint_eq(n, endless.at);
    ck_assert_int_eq(tmill_pool_join(pool, 10000), 0);
    finish(pool, it);
}
END_TEST

START_TEST(test_bad_arguments)
{
    tmill_pool *pool;
    tmill_attr attr = {.size = 3};
    ck_assert_int_eq(tmill_pool_create(&pool, &attr), -EINVAL);
    attr = (tmill_attr){.size = sizeof attr, .processes = 1025};
    ck_assert_int_eq(tmill_pool_create(&pool, &attr), -EINVAL);
    attr = (tmill_attr){.size = sizeof attr, .timeout_ms = -1};
    ck_assert_int_eq(tmill_pool_create(&pool, &attr), -EINVAL);
    attr = (tmill_attr){.size = sizeof attr, .flags = 1u << 30};
    ck_assert_int_eq(tmill_pool_create(&pool, &attr), -EINVAL);
    ck_assert_ptr_null(pool);
    pool = make_pool(0, 1);
    tmill_iter *it;
    struct range r = {0};
    tmill_opt opt = {.size = 1};
    ck_assert_int_eq(tmill_imap(pool, square, range_next, &r, &opt, &it),
                     -EINVAL);
    ck_assert_int_eq(tmill_imap(pool, NULL, range_next, &r, NULL, &it),
                     -EINVAL);
    ck_assert_int_eq(tmill_imap(pool, square, NULL, &r, NULL, &it), -EINVAL);
    tmill_pool_destroy(pool);
    tmill_pool_destroy(NULL);
    tmill_iter_free(NULL);
}
END_TEST

/* --- processes only --------------------------------------------------------
 */

/* A page shared with the workers, to tell and to hold them by. */
static struct {
    _Atomic int go;
    _Atomic int pids[16];
    _Atomic int runs[4096];
} * board;

static void map_board(void)
{
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(board, MAP_FAILED);
}

static int die(tmill_ctx *ctx, const tmill_buf *arg, size_t nargs)
{
    uint64_t n = number(arg);
    board->runs[n]++;
    if (n % 50 == 7)
        raise(SIGKILL);
    if (n % 50 == 9)
        _exit(3);
    return square(ctx, arg, nargs);
}

static const struct kind forked[] = {{0, 1, 1, 0},
                                     {0, 2, 1, 0},
                                     {0, 2, 40, 0},
                                     {0, 5, TMILL_CHUNK_AUTO, 0},
                                     {0, 3, 1000, 0}};
enum { NFORKED = sizeof forked / sizeof *forked };

START_TEST(test_death_costs_one_item)
{
    const struct kind *k = &forked[_i];
    map_board();
    tmill_pool *pool = make_pool(0, k->processes);
    struct range range = {.n = 500};
    tmill_iter *it = start(pool, k, true, die, &range);
    tmill_item item;
    for (uint64_t i = 0; i < range.n; i++) {
        ck_assert_int_eq(tmill_next(it, &item, TMILL_FOREVER), 1);
        ck_assert_uint_eq(item.index, i);
        ck_assert_int_eq(board->runs[i], 1);
        if (i % 50 == 7 || i % 50 == 9) {
            ck_assert_int_eq(item.why, TMILL_EDIED);
            ck_assert_int_eq(item.wstatus, i % 50 == 7 ? SIGKILL : 3 << 8);
        } else {
            ck_assert_int_eq(item.why, TMILL_OK);
            ck_assert_uint_eq(number(&item.out), i * i);
        }
    }
    tmill_stats stats;
    tmill_pool_stats(pool, &stats);
    ck_assert_uint_eq(stats.deaths, 20);
    finish(pool, it);
}
END_TEST

START_TEST(test_retries_run_a_dead_item_again)
{
    map_board();
    tmill_pool *pool;
    tmill_attr attr = {.size = sizeof attr, .processes = 2, .retries = 2};
    ck_assert_int_eq(tmill_pool_create(&pool, &attr), 0);
    struct range range = {.n = 40};
    tmill_iter *it = start(pool, &forked[2], true, die, &range);
    tmill_item item;
    for (uint64_t i = 0; i < range.n; i++) {
        bool dies = i == 7 || i == 9;
        ck_assert_int_eq(tmill_next(it, &item, TMILL_FOREVER), 1);
        ck_assert_int_eq(item.why, dies ? TMILL_EDIED : TMILL_OK);
        ck_assert_uint_eq(item.attempts, dies ? 3 : 1);
        ck_assert_int_eq(board->runs[i], dies ? 3 : 1);
    }
    finish(pool, it);
}
END_TEST

/* Registers its worker, so that the test can kill it at random. */
static int target(tmill_ctx *ctx, const tmill_buf *arg, size_t nargs)
{
    uint64_t n = number(arg);
    board->pids[tmill_worker_slot(ctx)] = getpid();
    board->runs[n]++;
    for (volatile int i = 0; i < 2000; i++)
        ;
    return square(ctx, arg, nargs);
}

START_TEST(test_random_kills_lose_nothing)
{
    const struct kind *k = &forked[_i];
    map_board();
    tmill_pool *pool = make_pool(0, k->processes);
    struct range range = {.n = 4096};
    tmill_iter *it = start(pool, k, false, target, &range);
    tmill_item item;
    unsigned seed = 1, kills = 0, died = 0, n = 0;
    bool seen[4096] = {0};
    while (tmill_next(it, &item, TMILL_FOREVER) == 1) {
        ck_assert(!seen[item.index]);
        seen[item.index] = true;
        n++;
        if (item.why == TMILL_OK) {
            ck_assert_uint_eq(number(&item.out), item.index * item.index);
            ck_assert_int_eq(board->runs[item.index], 1);
        } else {
            died++;
            ck_assert_int_eq(item.why, TMILL_EDIED);
            ck_assert_int_le(board->runs[item.index], 1);
        }
        if (rand_r(&seed) % 100 == 0 && kills < 40) {
            int pid = board->pids[(unsigned)rand_r(&seed) % k->processes];
            if (pid)
                kills += kill(pid, SIGKILL) == 0;
        }
    }
    ck_assert_uint_eq(n, range.n);
    ck_assert_uint_le(died, kills);
    ck_assert_uint_gt(kills, 0);
    finish(pool, it);
}
END_TEST

static int hang(tmill_ctx *ctx, const tmill_buf *arg, size_t nargs)
{
    if (number(arg) == 3)
        for (;;)
            pause();
    return square(ctx, arg, nargs);
}

START_TEST(test_time_limit_costs_one_item)
{
    const struct kind *k = &forked[_i];
    tmill_pool *pool;
    tmill_attr attr = {
        .size = sizeof attr, .processes = k->processes, .timeout_ms = 50};
    ck_assert_int_eq(tmill_pool_create(&pool, &attr), 0);
    struct range range = {.n = 100};
    tmill_iter *it = start(pool, k, true, hang, &range);
    tmill_item item;
    for (uint64_t i = 0; i < range.n; i++) {
        ck_assert_int_eq(tmill_next(it, &item, TMILL_FOREVER), 1);
        ck_assert_int_eq(item.why, i == 3 ? TMILL_ETIME : TMILL_OK);
        if (i == 3)
            ck_assert_int_eq(WTERMSIG(item.wstatus), SIGTERM);
    }
    finish(pool, it);
}
END_TEST

static int init_deaf(tmill_ctx *ctx, void *u)
{
    (void)ctx, (void)u;
    signal(SIGTERM, SIG_IGN);
    return 0;
}

/* Item 0 sees the flag and returns; item 1 ignores it. */
static int stubborn(tmill_ctx *ctx, const tmill_buf *arg, size_t nargs)
{
    while (number(arg) < 2 && !(number(arg) == 0 && tmill_stopping(ctx)))
        ;
    return square(ctx, arg, nargs);
}

START_TEST(test_grace_then_kill)
{
    tmill_pool *pool;
    tmill_attr attr = {.size = sizeof attr,
                       .processes = 2,
                       .timeout_ms = 30,
                       .grace_ms = 300,
                       .init = init_deaf};
    ck_assert_int_eq(tmill_pool_create(&pool, &attr), 0);
    struct range range = {.n = 50};
    tmill_iter *it = start(pool, &forked[1], true, stubborn, &range);
    tmill_item item;
    for (uint64_t i = 0; i < range.n; i++) {
        ck_assert_int_eq(tmill_next(it, &item, TMILL_FOREVER), 1);
        ck_assert_int_eq(item.why, i == 1 ? TMILL_ETIME : TMILL_OK);
        if (i == 1)
            ck_assert_int_eq(WTERMSIG(item.wstatus), SIGKILL);
    }
    finish(pool, it);
}
END_TEST

static int tell_pid(tmill_ctx *ctx, const tmill_buf *arg, size_t nargs)
{
    (void)arg, (void)nargs;
    pid_t pid = getpid();
    return tmill_reply(ctx, &pid, sizeof pid);
}

START_TEST(test_maxtasksperchild_counts_items)
{
    const struct kind *k = &forked[_i];
    tmill_pool *pool;
    tmill_attr attr = {
        .size = sizeof attr, .processes = k->processes, .maxtasksperchild = 6};
    ck_assert_int_eq(tmill_pool_create(&pool, &attr), 0);
    struct range range = {.n = 100};
    tmill_iter *it = start(pool, k, true, tell_pid, &range);
    tmill_item item;
    pid_t pids[100];
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(tmill_next(it, &item, TMILL_FOREVER), 1);
        memcpy(&pids[i], item.out.p, sizeof pids[i]);
        int same = 0;
        for (int j = 0; j <= i; j++)
            same += pids[j] == pids[i];
        ck_assert_int_le(same, 6);
    }
    tmill_stats stats;
    tmill_pool_stats(pool, &stats);
    ck_assert_uint_eq(stats.deaths, 0);
    finish(pool, it);
}
END_TEST

/* Item 0 holds its worker until all others have been delivered. */
static int convoy(tmill_ctx *ctx, const tmill_buf *arg, size_t nargs)
{
    while (number(arg) == 0 && !board->go)
        usleep(100);
    return square(ctx, arg, nargs);
}

START_TEST(test_items_do_not_wait_behind_a_long_one)
{
    const struct kind *k = &forked[_i];
    if (k->processes == 1)
        return;
    map_board();
    tmill_pool *pool = make_pool(0, k->processes);
    struct range range = {.n = 200};
    tmill_iter *it = start(pool, k, false, convoy, &range);
    tmill_item item;
    for (int i = 1; i < 200; i++) {
        ck_assert_int_eq(tmill_next(it, &item, 20000), 1);
        ck_assert_uint_ne(item.index, 0);
    }
    ck_assert_int_eq(tmill_next(it, &item, 0), -ETIMEDOUT);
    board->go = 1;
    ck_assert_int_eq(tmill_next(it, &item, 20000), 1);
    ck_assert_uint_eq(item.index, 0);
    finish(pool, it);
}
END_TEST

START_TEST(test_next_times_out_and_goes_on)
{
    map_board();
    tmill_pool *pool = make_pool(0, 2);
    struct range range = {.n = 1};
    tmill_iter *it = start(pool, &forked[1], true, convoy, &range);
    tmill_item item;
    ck_assert_int_eq(tmill_next(it, &item, 0), -ETIMEDOUT);
    ck_assert_int_eq(tmill_next(it, &item, 20), -ETIMEDOUT);
    board->go = 1;
    ck_assert_int_eq(tmill_next(it, &item, TMILL_FOREVER), 1);
    ck_assert_uint_eq(item.index, 0);
    finish(pool, it);
}
END_TEST

START_TEST(test_reply_budget_bounds_memory)
{
    tmill_pool *pool;
    tmill_attr attr = {
        .size = sizeof attr, .processes = 3, .reply_budget = 1 << 20};
    ck_assert_int_eq(tmill_pool_create(&pool, &attr), 0);
    struct range range = {.n = 60};
    struct kind wide = {.chunksize = 4, .buffersize = 60};
    tmill_iter *it = start(pool, &wide, true, blob, &range);
    tmill_item item;
    for (uint64_t i = 0; i < range.n; i++) {
        ck_assert_int_eq(tmill_next(it, &item, TMILL_FOREVER), 1);
        ck_assert_uint_eq(item.index, i);
        ck_assert_uint_eq(item.out.n, i * 32749);
    }
    finish(pool, it);
}
END_TEST

START_TEST(test_terminate_does_not_wait_for_items)
{
    map_board();
    tmill_pool *pool = make_pool(0, 3);
    struct range range = {.n = 100};
    tmill_iter *it = start(pool, &forked[2], false, convoy, &range);
    tmill_item item;
    ck_assert_int_eq(tmill_next(it, &item, TMILL_FOREVER), 1);
    ck_assert_int_eq(tmill_pool_terminate(pool), 0);
    ck_assert_int_eq(tmill_pool_join(pool, 5000), 0);
    unsigned cancelled = 0, n = 1;
    while (tmill_next(it, &item, TMILL_FOREVER) == 1) {
        n++;
        cancelled += item.why == TMILL_ECANCEL;
    }
    ck_assert_uint_eq(n, range.at);
    ck_assert_uint_ge(cancelled, 1);
    finish(pool, it);
}
END_TEST

START_TEST(test_handles_are_refused_in_a_child)
{
    tmill_pool *pool = make_pool(0, 2);
    struct range range = {.n = 10};
    tmill_iter *it = start(pool, &forked[1], true, square, &range);
    tmill_item item;
    pid_t pid = fork();
    if (pid == 0) {
        tmill_iter *other;
        tmill_opt opt = {.size = sizeof opt};
        bool ok = tmill_next(it, &item, 0) == -ECHILD &&
                  tmill_pool_close(pool) == -ECHILD &&
                  tmill_pool_terminate(pool) == -ECHILD &&
                  tmill_pool_join(pool, 0) == -ECHILD &&
                  tmill_imap(pool, square, range_next, &range, &opt, &other) ==
                      -ECHILD;
        tmill_pool_destroy(pool);
        _exit(ok ? 0 : 1);
    }
    int wstatus;
    ck_assert_int_eq(waitpid(pid, &wstatus, 0), pid);
    ck_assert_int_eq(wstatus, 0);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(tmill_next(it, &item, TMILL_FOREVER), 1);
    finish(pool, it);
}
END_TEST

START_TEST(test_workers_die_with_a_killed_parent)
{
    int fds[2];
    map_board();
    ck_assert_int_eq(pipe(fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        tmill_pool *pool = make_pool(0, 3);
        struct range range = {.n = 100};
        tmill_iter *it = start(pool, &forked[1], true, convoy, &range);
        tmill_item item;
        tmill_next(it, &item, 10);
        raise(SIGKILL);
    }
    close(fds[1]);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    /* Zygote and workers hold the pipe's other end while they live. */
    struct pollfd end = {.fd = fds[0], .events = POLLIN};
    ck_assert_int_eq(poll(&end, 1, 10000), 1);
    char c;
    ck_assert_int_eq(read(fds[0], &c, 1), 0);
}
END_TEST

static int count_fds(void)
{
    int n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

START_TEST(test_nothing_is_left_after_many_rounds)
{
    int before = count_fds();
    for (int round = 0; round < 100; round++) {
        tmill_pool *pool = make_pool(0, 2);
        struct range range = {.n = (uint64_t)round};
        tmill_iter *it = start(pool, &forked[1], true, square, &range);
        tmill_item item;
        if (round % 2)
            ck_assert_int_eq(tmill_next(it, &item, TMILL_FOREVER), 1);
        tmill_iter_free(it);
        tmill_pool_destroy(pool);
    }
    ck_assert_int_eq(count_fds(), before);
    assert_no_child();
}
END_TEST

/* The zygote is our only child. */
static pid_t only_child(void)
{
    char path[64], text[64] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *f = fopen(path, "r");
    if (!f || !fgets(text, sizeof text, f))
        text[0] = '\0';
    if (f)
        fclose(f);
    return (pid_t)atoi(text);
}

START_TEST(test_killed_zygote_breaks_the_pool_with_an_error)
{
    map_board();
    tmill_pool *pool = make_pool(0, 2);
    struct range range = {.n = 100};
    tmill_iter *it = start(pool, &forked[1], true, convoy, &range);
    tmill_item item;
    ck_assert_int_eq(tmill_next(it, &item, 5), -ETIMEDOUT);
    pid_t zygote = only_child();
    if (zygote <= 0)
        return; /* a kernel without CONFIG_PROC_CHILDREN */
    ck_assert_int_eq(kill(zygote, SIGKILL), 0);
    int got;
    while ((got = tmill_next(it, &item, 10000)) == 1)
        ck_assert(item.why == TMILL_EINIT || item.why == TMILL_OK);
    ck_assert_int_eq(got, -EPIPE);
    tmill_iter_free(it);
    tmill_pool_destroy(pool);
    assert_no_child();
}
END_TEST

START_TEST(test_standard_descriptors_are_not_taken)
{
    for (int fd = 0; fd < 3; fd++)
        close(fd);
    tmill_pool *pool;
    tmill_attr attr = {.size = sizeof attr, .processes = 2};
    int err = tmill_pool_create(&pool, &attr);
    bool taken = fcntl(0, F_GETFD) >= 0 || fcntl(1, F_GETFD) >= 0 ||
                 fcntl(2, F_GETFD) >= 0;
    tmill_pool_destroy(pool);
    _exit(err || taken); /* Check cannot report without them */
}
END_TEST

static void noop(int sig)
{
    (void)sig;
}

START_TEST(test_caller_signals_are_left_alone)
{
    sigset_t before, after;
    struct sigaction act = {.sa_handler = noop}, now;
    sigaction(SIGTERM, &act, NULL);
    sigprocmask(SIG_BLOCK, NULL, &before);
    tmill_pool *pool = make_pool(0, 2);
    struct range range = {.n = 10};
    finish(pool, start(pool, &forked[1], true, square, &range));
    sigprocmask(SIG_BLOCK, NULL, &after);
    for (int sig = 1; sig < SIGRTMAX; sig++)
        ck_assert_int_eq(sigismember(&before, sig), sigismember(&after, sig));
    sigaction(SIGTERM, NULL, &now);
    ck_assert(now.sa_handler == noop);
}
END_TEST

/* -------------------------------------------------------------------------- */

static Suite *pool_suite(void)
{
    Suite *s = suite_create("pool");
    TCase *both = tcase_create("both");
    tcase_set_timeout(both, 120);
    tcase_add_loop_test(both, test_imap, 0, NKINDS);
    tcase_add_loop_test(both, test_imap_unordered, 0, NKINDS);
    tcase_add_loop_test(both, test_errors_stay_with_their_items, 0, NKINDS);
    tcase_add_loop_test(both, test_empty_source, 0, NKINDS);
    tcase_add_loop_test(both, test_source_error_comes_last, 0, NKINDS);
    tcase_add_loop_test(both, test_window_bounds_what_is_pulled, 0, NKINDS);
    tcase_add_loop_test(both, test_large_replies, 0, NKINDS);
    tcase_add_loop_test(both, test_reply_too_big_fails_its_item_only, 0,
                        NKINDS);
    tcase_add_loop_test(both, test_init_local_and_progress, 0, NKINDS);
    tcase_add_loop_test(both, test_init_failure_breaks_the_pool, 0, NKINDS);
    tcase_add_loop_test(both, test_two_iterators_at_once, 0, NKINDS);
    tcase_add_loop_test(both, test_abandoned_iterator_leaves_the_pool_usable, 0,
                        NKINDS);
    tcase_add_loop_test(both, test_close_lets_iterators_go_on, 0, NKINDS);
    tcase_add_loop_test(both, test_terminate_cancels_what_was_pulled, 0,
                        NKINDS);
    tcase_add_test(both, test_bad_arguments);
    suite_add_tcase(s, both);

    TCase *procs = tcase_create("processes");
    tcase_set_timeout(procs, 120);
    tcase_add_loop_test(procs, test_death_costs_one_item, 0, NFORKED);
    tcase_add_test(procs, test_retries_run_a_dead_item_again);
    tcase_add_loop_test(procs, test_random_kills_lose_nothing, 0, NFORKED);
    tcase_add_loop_test(procs, test_time_limit_costs_one_item, 0, NFORKED);
    tcase_add_test(procs, test_grace_then_kill);
    tcase_add_loop_test(procs, test_maxtasksperchild_counts_items, 0, NFORKED);
    tcase_add_loop_test(procs, test_items_do_not_wait_behind_a_long_one, 0,
                        NFORKED);
    tcase_add_test(procs, test_next_times_out_and_goes_on);
    tcase_add_test(procs, test_reply_budget_bounds_memory);
    tcase_add_test(procs, test_terminate_does_not_wait_for_items);
    tcase_add_test(procs, test_handles_are_refused_in_a_child);
    tcase_add_test(procs, test_workers_die_with_a_killed_parent);
    tcase_add_test(procs, test_nothing_is_left_after_many_rounds);
    tcase_add_test(procs, test_killed_zygote_breaks_the_pool_with_an_error);
    tcase_add_test(procs, test_caller_signals_are_left_alone);
    tcase_add_exit_test(procs, test_standard_descriptors_are_not_taken, 0);
    suite_add_tcase(s, procs);
    return s;
}

int main(void)
{
    SRunner *sr = srunner_create(pool_suite());
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
