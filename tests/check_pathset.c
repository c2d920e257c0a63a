/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The set of names that --audit looks up: spellings of one name are one name,
 * others are not, however many there are.
 */
#include "cli/pathset.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct pathset set;

static void free_set(void)
{
    pathset_free(&set);
}

static void add(const char *cwd, const char *path)
{
    ck_assert_int_eq(pathset_add(&set, cwd, path, strlen(path)), 0);
}

static int has(const char *cwd, const char *path)
{
    return pathset_has(&set, cwd, path, strlen(path));
}

START_TEST(test_empty_set_has_nothing)
{
    ck_assert_int_eq(has("/", "a"), 0);
    ck_assert_int_eq(has("/", ""), 0);
    ck_assert_uint_eq(set.n, 0);
}
END_TEST

START_TEST(test_spellings_of_one_name)
{
    static const char *const same[] = {
        "a/b",
        "./a/b",
        "a//b",
        "a/./b",
        ".//./a/b",
        "a/x/../b",
        "x/../a/b",
        "../w/a/b",
        "/home/w/a/b",
        "//home/w/a/b",
        "../../../home/w/a/b",
        "/../home/w/a/b",
        "a/b/",
        "a/b/.",
        "a/b/x/..",
    };
    size_t n = sizeof same / sizeof *same;
    for (size_t i = 0; i < n; i++) {
        add("/home/w", same[i]);
        ck_assert_uint_eq(set.n, 1);
        for (size_t j = 0; j < n; j++)
            ck_assert_msg(has("/home/w", same[j]) == 1, "%s", same[j]);
        free_set();
    }
}
END_TEST

START_TEST(test_other_names_are_others)
{
    static const char *const others[] = {
        "a",    "b",       "ab",     "a/B",  "a/b ",       "a\\b", "",
        "a/bb", "a/b/c",   "../a/b", "/a/b", "/home/w/ab", "...",  "..a",
        "a/..", "a/.../b", "a/b..",  "a/.b", "a/b\n",
    };
    add("/home/w", "a/b");
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ck_assert_msg(has("/home/w", others[i]) == 0, "'%s'", others[i]);
    ck_assert_int_eq(has("/home", "a/b"), 0);
    ck_assert_int_eq(has("/home", "w/a/b"), 1);
    ck_assert_int_eq(has("/", "home/w/a/b"), 1);
}
END_TEST

START_TEST(test_names_are_bytes_of_given_length)
{
    ck_assert_int_eq(pathset_add(&set, "/", "a\xff\n/b/c", 5), 0);
    ck_assert_int_eq(pathset_has(&set, "/", "a\xff\n/b", 5), 1);
    ck_assert_int_eq(pathset_has(&set, "/", "a\xff\n", 3), 0);
    ck_assert_int_eq(pathset_has(&set, "/", "a\xff\n/b/c", 7), 0);
}
END_TEST

START_TEST(test_twice_is_once)
{
    for (int i = 0; i < 1000; i++)
        add("/", "a");
    ck_assert_uint_eq(set.n, 1);
    ck_assert_uint_le(set.size, 1024);
}
END_TEST

static const char *number(int i)
{
    static char name[32];
    snprintf(name, sizeof name, "dir/%d", i);
    return name;
}

START_TEST(test_many_names)
{
    enum { N = 100000 };
    for (int i = 0; i < N; i += 2)
        add("/cwd", number(i));
    ck_assert_uint_eq(set.n, N / 2);
    ck_assert_uint_eq(set.size & (set.size - 1), 0);
    for (int i = 0; i < N; i++)
        ck_assert_int_eq(has("/cwd", number(i)), i % 2 == 0);
    /* what the header promises of the memory */
    ck_assert_uint_le(set.size * sizeof *set.keys, 43u * set.n);
}
END_TEST

START_TEST(test_long_names)
{
    enum { LONG = 100000 };
    char *name = malloc(LONG + 1);
    ck_assert_ptr_nonnull(name);
    memset(name, 'x', LONG);
    for (size_t i = 100; i < LONG; i += 100)
        name[i] = '/';
    name[LONG] = '\0';
    add("/", name);
    ck_assert_int_eq(has("/", name), 1);
    name[LONG - 1] = 'y';
    ck_assert_int_eq(has("/", name), 0);
    free(name);
}
END_TEST

START_TEST(test_freed_set_is_empty_and_usable)
{
    add("/", "a");
    free_set();
    ck_assert_int_eq(has("/", "a"), 0);
    add("/", "b");
    ck_assert_int_eq(has("/", "b"), 1);
    ck_assert_int_eq(has("/", "a"), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pathset");
    TCase *tc = tcase_create("pathset");
    tcase_add_checked_fixture(tc, NULL, free_set);
    tcase_add_test(tc, test_empty_set_has_nothing);
    tcase_add_test(tc, test_spellings_of_one_name);
    tcase_add_test(tc, test_other_names_are_others);
    tcase_add_test(tc, test_names_are_bytes_of_given_length);
    tcase_add_test(tc, test_twice_is_once);
    tcase_add_test(tc, test_many_names);
    tcase_add_test(tc, test_long_names);
    tcase_add_test(tc, test_freed_set_is_empty_and_usable);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
