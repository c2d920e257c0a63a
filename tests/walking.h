/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * walking: what the tests of the walker share: an empty directory to work in,
 * short ways to put files there, and walks that are compared with what they
 * should give.  Included by one source of a program.
 */
#ifndef TREEMILL_TESTS_WALKING_H
#define TREEMILL_TESTS_WALKING_H

#include "scratch.h"

#include "libtreemill/treemill.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- the system's part --------------------------------------------------- */

/* How getdents64(), which the walker is linked to here, is to behave. */
static struct {
    unsigned calls;   /* how often it was called */
    size_t block;     /* at most so many bytes at once; 0: no limit */
    bool untyped;     /* says of nothing what type it is */
    int fail_at;      /* this call, counted down to 0, fails */
    int err;          /* in this way, */
    void (*at)(void); /* or calls this */
} system_part;

ssize_t getdents64(int fd, void *buffer, size_t n)
{
    system_part.calls++;
    if (system_part.fail_at && !--system_part.fail_at) {
        if (system_part.at)
            system_part.at();
        errno = system_part.err;
        if (errno)
            return -1;
    }
    if (system_part.block && n > system_part.block)
        n = system_part.block;
    ssize_t got = syscall(SYS_getdents64, fd, buffer, n);
    char *p = buffer, *end = p + (got > 0 ? got : 0);
    while (system_part.untyped && p < end) {
        struct dirent64 *d = (struct dirent64 *)(void *)p;
        d->d_type = DT_UNKNOWN;
        p += d->d_reclen;
    }
    return got;
}

/* Checked fixture: a directory of its own, and a system that does its part. */
static inline void begin_test(void)
{
    memset(&system_part, 0, sizeof system_part);
    enter_new_dir();
}

/* --- files --------------------------------------------------------------- */

static inline void make_file(const char *path)
{
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
    ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
    close(fd);
}

static inline void make_dir(const char *path)
{
    ck_assert_msg(mkdir(path, 0755) == 0, "%s: %s", path, strerror(errno));
}

static inline void make_link(const char *to, const char *path)
{
    ck_assert_msg(symlink(to, path) == 0, "%s: %s", path, strerror(errno));
}

/* Makes directories ("a/"), files ("a/b") and links ("a/c>to"), until NULL. */
static inline void make_tree(const char *first, ...)
{
    va_list ap;
    va_start(ap, first);
    for (const char *spec = first; spec; spec = va_arg(ap, const char *)) {
        char path[512];
        snprintf(path, sizeof path, "%s", spec);
        char *to = strchr(path, '>');
        if (to) {
            *to = '\0';
            make_link(to + 1, path);
        } else if (path[strlen(path) - 1] == '/') {
            make_dir(path);
        } else {
            make_file(path);
        }
    }
    va_end(ap);
}

static inline unsigned open_descriptors(void)
{
    unsigned n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* --- walks --------------------------------------------------------------- */

/* What an entry should be. */
struct want {
    const char *path;
    int err;
    int follow;
};

static inline tmill_walk *open_walk(const tmill_walk_attr *attr)
{
    tmill_walk_attr sized = *attr;
    sized.size = sizeof sized;
    tmill_walk *w;
    ck_assert_int_eq(tmill_walk_open(&w, &sized), 0);
    return w;
}

/* What holds for every entry. */
static inline void check_entry(const tmill_entry *e)
{
    ck_assert_uint_eq(e->len, strlen(e->path));
    ck_assert_uint_le(e->base, e->len);
    ck_assert_uint_le(e->below, e->len);
    ck_assert_uint_ge(e->level, 1);
    if (e->level == 1) {
        ck_assert_uint_eq(e->below, e->len);
        return;
    }
    ck_assert_ptr_null(strchr(e->path + e->base, '/'));
    ck_assert_int_eq(e->path[e->base - 1], '/');
    ck_assert_int_eq(e->path[e->below - 1], '/');
    unsigned slashes = 0;
    for (const char *p = e->path + e->below; *p; p++)
        slashes += *p == '/';
    ck_assert_uint_eq(e->level, slashes + 2);
}

/* The next entry is that. */
static inline void expect_next(tmill_walk *w, struct want want)
{
    tmill_entry e;
    ck_assert_msg(tmill_walk_next(w, &e) == 1, "end instead of %s", want.path);
    check_entry(&e);
    ck_assert_str_eq(e.path, want.path);
    ck_assert_msg(e.err == want.err, "%s: error %d", e.path, e.err);
    if (!e.err)
        ck_assert_msg(e.follow == want.follow, "%s: follow", e.path);
}

static inline void expect_end(tmill_walk *w)
{
    tmill_entry e;
    int rc = tmill_walk_next(w, &e);
    ck_assert_msg(rc == 0, "%d, perhaps %s", rc, rc > 0 ? e.path : "");
    ck_assert_int_eq(tmill_walk_next(w, &e), 0);
    tmill_walk_close(w);
}

static inline void expect_walk(const tmill_walk_attr *attr,
                               const struct want *want, size_t n)
{
    tmill_walk *w = open_walk(attr);
    for (size_t i = 0; i < n; i++)
        expect_next(w, want[i]);
    expect_end(w);
}

#define LEN(array) (sizeof(array) / sizeof(array)[0])

/* For EXPECT: a file, a file behind what may be a link, a failure. */
#define PLAIN(path) \
    {               \
        path, 0, 0  \
    }
#define LINK(path) \
    {              \
        path, 0, 1 \
    }
#define FAILED(path, err) \
    {                     \
        path, err, 0      \
    }

/* EXPECT(&attr, PLAIN("path"), FAILED("path", -ENOENT)) */
#define EXPECT(attr, ...)                                 \
    expect_walk(attr, (const struct want[]){__VA_ARGS__}, \
                LEN(((const struct want[]){__VA_ARGS__})))

/* Fields of tmill_walk_attr: PATHS("a", "b") */
#define PATHS(...)                               \
    .paths = (const char *const[]){__VA_ARGS__}, \
    .npaths = LEN(((const char *const[]){__VA_ARGS__}))

/* --- main ---------------------------------------------------------------- */

static inline int run_suite(const char *name, TCase *tc)
{
    tcase_set_timeout(tc, 60);
    tcase_add_unchecked_fixture(tc, make_work_dir, remove_work_dir);
    tcase_add_checked_fixture(tc, begin_test, NULL);
    Suite *suite = suite_create(name);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
