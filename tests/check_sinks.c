/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_sinks: what the formats write, byte for byte, and that each reads its
 * own lines back.  What others write is in check_manifest.
 */
#include "common/buf.h"
#include "sinks/base64.h"
#include "sinks/sink.h"
#include "sinks/text.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The digests of "hello\n", as xxhsum, coreutils and OpenSSL print them. */
static const char *const hello[ALGO_COUNT] = {
    [ALGO_XXH3] = "99fc819aaba2462a",
    [ALGO_XXH128] = "6bba86c7e069f56d5a10b435f1c8e49c",
    [ALGO_XXH64] = "e4c191d091bd8853",
    [ALGO_XXH32] = "946b5bf9",
    [ALGO_MD5] = "b1946ac92492d2347c6235b4d2611184",
    [ALGO_SHA1] = "f572d396fae9206628714fb2ce00f72e94f2258f",
    [ALGO_SHA256] =
        "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03",
    [ALGO_SHA384] =
        "1d0f284efe3edea4b9ca3bd514fa134b17eae361ccc7a1eefeff801b9bd6604e"
        "01f21f6bf249ef030599f0c218f2ba8c",
    [ALGO_SHA512] =
        "e7c22b994c59d9cf2b48e549b1e24666636045930d3da7c1acb299d1c3b7f931"
        "f94aae41edda2c2b207a36e10f8bcb8d45223e54878f5b316e7ce3b6bc019629",
    [ALGO_SHA3_256] =
        "b314e28493eae9dab57ac4f0c6d887bddbbeb810e900d818395ace558e96516d",
    [ALGO_BLAKE2B] =
        "f60ce482e5cc1229f39d71313171a8d9f4ca3a87d066bf4b205effb528192a75"
        "f14f3271e2c1a90e1de53f275b4d4793eef2f5e31ea90d2ce29d2e481c36435f",
};

static const char *const tag[ALGO_COUNT] = {
    [ALGO_XXH3] = "XXH3",       [ALGO_XXH128] = "XXH128",
    [ALGO_XXH64] = "XXH64",     [ALGO_XXH32] = "XXH32",
    [ALGO_MD5] = "MD5",         [ALGO_SHA1] = "SHA1",
    [ALGO_SHA256] = "SHA256",   [ALGO_SHA384] = "SHA384",
    [ALGO_SHA512] = "SHA512",   [ALGO_SHA3_256] = "SHA3-256",
    [ALGO_BLAKE2B] = "BLAKE2b",
};

static unsigned char bytes[ALGO_COUNT][ALGO_MAX_BYTES];
static struct sink_opt opt;
static struct record rec;
static struct buf out;

static void setup(void)
{
    rec = (struct record){.path = "a.txt",
                          .len = 5,
                          .has_stat = true,
                          .size = 6,
                          .mode = 0644,
                          .mtime = 1795361949,
                          .mtime_ns = 282819000};
    opt = (struct sink_opt){0};
    for (int i = 0; i < ALGO_COUNT; i++) {
        ck_assert_uint_eq(strlen(hello[i]), 2 * algos[i].bytes);
        ck_assert(text_hex(bytes[i], hello[i], algos[i].bytes));
        rec.digest[i] = bytes[i];
    }
}

static void teardown(void)
{
    buf_free(&out);
}

static void choose(const char *names)
{
    const char *bad;
    size_t nbad;
    ck_assert_int_eq(algo_list_parse(&opt.algos, names, &bad, &nbad), 0);
}

static void name(const char *path, size_t n)
{
    rec.path = path;
    rec.len = n;
}

/* What a format makes of rec, as a string. */
static const char *written(const struct sink *sink)
{
    buf_clear(&out);
    sink->record(&out, &opt, &rec);
    buf_putc(&out, '\0');
    ck_assert_int_eq(buf_error(&out), 0);
    out.n--;
    return out.p;
}

static void check_written(const struct sink *sink, const char *want)
{
    ck_assert_str_eq(written(sink), want);
}

/* --- golden lines -------------------------------------------------------- */

START_TEST(test_gnu_line)
{
    char want[256];
    choose(algos[_i].name);
    snprintf(want, sizeof want, "%s%s  a.txt\n", _i == ALGO_XXH3 ? "XXH3_" : "",
             hello[_i]);
    check_written(&sink_gnu, want);
}
END_TEST

START_TEST(test_bsd_line)
{
    char want[256];
    choose(algos[_i].name);
    snprintf(want, sizeof want, "%s (a.txt) = %s\n", tag[_i], hello[_i]);
    check_written(&sink_bsd, want);
}
END_TEST

START_TEST(test_json_line)
{
    char want[512];
    choose(algos[_i].name);
    snprintf(want, sizeof want,
             "{\"path\":\"a.txt\",\"type\":\"file\",\"size\":6,\"mtime\":"
             "\"1795361949.282819000\",\"digest\":{\"%s\":\"%s\"}}\n",
             algos[_i].name, hello[_i]);
    check_written(&sink_json, want);
}
END_TEST

START_TEST(test_mtree_line)
{
    char key[64], want[512];
    bool keyword = _i >= ALGO_MD5 && _i <= ALGO_SHA512;
    choose(algos[_i].name);
    snprintf(key, sizeof key, keyword ? "%sdigest=" : "tags=%s.",
             algos[_i].name);
    snprintf(want, sizeof want,
             "./a.txt time=1795361949.282819000 mode=644 type=file size=6 "
             "%s%s\n",
             key, hello[_i]);
    check_written(&sink_mtree, want);
}
END_TEST

START_TEST(test_several_digests_in_the_order_asked)
{
    choose("md5,xxh3,xxh64");
    check_written(&sink_gnu, "b1946ac92492d2347c6235b4d2611184  a.txt\n"
                             "XXH3_99fc819aaba2462a  a.txt\n"
                             "e4c191d091bd8853  a.txt\n");
    check_written(&sink_bsd, "MD5 (a.txt) = b1946ac92492d2347c6235b4d2611184\n"
                             "XXH3 (a.txt) = 99fc819aaba2462a\n"
                             "XXH64 (a.txt) = e4c191d091bd8853\n");
    rec.has_stat = false;
    check_written(&sink_json,
                  "{\"path\":\"a.txt\",\"type\":\"file\",\"digest\":{"
                  "\"md5\":\"b1946ac92492d2347c6235b4d2611184\","
                  "\"xxh3\":\"99fc819aaba2462a\","
                  "\"xxh64\":\"e4c191d091bd8853\"}}\n");
    check_written(&sink_mtree,
                  "./a.txt type=file md5digest=b1946ac92492d2347c6235b4d2611184"
                  " tags=xxh3.99fc819aaba2462a,xxh64.e4c191d091bd8853\n");
}
END_TEST

/* --- names --------------------------------------------------------------- */

START_TEST(test_line_escapes)
{
    choose("xxh32");
    name("a\\b\nc\rd", 7);
    check_written(&sink_gnu, "\\946b5bf9  a\\\\b\\nc\\rd\n");
    check_written(&sink_bsd, "\\XXH32 (a\\\\b\\nc\\rd) = 946b5bf9\n");
    name(" *\t\x01\xff\"", 6);
    check_written(&sink_gnu, "946b5bf9   *\t\x01\xff\"\n");
    check_written(&sink_bsd, "XXH32 ( *\t\x01\xff\") = 946b5bf9\n");
}
END_TEST

START_TEST(test_zero_escapes_nothing)
{
    choose("xxh32");
    opt.zero = true;
    name("a\\b\nc\r", 6);
    written(&sink_gnu);
    ck_assert_uint_eq(out.n, 17);
    ck_assert_mem_eq(out.p, "946b5bf9  a\\b\nc\r\0", 17);
    written(&sink_bsd);
    ck_assert_uint_eq(out.n, 26);
    ck_assert_mem_eq(out.p, "XXH32 (a\\b\nc\r) = 946b5bf9\0", 26);
}
END_TEST

/* The path member as JSON writes it. */
static void check_json_path(const char *path, size_t n, const char *want)
{
    choose("xxh32");
    name(path, n);
    rec.has_stat = false;
    const char *line = written(&sink_json), *comma = strstr(line, ",\"type");
    ck_assert_ptr_nonnull(comma);
    ck_assert_uint_eq((size_t)(comma - line) - 1, strlen(want));
    ck_assert_mem_eq(line + 1, want, strlen(want));
}

START_TEST(test_json_names)
{
    check_json_path(
        "a\"\\\b\f\n\r\t\x01\x1f\x7f/", 12,
        "\"path\":\"a\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f/\"");
    check_json_path("\xc3\xa4\xe2\x82\xac", 5, "\"path\":\"\\u00e4\\u20ac\"");
    check_json_path("\xf0\x9f\x98\x80", 4, "\"path\":\"\\ud83d\\ude00\"");
    check_json_path("\xf4\x8f\xbf\xbf", 4, "\"path\":\"\\udbff\\udfff\"");
}
END_TEST

START_TEST(test_json_names_that_are_not_utf8)
{
    check_json_path("\xff", 1, "\"path_base64\":\"/w==\"");
    check_json_path("a\xc3", 2, "\"path_base64\":\"YcM=\"");
    check_json_path("\xc0\xaf.", 3, "\"path_base64\":\"wK8u\"");
    check_json_path("\xe0\x80\xaf", 3, "\"path_base64\":\"4ICv\"");
    check_json_path("\xed\xa0\x80", 3, "\"path_base64\":\"7aCA\"");
    check_json_path("\xf4\x90\x80\x80", 4, "\"path_base64\":\"9JCAgA==\"");
    check_json_path("\x80", 1, "\"path_base64\":\"gA==\"");
}
END_TEST

START_TEST(test_json_times)
{
    static const struct {
        int64_t seconds;
        uint32_t ns;
        const char *want;
    } times[] = {
        {0, 1, "\"0.000000001\""},
        {-1, 500000000, "\"-0.500000000\""},
        {-1, 0, "\"-1.000000000\""},
        {-2, 999999999, "\"-1.000000001\""},
        {-5, 250000000, "\"-4.750000000\""},
    };
    choose("xxh32");
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        rec.mtime = times[i].seconds;
        rec.mtime_ns = times[i].ns;
        ck_assert_ptr_nonnull(strstr(written(&sink_json), times[i].want));
    }
}
END_TEST

START_TEST(test_mtree_names)
{
    static const struct {
        const char *path, *want;
    } names[] = {
        {"a", "./a type=file"},
        {"./a", "./a type=file"},
        {".a", "./.a type=file"},
        {"-", "./- type=file"},
        {"new\nline", "./new\\012line type=file"},
        {"a\\b", "./a\\134b type=file"},
        {" #*=?[\x7f\xff",
         "./\\040\\043\\052\\075\\077\\133\\177\\377 type=file"},
        {"/a", "./\\057a type=file"},
        {"/d/a", "./\\057d type=dir\n./\\057d/a type=file"},
        {"../a", "./.. type=dir\n./../a type=file"},
        {"d//./e/a", "./d type=dir\n./d//./e type=dir\n./d//./e/a type=file"},
    };
    choose("xxh32");
    rec.has_stat = false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        name(names[i].path, strlen(names[i].path));
        const char *line = written(&sink_mtree);
        size_t n = strlen(names[i].want);
        ck_assert_uint_eq(strlen(line), n + strlen(" tags=xxh32.946b5bf9\n"));
        ck_assert_mem_eq(line, names[i].want, n);
    }
}
END_TEST

START_TEST(test_mtree_names_directories_once)
{
    struct buf dir = {0};
    static const char *const paths[] = {"./d/a",  "./d/b",    "./d/e/c",
                                        "./d/f",  "./d/ef/c", "./d/e/d",
                                        "./de/a", "top"};
    static const char want[] = "#mtree\n. type=dir\n"
                               "./d type=dir\n./d/a type=file\n"
                               "./d/b type=file\n"
                               "./d/e type=dir\n./d/e/c type=file\n"
                               "./d/f type=file\n"
                               "./d/ef type=dir\n./d/ef/c type=file\n"
                               "./d/e type=dir\n./d/e/d type=file\n"
                               "./de type=dir\n./de/a type=file\n"
                               "./top type=file\n";
    rec.has_stat = false;
    opt.dir = &dir;
    sink_mtree.begin(&out, &opt);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        name(paths[i], strlen(paths[i]));
        sink_mtree.record(&out, &opt, &rec);
    }
    ck_assert_uint_eq(out.n, sizeof want - 1);
    ck_assert_mem_eq(out.p, want, sizeof want - 1);
    buf_free(&dir);
}
END_TEST

/* --- what is not a file with a digest ------------------------------------ */

START_TEST(test_errors)
{
    choose("xxh32");
    rec.error = "Permission denied \"\xff\"";
    check_written(&sink_gnu, "");
    check_written(&sink_bsd, "");
    check_written(&sink_mtree, "");
    rec.has_stat = false;
    check_written(&sink_json,
                  "{\"path\":\"a.txt\",\"type\":\"file\","
                  "\"error\":\"Permission denied \\\"\\ufffd\\\"\"}\n");
    ck_assert(sink_json.writes_errors && !sink_gnu.writes_errors &&
              !sink_bsd.writes_errors && !sink_mtree.writes_errors);
}
END_TEST

START_TEST(test_trees_and_stdin)
{
    choose("xxh32");
    rec.has_stat = false;
    rec.type = RECORD_TREE;
    name("dir", 3);
    check_written(&sink_gnu, "946b5bf9  dir\n");
    check_written(&sink_bsd, "XXH32 (dir) = 946b5bf9\n");
    check_written(&sink_json, "{\"path\":\"dir\",\"type\":\"tree\","
                              "\"digest\":{\"xxh32\":\"946b5bf9\"}}\n");
    check_written(&sink_mtree, "");
    ck_assert(sink_gnu.writes_trees && sink_bsd.writes_trees &&
              sink_json.writes_trees && !sink_mtree.writes_trees);

    rec.type = RECORD_STDIN;
    name("-", 1);
    check_written(&sink_gnu, "946b5bf9  -\n");
    check_written(&sink_json, "{\"path\":\"-\",\"type\":\"stdin\","
                              "\"digest\":{\"xxh32\":\"946b5bf9\"}}\n");
    check_written(&sink_mtree, "./- type=file tags=xxh32.946b5bf9\n");
}
END_TEST

START_TEST(test_absent_digests_are_left_out)
{
    choose("md5,xxh32");
    rec.digest[ALGO_MD5] = NULL;
    rec.has_stat = false;
    check_written(&sink_gnu, "946b5bf9  a.txt\n");
    check_written(&sink_bsd, "XXH32 (a.txt) = 946b5bf9\n");
    check_written(&sink_json, "{\"path\":\"a.txt\",\"type\":\"file\","
                              "\"digest\":{\"xxh32\":\"946b5bf9\"}}\n");
    check_written(&sink_mtree, "./a.txt type=file tags=xxh32.946b5bf9\n");
}
END_TEST

START_TEST(test_table)
{
    size_t n = 0;
    for (; sinks[n]; n++) {
        ck_assert_ptr_eq(sink_find(sinks[n]->name), sinks[n]);
        ck_assert_ptr_nonnull(sinks[n]->help);
        ck_assert(sinks[n]->record && sinks[n]->parse);
    }
    ck_assert_uint_eq(n, 4);
    ck_assert_ptr_null(sink_find("csv"));
    ck_assert_ptr_null(sink_find(""));
}
END_TEST

/* --- round trips --------------------------------------------------------- */

/* Shows every line of out but comments to the format's reader, and returns
 * the one entry's digests in e. */
static void read_back(const struct sink *sink, struct expect *e)
{
    struct parse_state r = {.zero = opt.zero, .mtree = sink == &sink_mtree};
    struct expect one = {0};
    char delim = opt.zero && (sink == &sink_gnu || sink == &sink_bsd) ? 0 : 10;
    for (char *p = out.p, *end; p < out.p + out.n; p = end + 1) {
        end = memchr(p, delim, (size_t)(out.p + out.n - p));
        ck_assert_ptr_nonnull(end);
        expect_clear(&one);
        enum parsed got = sink->parse(&r, p, (size_t)(end - p), &one);
        if (got == PARSED_NOTHING)
            continue;
        ck_assert_int_eq(got, PARSED_ENTRY);
        buf_clear(&e->path);
        buf_put(&e->path, one.path.p, one.path.n);
        for (int i = 0; i < one.n; i++)
            e->digest[e->n++] = one.digest[i];
        e->has_size = one.has_size;
        e->size = one.size;
    }
    expect_free(&one);
    parse_state_free(&r);
}

static void round_trip(const struct sink *sink, bool zero)
{
    struct expect e = {0};
    opt.zero = zero && (sink == &sink_gnu || sink == &sink_bsd);
    written(sink);
    read_back(sink, &e);
    if (sink == &sink_mtree && rec.path[0] != '/' &&
        (rec.len < 2 || memcmp(rec.path, "./", 2) != 0)) {
        ck_assert_mem_eq(e.path.p, "./", 2);
        memmove(e.path.p, e.path.p + 2, e.path.n -= 2);
    }
    ck_assert_uint_eq(e.path.n, rec.len);
    ck_assert_mem_eq(e.path.p, rec.path, rec.len);
    ck_assert_int_eq(e.n, opt.algos.n);
    for (int i = 0; i < e.n; i++) {
        const struct expect_digest *d = &e.digest[i];
        int id = 0;
        /* mtree has tags behind keywords. */
        for (int k = 0; k < opt.algos.n; k++) {
            id = opt.algos.id[k];
            if (d->candidates >> id & 1 && algos[id].bytes == d->n &&
                memcmp(d->bytes, bytes[id], d->n) == 0)
                break;
        }
        ck_assert_mem_eq(d->bytes, bytes[id], algos[id].bytes);
        ck_assert(d->candidates >> id & 1);
        ck_assert(!d->little);
    }
    if (sink == &sink_json || sink == &sink_mtree)
        ck_assert_uint_eq(e.size, 6);
    expect_free(&e);
}

static void check_ascii(void)
{
    written(&sink_json);
    for (size_t i = 0; i < out.n - 1; i++)
        ck_assert(out.p[i] >= ' ' && out.p[i] < 0x7f);
    ck_assert_int_eq(out.p[out.n - 1], '\n');
}

static void round_trips(void)
{
    check_ascii();
    for (size_t i = 0; sinks[i]; i++) {
        round_trip(sinks[i], false);
        round_trip(sinks[i], true);
    }
}

START_TEST(test_round_trip_of_every_byte)
{
    choose("xxh3,md5,sha256,blake2b,xxh32");
    for (int c = 1; c < 256; c++) {
        char path[4] = {(char)c, 'x', (char)c, '\0'};
        for (int cut = 0; cut < 6; cut++) {
            static const struct {
                int from, n;
            } part[] = {{0, 1}, {0, 2}, {1, 1}, {1, 2}, {0, 3}, {2, 1}};
            name(path + part[cut].from, (size_t)part[cut].n);
            round_trips();
        }
    }
}
END_TEST

START_TEST(test_round_trip_of_random_names)
{
    static const char spice[] = "\\\n\r #=*[)( '\"{}.-/\t\xc3\xa4\xff";
    char path[300];
    uint32_t seed = 20240607;
    choose("sha512,xxh128,sha3-256,sha1");
    for (int round = 0; round < 3000; round++) {
        seed = seed * 1664525 + 1013904223;
        size_t n = 1 + (seed >> 16) % (round % 10 ? 20 : sizeof path);
        for (size_t i = 0; i < n; i++) {
            seed = seed * 1664525 + 1013904223;
            path[i] = seed >> 31 ? (char)(1 + (seed >> 16) % 255)
                                 : spice[(seed >> 16) % (sizeof spice - 1)];
        }
        name(path, n);
        round_trips();
    }
}
END_TEST

START_TEST(test_round_trip_of_hostile_names)
{
    static const char *const names[] = {
        "a) = b",   "x (y) = 00", "\\",        "\\n",         "a\\",
        "  ",       "*",          " *",        "#mtree",      "{\"path\":1}",
        "XXH3_99",  "/abs/path",  "/",         "../up",       "./.",
        "./../x",   ".//x",       "type=file", "a type=file", "\xef\xbb\xbf",
        "\\057abs", "//two",      "a\\\n",     "\\040",       "-"};
    choose("xxh3,sha256");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        name(names[i], strlen(names[i]));
        round_trips();
    }
}
END_TEST

/* --- helpers ------------------------------------------------------------- */

START_TEST(test_base64_is_strict)
{
    static const struct {
        const char *text, *plain;
    } good[] = {
        {"", ""},        {"Zg==", "f"},        {"Zm8=", "fo"},
        {"Zm9v", "foo"}, {"Zm9vYg==", "foob"}, {"+/+/", "\xfb\xff\xbf"}};
    static const char *const bad[] = {
        "Z",    "Zg=",      "Zg",    "Zh==", "Zm9=", "Z===",
        "====", "Zg==Zg==", "Zm9\n", "Zm-_", "=g=="};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        buf_clear(&out);
        ck_assert(base64_get(&out, good[i].text, strlen(good[i].text)));
        ck_assert_uint_eq(out.n, strlen(good[i].plain));
        buf_putc(&out, '\0');
        ck_assert_str_eq(out.p, good[i].plain);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!base64_get(&out, bad[i], strlen(bad[i])), "%s", bad[i]);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("sinks");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, test_gnu_line, 0, ALGO_COUNT);
    tcase_add_loop_test(t, test_bsd_line, 0, ALGO_COUNT);
    tcase_add_loop_test(t, test_json_line, 0, ALGO_COUNT);
    tcase_add_loop_test(t, test_mtree_line, 0, ALGO_COUNT);
    tcase_add_test(t, test_several_digests_in_the_order_asked);
    tcase_add_test(t, test_line_escapes);
    tcase_add_test(t, test_zero_escapes_nothing);
    tcase_add_test(t, test_json_names);
    tcase_add_test(t, test_json_names_that_are_not_utf8);
    tcase_add_test(t, test_json_times);
    tcase_add_test(t, test_mtree_names);
    tcase_add_test(t, test_mtree_names_directories_once);
    tcase_add_test(t, test_errors);
    tcase_add_test(t, test_trees_and_stdin);
    tcase_add_test(t, test_absent_digests_are_left_out);
    tcase_add_test(t, test_table);
    tcase_add_test(t, test_round_trip_of_every_byte);
    tcase_add_test(t, test_round_trip_of_random_names);
    tcase_add_test(t, test_round_trip_of_hostile_names);
    tcase_add_test(t, test_base64_is_strict);
    Suite *s = suite_create("sinks");
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
