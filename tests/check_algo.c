/* SPDX-License-Identifier: BSD-2-Clause */
/* check_algo: names, tags and lists of algorithms. */
#include "common/algo.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

START_TEST(test_rows_are_whole)
{
    const struct algo *a = &algos[_i];
    ck_assert_ptr_nonnull(a->name);
    ck_assert_ptr_nonnull(a->tag);
    ck_assert_ptr_nonnull(a->prefix);
    ck_assert_ptr_nonnull(a->help);
    ck_assert_uint_gt(a->bytes, 0);
    ck_assert_uint_le(a->bytes, ALGO_MAX_BYTES);

    bool little = true;
    ck_assert_int_eq(algo_by_name(a->name, strlen(a->name)), _i);
    ck_assert_int_eq(algo_by_tag(a->tag, strlen(a->tag), &little), _i);
    ck_assert(!little);
}
END_TEST

START_TEST(test_names)
{
    ck_assert_int_eq(algo_by_name("SHA256", 6), ALGO_SHA256);
    ck_assert_int_eq(algo_by_name("sha256,md5", 6), ALGO_SHA256);
    ck_assert_int_eq(algo_by_name("sha25", 5), -1);
    ck_assert_int_eq(algo_by_name("sha2566", 7), -1);
    ck_assert_int_eq(algo_by_name("", 0), -1);
}
END_TEST

/* As xxhsum, coreutils, OpenSSL 1.1 and 3, RHash and BSD spell them. */
static const struct {
    const char *tag;
    int id;
    bool little;
} tags[] = {
    {"XXH3", ALGO_XXH3, false},
    {"XXH3_LE", ALGO_XXH3, true},
    {"XXH128_LE", ALGO_XXH128, true},
    {"XXH64_LE", ALGO_XXH64, true},
    {"XXH32_LE", ALGO_XXH32, true},
    {"MD5", ALGO_MD5, false},
    {"md5", ALGO_MD5, false},
    {"SHA1", ALGO_SHA1, false},
    {"SHA-1", ALGO_SHA1, false},
    {"SHA256", ALGO_SHA256, false},
    {"SHA2-256", ALGO_SHA256, false},
    {"SHA-256", ALGO_SHA256, false},
    {"SHA2-384", ALGO_SHA384, false},
    {"SHA2-512", ALGO_SHA512, false},
    {"SHA3-256", ALGO_SHA3_256, false},
    {"BLAKE2b", ALGO_BLAKE2B, false},
    {"BLAKE2B-512", ALGO_BLAKE2B, false},
    {"BLAKE2b512", ALGO_BLAKE2B, false},
    {"BLAKE2b-256", -1, false},
    {"BLAKE2s", -1, false},
    {"BLAKE3", -1, false},
    {"SHA224", -1, false},
    {"SHA512-256", -1, false},
    {"SHA3-512", -1, false},
    {"", -1, false},
};

START_TEST(test_tags)
{
    bool little;
    const char *tag = tags[_i].tag;
    ck_assert_int_eq(algo_by_tag(tag, strlen(tag), &little), tags[_i].id);
    ck_assert_int_eq(little, tags[_i].little);
}
END_TEST

START_TEST(test_list)
{
    struct algo_list list;
    const char *bad;
    size_t nbad;
    ck_assert_int_eq(
        algo_list_parse(&list, "sha256,xxh3,SHA256,md5", &bad, &nbad), 0);
    ck_assert_int_eq(list.n, 3);
    ck_assert_int_eq(list.id[0], ALGO_SHA256);
    ck_assert_int_eq(list.id[1], ALGO_XXH3);
    ck_assert_int_eq(list.id[2], ALGO_MD5);
}
END_TEST

START_TEST(test_list_names_what_is_wrong)
{
    struct algo_list list;
    const char *bad, *text = "md5,blake3,sha1";
    size_t nbad;
    ck_assert_int_eq(algo_list_parse(&list, text, &bad, &nbad), -EINVAL);
    ck_assert_ptr_eq(bad, text + 4);
    ck_assert_uint_eq(nbad, 6);
    ck_assert_int_eq(algo_list_parse(&list, "", &bad, &nbad), -EINVAL);
    ck_assert_uint_eq(nbad, 0);
    ck_assert_int_eq(algo_list_parse(&list, "md5,", &bad, &nbad), -EINVAL);
    ck_assert_uint_eq(nbad, 0);
}
END_TEST

START_TEST(test_list_holds_all)
{
    char text[256] = "";
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < ALGO_COUNT; i++) {
            strcat(text, text[0] ? "," : "");
            strcat(text, algos[i].name);
        }
    struct algo_list list;
    const char *bad;
    size_t nbad;
    ck_assert_int_eq(algo_list_parse(&list, text, &bad, &nbad), 0);
    ck_assert_int_eq(list.n, ALGO_COUNT);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("algo");
    tcase_add_loop_test(t, test_rows_are_whole, 0, ALGO_COUNT);
    tcase_add_test(t, test_names);
    tcase_add_loop_test(t, test_tags, 0, sizeof tags / sizeof *tags);
    tcase_add_test(t, test_list);
    tcase_add_test(t, test_list_names_what_is_wrong);
    tcase_add_test(t, test_list_holds_all);
    Suite *s = suite_create("algo");
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
