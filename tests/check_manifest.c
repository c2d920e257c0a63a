/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_manifest: how a file is cut into lines, formats are told apart and
 * lines joined, whatever the pieces it comes in, and whatever it holds (fuzz).
 * The lines themselves are in check_readers.
 */
#include "told.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>

/* --- lines and files ----------------------------------------------------- */

START_TEST(test_comments_and_blank_lines)
{
    check("", "");
    check("\n\n# " X32 "  a\n  \n\r\n#\n", "");
    check("\n" X32 "  a\n\n#\nx\n", "a xxh32:946b|bad 5|");
}
END_TEST

START_TEST(test_crlf_and_bom)
{
    check("\xef\xbb\xbf" X32 "  a\r\n" X64 "  b\r\n",
          "a xxh32:946b|b xxh64:e4c1|");
    check("XXH32 (a) = " X32 "\r\n", "a xxh32:946b|");
    check("\\" X32 "  a\\r\r\n", "a\r xxh32:946b|");
    check(X32 "  a\r\r\n", "a\r xxh32:946b|");
    check("\xef\xbb\xbf#mtree\nx md5=" MD5 "\n", "x md5:b194|");
    check("\xef\xbb\xbf", "");
}
END_TEST

START_TEST(test_zero)
{
    check(X32 "  a\nb\\n\r\0" X64 "  c\0",
          "a\nb\\n\r xxh32:946b|c xxh64:e4c1|");
    check("MD5 (a\n) = " MD5 "\0\0XXH32 (b) = " X32,
          "a\n md5:b194|b xxh32:946b|");
    check("\\" X32 "  a\0{\"path\":\"a\"," DIGEST "}\0./a md5=" MD5 "\0",
          "bad 1|bad 2|bad 3|");
}
END_TEST

START_TEST(test_formats_may_mix)
{
    check(X32 "  a\nMD5 (b) = " MD5 "\n{\"path\":\"c\"," DIGEST "}\n"
              "BLAKE3 (d) = 00\n. type=dir\n./e md5=" MD5 "\n",
          "a xxh32:946b|b md5:b194|c xxh32:946b|unknown BLAKE3 d|"
          "./e md5:b194|");
}
END_TEST

START_TEST(test_merge)
{
    check("MD5 (a) = " MD5 "\nSHA1 (a) = " SHA1 "\n\nXXH3 (a) = " X3 "\n",
          "a md5:b194 sha1:f572 xxh3:99fc|");
    check(XXH128 "  a\n" MD5 "  a\n" SHA256 "  a\n",
          "a xxh128/md5:6bba xxh128/md5:b194 sha256/sha3-256:5891|");
    check(SHA1 "  a\n" X32 "  b\n" X64 "  a\n",
          "a sha1:f572|b xxh32:946b|a xxh64:e4c1|");
    check("#mtree\n./a size=6 md5=" MD5 "\n./a sha1=" SHA1 "\n"
          "./a size=7 sha256=" SHA256 "\n",
          "./a size=6 md5:b194 sha1:f572|./a size=7 sha256:5891|");
}
END_TEST

START_TEST(test_merge_only_other_algorithms)
{
    check("MD5 (a) = " MD5 "\nMD5 (a) = " XXH128 "\n",
          "a md5:b194|a md5:6bba|");
    check(MD5 "  a\n" MD5 "  a\n", "a xxh128/md5:b194|a xxh128/md5:b194|");
    check(MD5 "  a\n" XXH128 "  a\n00000000000000000000000000000000  a\n",
          "a xxh128/md5:b194 xxh128/md5:6bba|a xxh128/md5:0000|");
    check("XXH32 (a) = " X32 "\nXXH32_LE (a) = f95b6b94\n",
          "a xxh32:946b|a xxh32:le:f95b|");
    check_only("md5", MD5 "  a\n" XXH128 "  a\n", "a md5:b194|a md5:6bba|");
}
END_TEST

START_TEST(test_what_comes_between_is_told_in_order)
{
    check("MD5 (a) = " MD5 "\nBLAKE3 (a) = 00\nSHA1 (a) = " SHA1 "\nx\n",
          "a md5:b194|unknown BLAKE3 a|a sha1:f572|bad 4|");
}
END_TEST

START_TEST(test_end_is_told_again)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct manifest *m;
    struct expect e = {0};
    uint64_t line;
    ck_assert_int_eq(manifest_open(&m, fd, NULL), 0);
    ck_assert_int_eq(manifest_next(m, &e, &line), 0);
    ck_assert_int_eq(manifest_next(m, &e, &line), 0);
    manifest_close(m);
    manifest_close(NULL);
    expect_free(&e);
    close(fd);
}
END_TEST

START_TEST(test_read_error)
{
    int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char want[32];
    snprintf(want, sizeof want, "error %d|", EISDIR);
    ck_assert_str_eq(read_fd(fd, NULL), want);
    close(fd);
}
END_TEST

/* A line of n bytes in all between two good ones. */
static void put_long(struct buf *b, size_t n)
{
    buf_puts(b, X32 "  first\n" X64 "  ");
    char *to = buf_reserve(b, n - 18);
    ck_assert_ptr_nonnull(to);
    memset(to, 'n', n - 18);
    b->n += n - 18;
    buf_puts(b, "\n" SHA1 "  last");
}

START_TEST(test_long_lines)
{
    struct buf text = {0};
    put_long(&text, 3 << 20);
    read_only(text.p, text.n, NULL);
    ck_assert_uint_gt(told.n, 3 << 20);
    ck_assert(!strncmp(told.p, "first xxh32:946b|nnn", 20));
    ck_assert_ptr_nonnull(strstr(told.p, "n xxh64:e4c1|last sha1:f572|"));

    buf_clear(&text);
    put_long(&text, 65 << 20);
    ck_assert_str_eq(read_only(text.p, text.n, NULL),
                     "first xxh32:946b|bad 2|last sha1:f572|");
    text.n -= strlen("\n" SHA1 "  last");
    ck_assert_str_eq(read_only(text.p, text.n, NULL),
                     "first xxh32:946b|bad 2|");
    buf_free(&text);
}
END_TEST

/* The line end is looked for only in what a read has added. */
START_TEST(test_line_ends_around_a_read)
{
    struct buf text = {0};
    for (size_t n = (64 << 10) - 3; n < (64 << 10) + 3; n++) {
        buf_clear(&text);
        for (int k = 0; k < 3; k++) {
            buf_puts(&text, X32 "  ");
            while (text.n % (64 << 10) != n % (64 << 10))
                buf_putc(&text, 'n');
            buf_putc(&text, '\n');
        }
        buf_puts(&text, "x\n");
        ck_assert_ptr_nonnull(
            strstr(read_only(text.p, text.n, NULL), "n xxh32:946b|bad 4|"));
    }
    buf_free(&text);
}
END_TEST

START_TEST(test_pipe_in_single_bytes)
{
    static const char text[] = "MD5 (a) = " MD5 "\r\nSHA1 (a) = " SHA1
                               "\n\\" X32 "  b\\n\nx\n" X64 "  c";
    int p[2];
    ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        for (size_t i = 0; i < sizeof text - 1; i++)
            if (write(p[1], text + i, 1) != 1)
                _exit(1);
        _exit(0);
    }
    close(p[1]);
    ck_assert_str_eq(read_fd(p[0], NULL), "a md5:b194 sha1:f572|"
                                          "b\n xxh32:946b|bad 4|c xxh64:e4c1|");
    close(p[0]);
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}
END_TEST

/* --- fuzz ---------------------------------------------------------------- */

static const char *const seeds[] = {
    SHA256 "  a.txt",
    "\\XXH3_" X3 "  a\\nb\\\\",
    MD5 " *a",
    "\\SHA256 (a\\r) = " SHA256,
    "BLAKE2B-512(a)= " B2B,
    "BLAKE3 (a) = 0011",
    "{\"path\":\"\\ud83d\\ude00\\n\",\"type\":\"file\",\"size\":6,\"x\":[{},"
    "1e3],"
    "\"digest\":{\"xxh32\":\"" X32 "\",\"blake3\":\"00\"}}",
    "{\"path_base64\":\"/v8=\",\"error\":\"no\",\"digest\":{\"md5\":\"" MD5
    "\"}}",
    "./a\\012\\M-x\\^A type=file size=6 md5=" MD5 " tags=xxh3." X3 ",y \\",
    "/set type=file uid=0",
    "d type=dir",
    "..",
    "type=file sha1=" SHA1 " ./a",
};

static uint32_t rnd(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

/* A seed with some bytes changed, lost or doubled.  Exactly as large as its
 * allocation, so that ASan sees a byte read too many. */
static char *mutant(uint32_t *seed, size_t *n)
{
    static const char spice[] = "\\\"{}[]()= :,.\t\r#*0aXn/\xc3\xed\xff";
    const char *from = seeds[rnd(seed) % (sizeof seeds / sizeof *seeds)];
    size_t len = strlen(from);
    if (rnd(seed) % 4 == 0)
        len = rnd(seed) % (len + 1);
    size_t at = len ? rnd(seed) % len : 0, twice = len ? rnd(seed) % 2 : 0;
    char *p = malloc(len + twice + (len + twice == 0));
    ck_assert_ptr_nonnull(p);
    memcpy(p, from, len);
    if (twice) {
        memmove(p + at + 1, p + at, len - at);
        len++;
    }
    for (uint32_t i = rnd(seed) % 4; len && i > 0; i--)
        p[rnd(seed) % len] = rnd(seed) % 3
                                 ? spice[rnd(seed) % (sizeof spice - 1)]
                                 : (char)rnd(seed);
    *n = len;
    return p;
}

/* What every reader may say of any line, and what must hold then. */
static void check_said(enum parsed said, const struct expect *e)
{
    ck_assert_int_le(said, PARSED_UNKNOWN);
    if (said == PARSED_ENTRY) {
        ck_assert(expect_named(e));
        ck_assert(e->n >= 1 && e->n <= ALGO_COUNT);
    } else if (said == PARSED_UNKNOWN) {
        ck_assert(expect_named(e) && e->unknown[0]);
        ck_assert_uint_lt(strnlen(e->unknown, sizeof e->unknown),
                          sizeof e->unknown);
    }
}

START_TEST(test_fuzz_lines)
{
    struct parse_state r = {0};
    struct expect e = {0};
    uint32_t seed = 42;
    int entries = 0;
    for (int i = 0; i < 200000; i++) {
        size_t n;
        char *line = mutant(&seed, &n);
        r.zero = i % 5 == 0;
        r.mtree = i % 2;
        r.gap = (unsigned)i % 3;
        for (size_t k = 0; sinks[k]; k++) {
            expect_clear(&e);
            enum parsed said = sinks[k]->parse(&r, line, n, &e);
            check_said(said, &e);
            entries += said == PARSED_ENTRY;
        }
        free(line);
    }
    ck_assert_int_gt(entries, 10000);
    parse_state_free(&r);
    expect_free(&e);
}
END_TEST

START_TEST(test_fuzz_manifests)
{
    uint32_t seed = 7;
    struct buf text = {0};
    for (int i = 0; i < 300; i++) {
        buf_clear(&text);
        for (int k = 0; k < 60; k++) {
            size_t n;
            char *line = mutant(&seed, &n);
            buf_put(&text, line, n);
            buf_putc(&text, i % 10 || rnd(&seed) % 3 ? '\n' : '\0');
            free(line);
        }
        ck_assert_uint_gt(strlen(read_only(text.p, text.n, NULL)), 0);
    }
    buf_free(&text);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("manifest");
    tcase_add_checked_fixture(t, NULL, teardown);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, test_comments_and_blank_lines);
    tcase_add_test(t, test_crlf_and_bom);
    tcase_add_test(t, test_zero);
    tcase_add_test(t, test_formats_may_mix);
    tcase_add_test(t, test_merge);
    tcase_add_test(t, test_merge_only_other_algorithms);
    tcase_add_test(t, test_what_comes_between_is_told_in_order);
    tcase_add_test(t, test_end_is_told_again);
    tcase_add_test(t, test_read_error);
    tcase_add_test(t, test_long_lines);
    tcase_add_test(t, test_line_ends_around_a_read);
    tcase_add_test(t, test_pipe_in_single_bytes);
    tcase_add_test(t, test_fuzz_lines);
    tcase_add_test(t, test_fuzz_manifests);
    Suite *s = suite_create("manifest");
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
