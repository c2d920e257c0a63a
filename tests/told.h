/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * told: what a manifest says, told as one short string: "PATH ALGO:HEX...",
 * "bad N", "unknown NAME PATH", one for each return of manifest_next(), with
 * '|' behind each; and digests to make manifests of.  For the tests of readers.
 */
#ifndef TREEMILL_TESTS_TOLD_H
#define TREEMILL_TESTS_TOLD_H

#include "sinks/manifest.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The digests of "hello\n". */
#define MD5    "b1946ac92492d2347c6235b4d2611184"
#define XXH128 "6bba86c7e069f56d5a10b435f1c8e49c"
#define SHA1   "f572d396fae9206628714fb2ce00f72e94f2258f"
#define SHA256 \
    "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
#define SHA384                                                         \
    "1d0f284efe3edea4b9ca3bd514fa134b17eae361ccc7a1eefeff801b9bd6604e" \
    "01f21f6bf249ef030599f0c218f2ba8c"
#define SHA512                                                         \
    "e7c22b994c59d9cf2b48e549b1e24666636045930d3da7c1acb299d1c3b7f931" \
    "f94aae41edda2c2b207a36e10f8bcb8d45223e54878f5b316e7ce3b6bc019629"
#define B2B                                                            \
    "f60ce482e5cc1229f39d71313171a8d9f4ca3a87d066bf4b205effb528192a75" \
    "f14f3271e2c1a90e1de53f275b4d4793eef2f5e31ea90d2ce29d2e481c36435f"
#define X32 "946b5bf9"
#define X64 "e4c191d091bd8853"
#define X3  "99fc819aaba2462a"

static struct buf told;

static inline void teardown(void)
{
    buf_free(&told);
}

/* The first two bytes of each digest, with its candidates. */
static inline void tell_entry(const struct expect *e)
{
    ck_assert_int_eq(e->path.p[e->path.n], '\0');
    buf_put(&told, e->path.p, e->path.n);
    if (e->has_size)
        buf_printf(&told, " size=%llu", (unsigned long long)e->size);
    for (int i = 0; i < e->n; i++) {
        const char *before = " ";
        for (int id = 0; id < ALGO_COUNT; id++)
            if (e->digest[i].candidates >> id & 1) {
                ck_assert_uint_eq(e->digest[i].n, algos[id].bytes);
                buf_printf(&told, "%s%s", before, algos[id].name);
                before = "/";
            }
        buf_puts(&told, e->digest[i].little ? ":le:" : ":");
        buf_hex(&told, e->digest[i].bytes, 2);
    }
}

static inline int tell(struct manifest *m)
{
    static struct expect e;
    uint64_t line;
    int got = manifest_next(m, &e, &line);
    if (got == 1)
        tell_entry(&e);
    else if (got == 2)
        buf_printf(&told, "bad %llu", (unsigned long long)line);
    else if (got == 3)
        buf_printf(&told, "unknown %s %.*s", e.unknown, (int)e.path.n,
                   e.path.p);
    else if (got < 0)
        buf_printf(&told, "error %d", -got);
    if (got != 0)
        buf_putc(&told, '|');
    if (got <= 0)
        expect_free(&e);
    return got;
}

static inline const char *read_fd(int fd, const struct algo_list *only)
{
    struct manifest *m;
    buf_clear(&told);
    ck_assert_int_eq(manifest_open(&m, fd, only), 0);
    while (tell(m) > 0)
        continue;
    manifest_close(m);
    buf_putc(&told, '\0');
    return told.p;
}

static inline const char *read_only(const char *text, size_t n,
                                    const char *names)
{
    struct algo_list only;
    const char *bad;
    size_t nbad;
    if (names)
        ck_assert_int_eq(algo_list_parse(&only, names, &bad, &nbad), 0);
    int fd = memfd_create("manifest", MFD_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, n), (ssize_t)n);
    ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
    read_fd(fd, names ? &only : NULL);
    close(fd);
    return told.p;
}

#define check(text, want) \
    ck_assert_str_eq(read_only(text, sizeof(text) - 1, NULL), want)
#define check_only(names, text, want) \
    ck_assert_str_eq(read_only(text, sizeof(text) - 1, names), want)

/* A member of a JSON manifest. */
#define DIGEST "\"digest\":{\"xxh32\":\"" X32 "\"}"

#endif
