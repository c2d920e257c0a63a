/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hashing: what the tests of the operations and of their tools share: an empty
 * directory to work in, files to put there, and tasks run by a pool, whose
 * outcomes are kept.  Included by one source of a program.
 */
#ifndef TREEMILL_TESTS_HASHING_H
#define TREEMILL_TESTS_HASHING_H

#include "scratch.h"
#include "told.h"

#include "ops/op.h"
#include "ops/task.h"
#include "ops/verify.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BIG = 3 * 1024 * 1024 + 1, HOLE = 16 * 1024 * 1024 };

/* --- files --------------------------------------------------------------- */

static inline void make_file(const char *path, const void *bytes, size_t n)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
    ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
    ck_assert_int_eq(write(fd, bytes, n), (ssize_t)n);
    close(fd);
}

static inline void make_hole(const char *path, off_t size)
{
    make_file(path, "", 0);
    ck_assert_int_eq(truncate(path, size), 0);
}

static inline void make_dir(const char *path)
{
    ck_assert_msg(mkdir(path, 0755) == 0, "%s: %s", path, strerror(errno));
}

static inline void make_link(const char *to, const char *path)
{
    ck_assert_msg(symlink(to, path) == 0, "%s: %s", path, strerror(errno));
}

/* 1234567890.987654321 and 0640 */
static inline void set_time_and_mode(const char *path)
{
    struct timespec t = {1234567890, 987654321};
    ck_assert_int_eq(utimensat(AT_FDCWD, path, (struct timespec[]){t, t}, 0),
                     0);
    ck_assert_int_eq(chmod(path, 0640), 0);
}

/* One of everything that a tree can hold. */
static inline void make_every_file(void)
{
    static char big[BIG];
    for (size_t i = 0; i < BIG; i++)
        big[i] = (char)(i * i >> 7);
    make_file("empty", "", 0);
    make_file("hello", "hello\n", 6);
    make_file("new\nline", "hello\n", 6);
    make_file("\xff\xfe", "hello\n", 6);
    make_file("big", big, BIG);
    make_hole("sparse", HOLE);
    make_dir("dir");
    make_file("dir/a", "a", 1);
    make_file("dir/b", "b", 1);
    make_file("dir/c", "c", 1);
    make_file("locked", "x", 1);
    ck_assert_int_eq(chmod("locked", 0), 0);
    ck_assert_int_eq(mkfifo("fifo", 0644), 0);
    ck_assert_int_eq(mknod("socket", S_IFSOCK | 0644, 0), 0);
    make_link("hello", "link");
    make_link("not-there", "dangling");
    make_link("loop", "loop");
    make_link("dir", "dirlink");
}

/* --- digests ------------------------------------------------------------- */

static inline const char *hex(const unsigned char *p, size_t n)
{
    static char text[2 * ALGO_MAX_BYTES + 1];
    for (size_t i = 0; i < n; i++)
        sprintf(text + 2 * i, "%02x", p[i]);
    return text;
}

/* Fills d: the digest is that, in digits, of one of the candidates. */
static inline void expect_digest(struct verify_digest *d, const char *digits,
                                 unsigned candidates)
{
    *d = (struct verify_digest){.candidates = (uint16_t)candidates,
                                .n = (uint8_t)(strlen(digits) / 2)};
    for (size_t i = 0; i < d->n; i++) {
        unsigned byte;
        ck_assert_int_eq(sscanf(digits + 2 * i, "%2x", &byte), 1);
        d->bytes[i] = (unsigned char)byte;
    }
}

/* --- tasks and outcomes -------------------------------------------------- */

static struct buf tasks[128];
static size_t ntasks;

static inline void add(const struct task *t)
{
    ck_assert_uint_lt(ntasks, sizeof tasks / sizeof *tasks);
    task_pack(&tasks[ntasks++], t);
}

static inline struct task task_of(unsigned flags, const char *path)
{
    const char *slash = strrchr(path, '/');
    return (struct task){.flags = flags,
                         .path = path,
                         .len = strlen(path),
                         .base = slash ? (size_t)(slash - path) + 1 : 0};
}

static inline void add_task(unsigned flags, const char *path, const void *extra,
                            size_t nextra)
{
    struct task t = task_of(flags, path);
    t.extra = extra;
    t.nextra = nextra;
    add(&t);
}

/* One that the walk has given up. */
static inline void add_failed_task(int err, const char *path, const void *extra,
                                   size_t nextra)
{
    struct task t = task_of(0, path);
    t.err = err;
    t.extra = extra;
    t.nextra = nextra;
    add(&t);
}

static inline void drop_tasks(void)
{
    while (ntasks)
        buf_free(&tasks[--ntasks]);
}

/* One outcome; out and msg are followed by NUL. */
struct outcome {
    enum tmill_why why;
    int err;
    struct buf out, msg;
};

static uint64_t work_done; /* tmill_stats.work of the last run */

static inline int next_task(void *u, tmill_buf *item)
{
    size_t *at = u;
    if (*at == ntasks)
        return 0;
    *item = (tmill_buf){tasks[*at].p, tasks[*at].n};
    ++*at;
    return 1;
}

static inline void keep(struct buf *b, const tmill_buf *bytes)
{
    buf_put(b, bytes->p, bytes->n);
    buf_putc(b, '\0');
    ck_assert_int_eq(buf_error(b), 0);
    b->n--;
}

/* Runs the tasks by so many workers, 0: by none.  Their outcomes, in order, are
 * the caller's to free. */
static inline struct outcome *run_tasks(const struct op *op, void *config,
                                        unsigned workers, size_t chunksize)
{
    tmill_attr attr = {.size = sizeof attr,
                       .processes = workers ? workers : 1,
                       .init = op->init,
                       .initarg = config,
                       .fini = op->fini,
                       .flags = workers ? 0 : TMILL_SERIAL};
    tmill_opt opt = {.size = sizeof opt, .chunksize = chunksize};
    tmill_pool *pool;
    tmill_iter *iter;
    tmill_item item;
    tmill_stats stats;
    size_t at = 0, n = 0;
    struct outcome *all = calloc(ntasks, sizeof *all);
    ck_assert_ptr_nonnull(all);
    ck_assert_int_eq(tmill_pool_create(&pool, &attr), 0);
    ck_assert_int_eq(tmill_imap(pool, op->run, next_task, &at, &opt, &iter), 0);
    for (; tmill_next(iter, &item, TMILL_FOREVER) == 1; n++) {
        ck_assert_uint_lt(n, ntasks);
        all[n] = (struct outcome){.why = item.why, .err = item.err};
        keep(&all[n].out, &item.out);
        keep(&all[n].msg, &item.msg);
    }
    ck_assert_uint_eq(n, ntasks);
    tmill_pool_stats(pool, &stats);
    work_done = stats.work;
    tmill_iter_free(iter);
    ck_assert_int_eq(tmill_pool_close(pool), 0);
    ck_assert_int_eq(tmill_pool_join(pool, TMILL_FOREVER), 0);
    tmill_pool_destroy(pool);
    return all;
}

/* Frees what run_tasks() returned, the tasks being the same. */
static inline void free_outcomes(struct outcome *all)
{
    for (size_t i = 0; i < ntasks; i++) {
        buf_free(&all[i].out);
        buf_free(&all[i].msg);
    }
    free(all);
}

/* --- the program --------------------------------------------------------- */

static inline TCase *hashing_case(const char *name)
{
    TCase *tc = tcase_create(name);
    tcase_add_unchecked_fixture(tc, make_work_dir, remove_work_dir);
    tcase_add_checked_fixture(tc, enter_new_dir, drop_tasks);
    tcase_set_timeout(tc, 60);
    return tc;
}

static inline int run_case(TCase *tc)
{
    Suite *s = suite_create("treemill");
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
