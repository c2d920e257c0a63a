/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_readers: lines of each format as other programs write them, good and
 * bad.  Files, lines and merging are in check_manifest.
 */
#include "told.h"

/* --- gnu ----------------------------------------------------------------- */

START_TEST(test_gnu_widths)
{
    check(X32 "  a\n", "a xxh32:946b|");
    check(X64 "  a\n", "a xxh64:e4c1|");
    check("XXH3_" X3 "  a\n", "a xxh3:99fc|");
    check(XXH128 "  a\n", "a xxh128/md5:6bba|");
    check(SHA1 "  a\n", "a sha1:f572|");
    check(SHA256 "  a\n", "a sha256/sha3-256:5891|");
    check(SHA384 "  a\n", "a sha384:1d0f|");
    check(SHA512 "  a\n", "a sha512/blake2b:e7c2|");
}
END_TEST

START_TEST(test_gnu_narrowed)
{
    check_only("md5,sha3-256", MD5 "  a\n", "a md5:b194|");
    check_only("md5,sha3-256", SHA256 "  a\n", "a sha3-256:5891|");
    check_only("md5", SHA256 "  a\n" SHA1 "  b\n", "bad 1|bad 2|");
    check_only("md5", "XXH3_" X3 "  a\nSHA1 (b) = " SHA1 "\n",
               "a xxh3:99fc|b sha1:f572|");
    check_only("xxh3", X64 "  a\n", "bad 1|");
}
END_TEST

START_TEST(test_gnu_spellings)
{
    check(X32 " *a\n", "a xxh32:946b|");
    check("946B5BF9  a\n", "a xxh32:946b|");
    check(" \t" X32 "  a\n", "a xxh32:946b|");
    check(X32 "  a", "a xxh32:946b|");
    check(X32 "\t a b \n", "a b  xxh32:946b|");
    check(X32 "   lead\n", " lead xxh32:946b|");
    check(X32 " **\n", "* xxh32:946b|");
    check("\\" X32 "  a\\\\b\\nc\\r\n", "a\\b\nc\r xxh32:946b|");
    check(X32 "  a\\nb\n", "a\\nb xxh32:946b|");
    check(X32 "  -\n", "- xxh32:946b|");
}
END_TEST

START_TEST(test_gnu_one_blank)
{
    check(MD5 " a\n" MD5 "  b\n" MD5 " *c\n",
          "a xxh128/md5:b194| b xxh128/md5:b194|*c xxh128/md5:b194|");
    check(MD5 "  a\n" MD5 " b\n" MD5 " *c\n",
          "a xxh128/md5:b194|bad 2|c xxh128/md5:b194|");
    check(MD5 "  \n", "  xxh128/md5:b194|");
    check(MD5 "  a\n" MD5 "  \n", "a xxh128/md5:b194|bad 2|");
}
END_TEST

START_TEST(test_gnu_malformed)
{
    check("\\" X32 "  a\\tb\n", "bad 1|");
    check("\\" X32 "  a\\\n", "bad 1|");
    check(X32 "\n" X32 " \n", "bad 1|bad 2|");
    check("946b5bf  a\n946b5bf90  a\n946b5bfg  a\n", "bad 1|bad 2|bad 3|");
    check("XXH3_" X32 "  a\nxxh3_" X3 "  a\n", "bad 1|bad 2|");
    check("\\\\" X32 "  a\n", "bad 1|");
    check("hello\n\xff\xfe\n", "bad 1|bad 2|");
}
END_TEST

/* --- tag lines ----------------------------------------------------------- */

START_TEST(test_bsd_spellings)
{
    check("MD5 (a) = " MD5 "\n", "a md5:b194|");
    check("SHA256 (a b) = " SHA256 "\n", "a b sha256:5891|");
    check("SHA2-512(a)= " SHA512 "\n", "a sha512:e7c2|");
    check("BLAKE2B-512(a)= " B2B "\n", "a blake2b:f60c|");
    check("BLAKE2b (a) = " B2B "\n", "a blake2b:f60c|");
    check("XXH3 (a) = " X3 "\n", "a xxh3:99fc|");
    check("XXH3_LE (a) = 2a46a2ab9a81fc99\n", "a xxh3:le:2a46|");
    check("XXH32_LE (a) = f95b6b94\n", "a xxh32:le:f95b|");
    check("XXH128 (a) = 6BBA86C7E069F56D5A10B435F1C8E49C\n", "a xxh128:6bba|");
    check("  SHA1 (a) = " SHA1 "\n", "a sha1:f572|");
}
END_TEST

START_TEST(test_bsd_names)
{
    check("XXH32 (a) = 00) = " X32 "\n", "a) = 00 xxh32:946b|");
    check("XXH32 (() = " X32 "\n", "( xxh32:946b|");
    check("XXH32 ()) = " X32 "\n", ") xxh32:946b|");
    check("\\XXH32 (a\\nb\\\\) = " X32 "\n", "a\nb\\ xxh32:946b|");
    check("XXH32 (a\\nb) = " X32 "\n", "a\\nb xxh32:946b|");
    check("XXH32(  )= " X32 "\n", "   xxh32:946b|");
}
END_TEST

START_TEST(test_bsd_unknown)
{
    check("BLAKE3 (a) = " SHA256 "\n", "unknown BLAKE3 a|");
    check("BLAKE2b-256 (a b) = " SHA256 "\n", "unknown BLAKE2b-256 a b|");
    check("CRC32 (a) = 12345678\n", "unknown CRC32 a|");
    check("\\SHA224 (a\\nb) = 12\n", "unknown SHA224 a\nb|");
    check("Z123456789012345678901234567890123456789 (a) = 12\n",
          "unknown Z123456789012345678901234567890 a|");
}
END_TEST

START_TEST(test_bsd_malformed)
{
    check("MD5 (a) = " SHA256 "\n", "bad 1|");
    check("MD5 (a) = " MD5 " \n", "bad 1|");
    check("MD5 (a) = \nMD5 (a) " MD5 "\nMD5 (a = " MD5 "\n",
          "bad 1|bad 2|bad 3|");
    check("MD5 () = " MD5 "\nMD5 a = " MD5 "\n", "bad 1|bad 2|");
    check("\\MD5 (\\a) = " MD5 "\n", "bad 1|");
    check("SHA256 (a) = WJG1tSLV3whtD/CxEPvZ0hu0/HFjrzTQgoai6Eb2vgM=\n",
          "bad 1|");
    check("BLAKE3 (a) = xyz\n (a) = 12\n", "bad 1|bad 2|");
}
END_TEST

/* --- json ---------------------------------------------------------------- */

START_TEST(test_json_spellings)
{
    check("{\"path\":\"a\",\"digest\":{\"xxh32\":\"" X32 "\"}}\n",
          "a xxh32:946b|");
    check(" { \"digest\" : { \"xxh3\":\"" X3 "\" , \"MD5\" : \"" MD5
          "\" } , \"size\" : 18446744073709551615 , \"path\" : \"a\" } \r\n",
          "a size=18446744073709551615 xxh3:99fc md5:b194|");
    check("{\"path\":\"\\u00e4\\ud83d\\ude00\\/\\\"\\b\","
          "\"digest\":{\"xxh32\":\"" X32 "\"}}",
          "\xc3\xa4\xf0\x9f\x98\x80/\"\b xxh32:946b|");
    check("{\"path\":\"\xc3\xa4\",\"digest\":{\"xxh32\":\"" X32 "\"}}",
          "\xc3\xa4 xxh32:946b|");
    check("{\"path_base64\":\"/w==\",\"digest\":{\"xxh32\":\"" X32 "\"}}",
          "\xff xxh32:946b|");
    check("{\"x\":[1,-2.5e+3,{\"y\":[[],{},null]},\"z\"],\"path\":\"a\","
          "\"t\":true,\"size\":1.5,\"digest\":{\"new\":1,\"xxh32\":\"" X32
          "\"}}",
          "a xxh32:946b|");
}
END_TEST

START_TEST(test_json_without_digests)
{
    check("{\"path\":\"a\",\"type\":\"file\",\"error\":\"no\"}\n", "");
    check("{\"path\":\"a\",\"type\":\"tree\",\"digest\":{\"xxh32\":\"" X32
          "\"}}\n",
          "");
    check("{\"path\":\"a\",\"digest\":{\"blake3\":\"00\"}}\n",
          "unknown blake3 a|");
    check("{\"path\":\"a\",\"digest\":{}}\n{\"path\":\"a\"}\n{}\n",
          "bad 1|bad 2|bad 3|");
}
END_TEST

static const char *const bad_json[] = {
    "{",
    "{}x",
    "{\"path\":\"a\"," DIGEST,
    "{\"path\":\"a\"," DIGEST ",}",
    "{,\"path\":\"a\"," DIGEST "}",
    "{\"path\":\"a\" " DIGEST "}",
    "{\"path\" \"a\"," DIGEST "}",
    "{\"path\":\"a\"," DIGEST "}}",
    "{\"path\":\"a\"," DIGEST "} {}",
    "{\"path\":\"\"," DIGEST "}",
    "{\"path\":\"a\\u0000\"," DIGEST "}",
    "{\"path\":\"\\ud800\"," DIGEST "}",
    "{\"path\":\"\\ud800\\u0041\"," DIGEST "}",
    "{\"path\":\"\\udc00\"," DIGEST "}",
    "{\"path\":\"\\u12g4\"," DIGEST "}",
    "{\"path\":\"\\x41\"," DIGEST "}",
    "{\"path\":\"a\tb\"," DIGEST "}",
    "{\"path\":\"\xff\"," DIGEST "}",
    "{\"path\":\"\xed\xa0\x80\"," DIGEST "}",
    "{\"path\":\"\xc0\xaf\"," DIGEST "}",
    "{\"path\":1," DIGEST "}",
    "{\"path\":\"a\",\"path\":\"b\"," DIGEST "}",
    "{\"path\":\"a\",\"path_base64\":\"/w==\"," DIGEST "}",
    "{\"path_base64\":\"/w=\"," DIGEST "}",
    "{\"path_base64\":\"AA==\"," DIGEST "}",
    "{" DIGEST "}",
    "{\"path\":\"a\",\"digest\":{\"xxh32\":\"946b\"}}",
    "{\"path\":\"a\",\"digest\":{\"xxh32\":\"946b5bfg\"}}",
    "{\"path\":\"a\",\"digest\":{\"xxh32\":12345678}}",
    "{\"path\":\"a\",\"digest\":\"" X32 "\"}",
    "{\"path\":\"a\",\"digest\":{\"md5\":\"" MD5 "\",\"MD5\":\"" MD5 "\"}}",
    "{\"path\":\"a\",\"x\":01," DIGEST "}",
    "{\"path\":\"a\",\"x\":1.," DIGEST "}",
    "{\"path\":\"a\",\"x\":-," DIGEST "}",
    "{\"path\":\"a\",\"x\":1e," DIGEST "}",
    "{\"path\":\"a\",\"x\":nul," DIGEST "}",
    "{\"path\":\"a\",\"x\":[1,]," DIGEST "}",
    "{\"path\":\"a\",\"x\":[1 2]," DIGEST "}",
    "{\"path\":\"a\",\"x\":," DIGEST "}",
};

START_TEST(test_json_malformed)
{
    const char *text = bad_json[_i];
    ck_assert_msg(!strcmp(read_only(text, strlen(text), NULL), "bad 1|"),
                  "%s: %s", text, told.p);
}
END_TEST

START_TEST(test_json_depth_is_bounded)
{
    struct buf text = {0};
    static const int depths[] = {20, 100, 1000000};
    for (int i = 0; i < 3; i++) {
        buf_clear(&text);
        buf_puts(&text, "{\"path\":\"a\"," DIGEST ",\"x\":");
        for (int k = 0; k < depths[i]; k++)
            buf_putc(&text, '[');
        for (int k = 0; k < depths[i]; k++)
            buf_putc(&text, ']');
        buf_puts(&text, "}\n");
        ck_assert_str_eq(read_only(text.p, text.n, NULL),
                         i == 0 ? "a xxh32:946b|" : "bad 1|");
    }
    buf_free(&text);
}
END_TEST

/* --- mtree --------------------------------------------------------------- */

START_TEST(test_mtree_of_libarchive)
{
    check("#mtree\n"
          ". time=1795361949.282819000 mode=755 type=dir\n"
          "./a time=1795361949.282819000 mode=644 gid=0 uname=x type=file "
          "size=6 sha256digest=" SHA256 "\n"
          "./new\\012line type=file size=6 md5digest=" MD5
          " sha512digest=" SHA512 "\n"
          "./l type=link link=a\n"
          "./none type=file size=3\n",
          "./a size=6 sha256:5891|./new\nline size=6 md5:b194 sha512:e7c2|");
    check("#mtree\r\n"
          "/set type=file uid=0 gid=0 mode=644\r\n"
          ".               mode=755 type=dir\r\n"
          "./d/b           time=1.0 size=6 \\\r\n"
          "                sha256digest=" SHA256 "\r\n",
          "./d/b size=6 sha256:5891|");
}
END_TEST

START_TEST(test_mtree_of_netbsd)
{
    check("#\t   user: x\n#\t   tree: /t\n\n# .\n"
          "/set type=file mode=0644\n"
          ".               type=dir mode=0755 time=1.906100707\n"
          "    a\\sb        size=6 time=1795373043.906100707 \\\n"
          "                sha256=" SHA256 "\n"
          "    \\M^?\\M-x\\^A\\#\\\\\\\" \\\n"
          "                sha1=" SHA1 "\n\n"
          "# ./d\n"
          "d               type=dir mode=0755\n"
          "    b=c         md5=" MD5 "\n"
          "    f           type=fifo\n"
          "# ./d/e\n"
          "e               type=dir\n"
          "    c           sha384=" SHA384 "\n"
          "# ./d/e\n..\n\n"
          "# ./d\n..\n\n"
          "last sha512=" SHA512 "\n",
          "./a b size=6 sha256:5891|./\xff\xf8\x01#\\\" sha1:f572|"
          "./d/b=c md5:b194|./d/e/c sha384:1d0f|./last sha512:e7c2|");
    check(". type=dir \n./a type=file size=6 sha256=" SHA256 " \n",
          "./a size=6 sha256:5891|");
    check("type=dir .\ntype=file size=6 sha256=" SHA256 " ./a\n",
          "./a size=6 sha256:5891|");
}
END_TEST

START_TEST(test_mtree_of_ours)
{
    check("#mtree\n. type=dir\n"
          "./\\057etc type=dir\n"
          "./\\057etc/a type=file tags=xxh3." X3 ",mine,xxh128." XXH128 "\n"
          "./- type=file sha1digest=" SHA1 "\n",
          "/etc/a xxh3:99fc xxh128:6bba|./- sha1:f572|");
}
END_TEST

START_TEST(test_mtree_set)
{
    check("/set type=dir\nd\nx\n..\n/set type=file\na md5=" MD5 "\n"
          "/set type=link\nb md5=" MD5 "\n/unset type\nc md5=" MD5 "\n"
          "/set type=link\n/unset all\ne type=file md5=" MD5 "\n",
          "d/a md5:b194|d/c md5:b194|d/e md5:b194|");
}
END_TEST

START_TEST(test_mtree_unknown)
{
    check("#mtree\n./a type=file rmd160digest=12\n"
          "./b type=file sha512256=" SHA256 "\n"
          "./c type=file ripemd160digest=12 md5=" MD5 "\n",
          "unknown rmd160digest ./a|unknown sha512256 ./b|./c md5:b194|");
}
END_TEST

START_TEST(test_mtree_malformed)
{
    check("#mtree\n./a type=file md5=12\n./b md5=" SHA1 "\n"
          "./c type=file tags=xxh3.12\n./d size=x md5=" MD5 "\n"
          "./e\\q md5=" MD5 "\n./f\\ md5=" MD5 "\n/a md5=" MD5 "\n..\n"
          "a\\000 md5=" MD5 "\nb\\400 md5=" MD5 "\nhello world\n"
          "./c md5=" MD5 " md5=" MD5 "\n",
          "bad 2|bad 3|bad 4|bad 5|bad 6|bad 7|bad 8|bad 9|bad 10|bad 11|"
          "bad 12|./c md5:b194 md5:b194|");
}
END_TEST

START_TEST(test_mtree_line_unfinished_at_the_end)
{
    check("#mtree\n./a type=file \\\n md5=" MD5 " \\\n", "./a md5:b194|");
    check("#mtree\n./a type=file md5=" MD5 " \\", "./a md5:b194|");
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("readers");
    tcase_add_checked_fixture(t, NULL, teardown);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, test_gnu_widths);
    tcase_add_test(t, test_gnu_narrowed);
    tcase_add_test(t, test_gnu_spellings);
    tcase_add_test(t, test_gnu_one_blank);
    tcase_add_test(t, test_gnu_malformed);
    tcase_add_test(t, test_bsd_spellings);
    tcase_add_test(t, test_bsd_names);
    tcase_add_test(t, test_bsd_unknown);
    tcase_add_test(t, test_bsd_malformed);
    tcase_add_test(t, test_json_spellings);
    tcase_add_test(t, test_json_without_digests);
    tcase_add_loop_test(t, test_json_malformed, 0,
                        sizeof bad_json / sizeof *bad_json);
    tcase_add_test(t, test_json_depth_is_bounded);
    tcase_add_test(t, test_mtree_of_libarchive);
    tcase_add_test(t, test_mtree_of_netbsd);
    tcase_add_test(t, test_mtree_of_ours);
    tcase_add_test(t, test_mtree_set);
    tcase_add_test(t, test_mtree_unknown);
    tcase_add_test(t, test_mtree_malformed);
    tcase_add_test(t, test_mtree_line_unfinished_at_the_end);
    Suite *s = suite_create("readers");
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
