/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pool: what holds with worker processes and without, run on both.
 */
#include "pooling.h"

#include <stdio.h>

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

static const struct kind kinds[] = {{TMILL_SERIAL, 0, 1, 0},
                                    {TMILL_SERIAL, 0, 64, 3},
                                    {0, 1, 1, 0},
                                    {0, 2, 1, 1},
                                    {0, 2, 16, 0},
                                    {0, 5, TMILL_CHUNK_AUTO, 0},
                                    {0, 3, 1000, 0},
                                    {0, 4, 7, 5}};
enum { NKINDS = sizeof kinds / sizeof *kinds };

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
    return s;
}

int main(void)
{
    return run_suite(pool_suite());
}
