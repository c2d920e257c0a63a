/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists of names: the order in which they come out, in memory and through
 * files, with and without a disk that takes them.
 */
#include "libtreemill/dirlist.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MANY = 10000, PLENTY = 1 << 30 };

/* The names, as the list must give them: directories with their slash. */
static char *names[MANY];
static size_t nnames;

static uint32_t next_random(void)
{
    static uint32_t x = 1;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return x;
}

/* Few different bytes, so that names share beginnings, and a number to make
 * them differ. */
static char *make_name(size_t i, const char *prefix)
{
    static const char bytes[] = "ab-.\x01\xff";
    char text[64];
    size_t n = next_random() % 12;
    for (size_t k = 0; k < n; k++)
        text[k] = bytes[next_random() % 6];
    char *name;
    int len = asprintf(&name, "%s%.*s%zu%s", prefix, (int)n, text, i,
                       i % 7 ? "" : "/");
    ck_assert_int_gt(len, 0);
    return name;
}

static void make_names(size_t n, const char *prefix)
{
    for (nnames = 0; nnames < n; nnames++)
        names[nnames] = make_name(nnames, prefix);
}

static void free_names(void)
{
    while (nnames)
        free(names[--nnames]);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int put(struct dirlist_scratch *s, struct dirlist *l, const char *text)
{
    struct name name = {NAME_FILE, 0, text, strlen(text)};
    if (text[name.len - 1] == '/') {
        name.kind = NAME_DIR;
        name.len--;
    }
    return dirlist_put(s, l, name);
}

static void fill(struct dirlist_scratch *s, struct dirlist *l)
{
    for (size_t i = 0; i < nnames; i++)
        ck_assert_int_eq(put(s, l, names[i]), 0);
    ck_assert_int_eq(dirlist_sort(s, l), 0);
}

static void expect_name(struct dirlist *l, const char *want)
{
    struct name name;
    size_t len = strlen(want);
    bool dir = want[len - 1] == '/';
    ck_assert_int_eq(dirlist_take(l, &name), 1);
    ck_assert_uint_eq(name.len, len - dir);
    ck_assert_mem_eq(name.text, want, name.len);
    ck_assert_int_eq(name.kind, dir ? NAME_DIR : NAME_FILE);
    ck_assert_int_eq(name.err, 0);
}

/* Fills a list and takes it out in order.  Returns whether it used a file,
 * and in *in_memory, whether runs stayed in memory for want of one. */
static bool expect_sorted(size_t memory, bool *in_memory)
{
    struct dirlist_scratch *s;
    struct dirlist l = {0};
    ck_assert_int_eq(dirlist_scratch_new(&s, memory, NULL), 0);
    fill(s, &l);
    bool file = l.file != NULL;
    if (in_memory)
        *in_memory = l.no_file;

    qsort(names, nnames, sizeof names[0], by_bytes);
    for (size_t i = 0; i < nnames; i++)
        expect_name(&l, names[i]);
    struct name name;
    ck_assert_int_eq(dirlist_take(&l, &name), 0);
    ck_assert_int_eq(dirlist_take(&l, &name), 0);
    ck_assert_uint_eq(l.dirs, 0);
    dirlist_free(&l);
    dirlist_scratch_free(s);
    return file;
}

START_TEST(test_sorts_in_memory)
{
    make_names(MANY, "");
    ck_assert(!expect_sorted(PLENTY, NULL));
    free_names();
}
END_TEST

START_TEST(test_sorts_names_with_long_common_beginnings)
{
    static const char long_prefix[] =
        "a common beginning of more bytes than are taken for one, "
        "which goes on and on, and is in every name ";
    make_names(MANY, long_prefix);
    ck_assert(!expect_sorted(PLENTY, NULL));
    free_names();
    make_names(5000, "IMG_");
    ck_assert(expect_sorted(8192, NULL));
    free_names();
}
END_TEST

/* 1 KiB makes more runs than are merged at once, and one that is rewritten. */
START_TEST(test_sorts_through_files)
{
    static const size_t memory[] = {1, 1024, 5000, 100000};
    for (size_t i = 0; i < sizeof memory / sizeof memory[0]; i++) {
        make_names(i ? MANY : 300, "");
        ck_assert(expect_sorted(memory[i], NULL));
        free_names();
    }
}
END_TEST

START_TEST(test_one_scratch_serves_several_lists)
{
    struct dirlist_scratch *s;
    struct dirlist a = {0}, b = {0}, none = {0};
    ck_assert_int_eq(dirlist_scratch_new(&s, 64, NULL), 0);
    make_names(50, "a");
    fill(s, &a);
    free_names();
    fill(s, &none);
    ck_assert_int_eq(put(s, &b, "z/"), 0);
    ck_assert_int_eq(put(s, &b, "y"), 0);
    ck_assert_int_eq(dirlist_sort(s, &b), 0);

    struct name name;
    ck_assert_int_eq(dirlist_take(&none, &name), 0);
    ck_assert_uint_eq(b.dirs, 1);
    expect_name(&b, "y");
    for (size_t i = 0; i < 50; i++) {
        ck_assert_int_eq(dirlist_take(&a, &name), 1);
        ck_assert_int_eq(name.text[0], 'a');
    }
    expect_name(&b, "z/");
    dirlist_free(&a);
    dirlist_free(&b);
    dirlist_scratch_free(s);
}
END_TEST

START_TEST(test_errors_and_links_keep_what_they_are)
{
    struct dirlist_scratch *s;
    struct dirlist l = {0};
    struct name name = {NAME_ERROR, -ELOOP, "b", 1};
    ck_assert_int_eq(dirlist_scratch_new(&s, PLENTY, NULL), 0);
    ck_assert_int_eq(dirlist_put(s, &l, name), 0);
    name = (struct name){NAME_LINK, 0, "a", 1};
    ck_assert_int_eq(dirlist_put(s, &l, name), 0);
    ck_assert_int_eq(dirlist_sort(s, &l), 0);
    ck_assert_int_eq(dirlist_take(&l, &name), 1);
    ck_assert_int_eq(name.kind, NAME_LINK);
    ck_assert_int_eq(dirlist_take(&l, &name), 1);
    ck_assert_int_eq(name.kind, NAME_ERROR);
    ck_assert_int_eq(name.err, -ELOOP);
    dirlist_free(&l);
    dirlist_scratch_free(s);
}
END_TEST

START_TEST(test_longest_names_pass_through_a_file)
{
    char *text = calloc(1, 4096);
    ck_assert_ptr_nonnull(text);
    memset(text, 'x', 4095);
    make_names(100, "");
    free(names[50]);
    names[50] = text;
    ck_assert(expect_sorted(1000, NULL));
    free_names();
}
END_TEST

START_TEST(test_unusable_tmpdir_falls_back)
{
    char *old = getenv("TMPDIR") ? strdup(getenv("TMPDIR")) : NULL;
    setenv("TMPDIR", "/nonexistent/directory", 1);
    make_names(500, "");
    ck_assert(expect_sorted(1024, NULL));
    free_names();
    if (old)
        setenv("TMPDIR", old, 1);
    else
        unsetenv("TMPDIR");
    free(old);
}
END_TEST

/* A limit on file sizes stands for a full disk. */
START_TEST(test_full_disk_leaves_the_rest_in_memory)
{
    static const rlim_t sizes[] = {0, 500, 3000, 70000};
    struct rlimit old;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, SIG_IGN);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        bool in_memory;
        make_names(MANY, "");
        struct rlimit less = {sizes[i], old.rlim_max};
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &less), 0);
        expect_sorted(1024, &in_memory);
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
        ck_assert(in_memory);
        free_names();
    }
    signal(SIGXFSZ, SIG_DFL);
}
END_TEST

START_TEST(test_no_descriptor_left_stays_in_memory)
{
    struct rlimit old;
    bool in_memory;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
    make_names(500, "");
    struct rlimit none = {0, old.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    bool file = expect_sorted(1024, &in_memory);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
    ck_assert(!file);
    ck_assert(in_memory);
    free_names();
}
END_TEST

START_TEST(test_file_that_cannot_be_read_is_an_error)
{
    struct dirlist_scratch *s;
    struct dirlist l = {0};
    struct name name;
    ck_assert_int_eq(dirlist_scratch_new(&s, 1024, NULL), 0);
    make_names(MANY, "");
    fill(s, &l);
    ck_assert_int_eq(ftruncate(l.file->fd, 0), 0);
    int rc;
    size_t n = 0;
    while ((rc = dirlist_take(&l, &name)) > 0)
        n++;
    ck_assert_int_eq(rc, -EIO);
    ck_assert_uint_lt(n, MANY);
    ck_assert_int_eq(dirlist_take(&l, &name), 0);
    dirlist_free(&l);
    dirlist_scratch_free(s);
    free_names();
}
END_TEST

START_TEST(test_stop_ends_the_writing)
{
    volatile int stop = 0;
    struct dirlist_scratch *s;
    struct dirlist l = {0};
    ck_assert_int_eq(dirlist_scratch_new(&s, 1024, &stop), 0);
    make_names(MANY, "");
    size_t i = 0;
    while (i < 200)
        ck_assert_int_eq(put(s, &l, names[i++]), 0);
    stop = 1;
    int rc = 0;
    while (i < nnames && !rc)
        rc = put(s, &l, names[i++]);
    ck_assert_int_eq(rc, -EINTR);
    dirlist_free(&l);
    dirlist_scratch_free(s);
    free_names();
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("dirlist");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_sorts_in_memory);
    tcase_add_test(tc, test_sorts_names_with_long_common_beginnings);
    tcase_add_test(tc, test_sorts_through_files);
    tcase_add_test(tc, test_one_scratch_serves_several_lists);
    tcase_add_test(tc, test_errors_and_links_keep_what_they_are);
    tcase_add_test(tc, test_longest_names_pass_through_a_file);
    tcase_add_test(tc, test_unusable_tmpdir_falls_back);
    tcase_add_test(tc, test_full_disk_leaves_the_rest_in_memory);
    tcase_add_test(tc, test_no_descriptor_left_stays_in_memory);
    tcase_add_test(tc, test_file_that_cannot_be_read_is_an_error);
    tcase_add_test(tc, test_stop_ends_the_writing);
    Suite *suite = suite_create("dirlist");
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
