/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pool's processes: deaths, time limits, ends, and what is left behind.
 */
#include "pooling.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>

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

static Suite *workers_suite(void)
{
    Suite *s = suite_create("workers");
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
    return run_suite(workers_suite());
}
