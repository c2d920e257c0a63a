/* SPDX-License-Identifier: BSD-2-Clause */
/* The selection rules, on names alone. */
#include "libtreemill/filter.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { EX = 0, IN = 1 };

/* What the rules say of a path; a slash at its end makes it a directory. */
static bool takes(const tmill_rule *rules, size_t n, const char *path)
{
    struct filter *f;
    ck_assert_int_eq(filter_new(&f, rules, n), 0);
    char *below = strdup(path);
    ck_assert_ptr_nonnull(below);
    size_t len = strlen(below);
    bool dir = len && below[len - 1] == '/';
    if (dir)
        below[len - 1] = '\0';
    const char *slash = strrchr(below, '/');
    bool taken = filter_takes(f, below, slash ? slash + 1 : below, dir);
    free(below);
    filter_free(f);
    return taken;
}

#define RULES(...) ((const tmill_rule[]){__VA_ARGS__})
#define TAKES(path, ...)                                                      \
    takes(RULES(__VA_ARGS__), sizeof RULES(__VA_ARGS__) / sizeof(tmill_rule), \
          path)

START_TEST(test_no_rules_take_everything)
{
    struct filter *f = (struct filter *)&f;
    ck_assert_int_eq(filter_new(&f, NULL, 0), 0);
    ck_assert_ptr_null(f);
    ck_assert(filter_takes(f, "a/b", "b", false));
    ck_assert(filter_takes(f, "a", "a", true));
    filter_free(f);
}
END_TEST

START_TEST(test_glob_without_slash_matches_base_name)
{
    ck_assert(!TAKES("a.o", {"*.o", EX}));
    ck_assert(!TAKES("x/y/a.o", {"*.o", EX}));
    ck_assert(!TAKES("x.o/", {"*.o", EX}));
    ck_assert(TAKES("x.o/a.c", {"*.o", EX}));
    ck_assert(TAKES("a.oo", {"*.o", EX}));
    ck_assert(!TAKES(".hidden", {"*", EX}));
    ck_assert(!TAKES("b", {"[a-c]", EX}));
    ck_assert(!TAKES("*", {"\\*", EX}));
    ck_assert(TAKES("a", {"\\*", EX}));
}
END_TEST

START_TEST(test_glob_with_slash_matches_tails)
{
    ck_assert(!TAKES("a/b", {"a/b", EX}));
    ck_assert(!TAKES("x/y/a/b", {"a/b", EX}));
    ck_assert(TAKES("xa/b", {"a/b", EX}));
    ck_assert(TAKES("a/b/c", {"a/b", EX}));
    ck_assert(!TAKES("x/a/q.c", {"a/*.c", EX}));
    ck_assert(TAKES("a/q/r.c", {"a/*.c", EX})); /* a star stops at a slash */
}
END_TEST

START_TEST(test_leading_slash_anchors)
{
    ck_assert(!TAKES("a", {"/a", EX}));
    ck_assert(TAKES("x/a", {"/a", EX}));
    ck_assert(!TAKES("a/b", {"/a/b", EX}));
    ck_assert(TAKES("x/a/b", {"/a/b", EX}));
    ck_assert(!TAKES("b", {"/*", EX}));
    ck_assert(TAKES("b/c", {"/*", EX}));
}
END_TEST

START_TEST(test_trailing_slash_means_directories)
{
    ck_assert(!TAKES("x/tmp/", {"tmp/", EX}));
    ck_assert(TAKES("x/tmp", {"tmp/", EX}));
    ck_assert(!TAKES("a/tmp/", {"a/tmp//", EX}));
    ck_assert(TAKES("a/tmp", {"a/tmp/", EX}));
    ck_assert(!TAKES("tmp/", {"/tmp/", EX}));
    ck_assert(TAKES("x/tmp/", {"/tmp/", EX}));
}
END_TEST

START_TEST(test_last_match_decides)
{
    ck_assert(TAKES("keep.o", {"*.o", EX}, {"keep.*", IN}));
    ck_assert(!TAKES("keep.o", {"keep.*", IN}, {"*.o", EX}));
    ck_assert(!TAKES("a.o", {"*.o", EX}, {"keep.*", IN}));
    ck_assert(TAKES("b.c", {"*.o", EX}, {"keep.*", IN}));
}
END_TEST

START_TEST(test_first_rule_sets_what_unmatched_files_are)
{
    ck_assert(!TAKES("b.c", {"*.h", IN}));
    ck_assert(TAKES("b.h", {"*.h", IN}));
    ck_assert(TAKES("b.c", {"*.o", EX}, {"*.h", IN}));
    ck_assert(!TAKES("b.c", {"*.h", IN}, {"*.o", EX}));
}
END_TEST

START_TEST(test_directory_needs_an_exclude_rule_to_be_left_out)
{
    ck_assert(TAKES("src/", {"*.h", IN}));
    ck_assert(!TAKES("src/", {"*.h", IN}, {"src", EX}));
    ck_assert(TAKES("src/", {"*", EX}, {"src/", IN}));
}
END_TEST

START_TEST(test_odd_globs_match_nothing)
{
    ck_assert(TAKES("a", {"", EX}));
    ck_assert(TAKES("a/", {"/", EX}));
    ck_assert(TAKES("a", {"[", EX}));
    ck_assert(!TAKES("\xff", {"?", EX}));
}
END_TEST

START_TEST(test_null_glob_is_invalid)
{
    struct filter *f;
    ck_assert_int_eq(filter_new(&f, RULES({"a", EX}, {NULL, EX}), 2), -EINVAL);
    ck_assert_ptr_null(f);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("filter");
    tcase_add_test(tc, test_no_rules_take_everything);
    tcase_add_test(tc, test_glob_without_slash_matches_base_name);
    tcase_add_test(tc, test_glob_with_slash_matches_tails);
    tcase_add_test(tc, test_leading_slash_anchors);
    tcase_add_test(tc, test_trailing_slash_means_directories);
    tcase_add_test(tc, test_last_match_decides);
    tcase_add_test(tc, test_first_rule_sets_what_unmatched_files_are);
    tcase_add_test(tc, test_directory_needs_an_exclude_rule_to_be_left_out);
    tcase_add_test(tc, test_odd_globs_match_nothing);
    tcase_add_test(tc, test_null_glob_is_invalid);
    Suite *suite = suite_create("filter");
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
