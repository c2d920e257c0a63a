/* SPDX-License-Identifier: BSD-2-Clause */
/* check_buf: appending, growing, failing once and for all. */
#include "common/buf.h"

#include <check.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

START_TEST(test_append)
{
    struct buf b = {0};
    buf_put(&b, "ab\0c", 4);
    buf_putc(&b, 'd');
    buf_puts(&b, "ef");
    buf_printf(&b, "%d-%s", 42, "x");
    buf_hex(&b, (const unsigned char *)"\x00\x9f\xff", 3);
    ck_assert_uint_eq(b.n, 17);
    ck_assert_mem_eq(b.p, "ab\0cdef42-x009fff", 17);
    ck_assert_int_eq(buf_error(&b), 0);
    buf_free(&b);
}
END_TEST

START_TEST(test_nothing_is_nothing)
{
    struct buf b = {0};
    buf_put(&b, NULL, 0);
    buf_puts(&b, "");
    buf_printf(&b, "%s", "");
    buf_hex(&b, NULL, 0);
    ck_assert_uint_eq(b.n, 0);
    ck_assert_int_eq(buf_error(&b), 0);
    buf_free(&b);
    buf_free(&b);
}
END_TEST

START_TEST(test_grows_and_keeps)
{
    struct buf b = {0};
    for (int i = 0; i < 100000; i++)
        buf_putc(&b, (char)(i * 7));
    ck_assert_uint_eq(b.n, 100000);
    for (int i = 0; i < 100000; i++)
        ck_assert_int_eq(b.p[i], (char)(i * 7));

    const char *before = b.p;
    buf_clear(&b);
    ck_assert_uint_eq(b.n, 0);
    buf_puts(&b, "again");
    ck_assert_ptr_eq(b.p, before);
    ck_assert_mem_eq(b.p, "again", 5);
    buf_free(&b);
    ck_assert_ptr_null(b.p);
}
END_TEST

START_TEST(test_printf_of_every_length)
{
    struct buf b = {0};
    size_t total = 0;
    for (int n = 0; n < 600; n++) {
        buf_printf(&b, "%0*d", n + 1, 7);
        total += (size_t)n + 1;
        ck_assert_uint_eq(b.n, total);
        ck_assert_uint_le(b.n, b.cap);
        ck_assert_int_eq(b.p[total - 1], '7');
    }
    ck_assert_int_eq(buf_error(&b), 0);
    buf_free(&b);
}
END_TEST

START_TEST(test_reserve_gives_room)
{
    struct buf b = {0};
    buf_puts(&b, "x");
    char *to = buf_reserve(&b, 1000);
    ck_assert_ptr_nonnull(to);
    ck_assert_ptr_eq(to, b.p + 1);
    memset(to, 'y', 1000);
    ck_assert_uint_eq(b.n, 1);
    b.n += 1000;
    ck_assert_int_eq(b.p[1000], 'y');
    buf_free(&b);
}
END_TEST

START_TEST(test_failure_sticks)
{
    struct buf b = {0};
    buf_puts(&b, "kept");
    ck_assert_ptr_null(buf_reserve(&b, SIZE_MAX - 2));
    ck_assert_int_eq(buf_error(&b), -ENOMEM);
    buf_puts(&b, "lost");
    buf_printf(&b, "%d", 1);
    ck_assert_uint_eq(b.n, 4);
    buf_clear(&b);
    ck_assert_int_eq(buf_error(&b), -ENOMEM);
    buf_free(&b);
    ck_assert_int_eq(buf_error(&b), 0);
    buf_puts(&b, "new");
    ck_assert_uint_eq(b.n, 3);
    buf_free(&b);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("buf");
    tcase_add_test(t, test_append);
    tcase_add_test(t, test_nothing_is_nothing);
    tcase_add_test(t, test_grows_and_keeps);
    tcase_add_test(t, test_printf_of_every_length);
    tcase_add_test(t, test_reserve_gives_room);
    tcase_add_test(t, test_failure_sticks);
    Suite *s = suite_create("buf");
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
