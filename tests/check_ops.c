/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The operations.  What must hold of each row of the table: in workers and in
 * the serial pool it replies the same.  Then each by itself: known digests,
 * verdicts, and what is counted as work.  Their tools are in check_reader.
 */
#include "hashing.h"

#include "ops/hash.h"
#include "ops/verify.h"

#include <stddef.h>

/* --- every operation ----------------------------------------------------- */

static struct hash_config all_algorithms;

/* A manifest's idea of every file: that it holds "hello\n". */
static struct verify_task is_hello;

/* What an operation of the table is tested with. */
static const struct kit {
    const struct op *op;
    void *config;
    const void *extra;
    size_t nextra;
} kits[] = {
    {&op_hash, &all_algorithms, NULL, 0},
    {&op_verify, NULL, &is_hello, sizeof is_hello},
};

enum { NKITS = sizeof kits / sizeof *kits };

static void make_kits(void)
{
    all_algorithms.algos.n = ALGO_COUNT;
    for (int id = 0; id < ALGO_COUNT; id++)
        all_algorithms.algos.id[id] = (uint8_t)id;
    is_hello = (struct verify_task){.n = 1};
    expect_digest(&is_hello.digest[0], MD5, 1u << ALGO_MD5);
}

START_TEST(test_table_has_every_operation)
{
    size_t n = 0;
    while (ops[n]) {
        ck_assert_ptr_nonnull(ops[n]->name);
        ck_assert(ops[n]->init && ops[n]->run && ops[n]->fini);
        ck_assert_uint_lt(n, NKITS); /* a new one needs a kit */
        ck_assert_ptr_eq(kits[n].op, ops[n]);
        n++;
    }
    ck_assert_uint_eq(n, NKITS);
}
END_TEST

/* All that can be in a tree, each with the flags of a walk and of a manifest.
 * Returns how many tasks these are. */
static size_t make_every_task(const struct kit *kit)
{
    static const char *const paths[] = {
        "empty",     "hello",    "big",       "sparse",    "nowhere",
        "dir",       "dir/a",    "dir/b",     "./dir/a",   "dir/../hello",
        "hello/x",   "fifo",     "socket",    "/dev/null", "link",
        "dangling",  "loop",     "dirlink/a", "dirlink/b", "locked",
        "new\nline", "\xff\xfe", "dir/c",
    };
    static const unsigned flags[] = {0, TASK_FOLLOW, TASK_FOLLOW | TASK_BENEATH,
                                     TASK_REGULAR};
    make_every_file();
    for (size_t f = 0; f < sizeof flags / sizeof *flags; f++)
        for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
            add_task(flags[f], paths[i], kit->extra, kit->nextra);
    add_failed_task(-EACCES, "walk/failed", kit->extra, kit->nextra);
    return ntasks;
}

static void expect_same_replies(const struct outcome *a,
                                const struct outcome *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct task t;
        task_unpack(&t, &(tmill_buf){tasks[i].p, tasks[i].n});
        ck_assert_msg(a[i].why == b[i].why && a[i].err == b[i].err,
                      "%s: %d %d, %d %d", t.path, a[i].why, a[i].err, b[i].why,
                      b[i].err);
        ck_assert_uint_eq(a[i].out.n, b[i].out.n);
        ck_assert_mem_eq(a[i].out.p, b[i].out.p, a[i].out.n);
        ck_assert_uint_eq(a[i].msg.n, b[i].msg.n);
        ck_assert_mem_eq(a[i].msg.p, b[i].msg.p, a[i].msg.n);
    }
}

START_TEST(test_replies_do_not_depend_on_the_pool)
{
    const struct kit *kit = &kits[_i];
    size_t n = make_every_task(kit);
    struct outcome *serial = run_tasks(kit->op, kit->config, 0, 1);
    static const unsigned workers[] = {1, 3};
    static const size_t chunks[] = {1, 7, 1000};
    ck_assert_int_eq(serial[1].why, TMILL_OK);
    for (size_t w = 0; w < 2; w++)
        for (size_t c = 0; c < 3; c++) {
            struct outcome *forked =
                run_tasks(kit->op, kit->config, workers[w], chunks[c]);
            expect_same_replies(serial, forked, n);
            free_outcomes(forked);
        }
    free_outcomes(serial);
}
END_TEST

/* --- hash ---------------------------------------------------------------- */

/* Of "hello\n" and of nothing. */
static const char *const known[ALGO_COUNT][2] = {
    [ALGO_XXH3] = {X3, "2d06800538d394c2"},
    [ALGO_XXH128] = {XXH128, "99aa06d3014798d86001c324468d497f"},
    [ALGO_XXH64] = {X64, "ef46db3751d8e999"},
    [ALGO_XXH32] = {X32, "02cc5d05"},
    [ALGO_MD5] = {MD5, "d41d8cd98f00b204e9800998ecf8427e"},
    [ALGO_SHA1] = {SHA1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
    [ALGO_SHA256] = {SHA256, "e3b0c44298fc1c149afbf4c8996fb924"
                             "27ae41e4649b934ca495991b7852b855"},
    [ALGO_SHA384] = {SHA384, "38b060a751ac96384cd9327eb1b1e36a"
                             "21fdb71114be07434c0cc7bf63f6e1da"
                             "274edebfe76f65fbd51ad2f14898b95b"},
    [ALGO_SHA512] = {SHA512, "cf83e1357eefb8bdf1542850d66d8007"
                             "d620e4050b5715dc83f4a921d36ce9ce"
                             "47d0d13c5d85f2b0ff8318d2877eec2f"
                             "63b931bd47417a81a538327af927da3e"},
    [ALGO_SHA3_256] = {"b314e28493eae9dab57ac4f0c6d887bd"
                       "dbbeb810e900d818395ace558e96516d",
                       "a7ffc6f8bf1ed76651c14756a061d662"
                       "f580ff4de43b49fa82d80a4b80f8434a"},
    [ALGO_BLAKE2B] = {B2B, "786a02f742015903c6c6fd852552d272"
                           "912f4740e15847618a86e217f71f5419"
                           "d25e1031afee585313896444934eb04b"
                           "903a685b1448b755d56f701afe9be2ce"},
};

static void expect_hash_reply(const struct outcome *o,
                              const struct algo_list *list, size_t size,
                              int column)
{
    struct hash_reply head;
    const unsigned char *p = (const unsigned char *)o->out.p;
    ck_assert_int_eq(o->why, TMILL_OK);
    memcpy(&head, p, sizeof head);
    ck_assert_uint_eq(head.size, size);
    ck_assert_int_eq(head.mtime, 1234567890);
    ck_assert_uint_eq(head.mtime_ns, 987654321);
    ck_assert_uint_eq(head.mode, S_IFREG | 0640);
    p += sizeof head;
    for (int i = 0; i < list->n; i++) {
        int id = list->id[i];
        ck_assert_str_eq(hex(p, algos[id].bytes), known[id][column]);
        p += algos[id].bytes;
    }
    ck_assert_ptr_eq(p, o->out.p + o->out.n);
}

static void expect_known_digests(const struct algo_list *list)
{
    struct hash_config config = {*list};
    struct outcome *o = run_tasks(&op_hash, &config, 0, 1);
    expect_hash_reply(&o[0], list, 6, 0);
    expect_hash_reply(&o[1], list, 0, 1);
    expect_hash_reply(&o[2], list, 6, 0); /* the states start anew */
    free_outcomes(o);
}

START_TEST(test_hash_gives_the_known_digests)
{
    make_file("hello", "hello\n", 6);
    make_file("empty", "", 0);
    set_time_and_mode("hello");
    set_time_and_mode("empty");
    add_task(0, "hello", NULL, 0);
    add_task(0, "empty", NULL, 0);
    add_task(0, "hello", NULL, 0);
    for (int id = 0; id < ALGO_COUNT; id++)
        expect_known_digests(&(struct algo_list){1, {(uint8_t)id}});
    struct algo_list all = {.n = ALGO_COUNT};
    for (int i = 0; i < ALGO_COUNT; i++) /* in another order */
        all.id[i] = (uint8_t)(ALGO_COUNT - 1 - i);
    expect_known_digests(&all);
}
END_TEST

START_TEST(test_hash_says_why_it_failed)
{
    struct hash_config config = {{1, {ALGO_MD5}}};
    make_every_file();
    add_task(0, "nowhere", NULL, 0);
    add_task(0, "dir", NULL, 0);
    add_task(0, "fifo", NULL, 0);
    add_failed_task(-EACCES, "walk", NULL, 0);
    struct outcome *o = run_tasks(&op_hash, &config, 2, 1);
    ck_assert_int_eq(o[0].err, -ENOENT);
    ck_assert_str_eq(o[0].msg.p, "No such file or directory");
    ck_assert_int_eq(o[1].err, -EISDIR);
    ck_assert_str_eq(o[2].msg.p, "not a regular file");
    ck_assert_int_eq(o[3].err, -EACCES);
    ck_assert_str_eq(o[3].msg.p, "Permission denied");
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(o[i].why, TMILL_EFN);
        ck_assert_uint_eq(o[i].out.n, 0);
    }
    free_outcomes(o);
}
END_TEST

START_TEST(test_every_byte_is_counted_once)
{
    struct hash_config config = {{2, {ALGO_MD5, ALGO_XXH3}}};
    make_every_file();
    add_task(0, "big", NULL, 0);
    add_task(0, "nowhere", NULL, 0);
    add_task(0, "hello", NULL, 0);
    add_task(0, "big", NULL, 0);
    for (unsigned workers = 0; workers < 3; workers++) {
        free_outcomes(run_tasks(&op_hash, &config, workers, 1));
        ck_assert_uint_eq(work_done, 2 * BIG + 6);
    }
}
END_TEST

/* --- verify -------------------------------------------------------------- */

/* Verifies "hello" against these; returns the verdict. */
static int verdict(const struct verify_task *v)
{
    struct verify_reply reply;
    drop_tasks();
    add_task(TASK_FOLLOW, "hello", v, VERIFY_TASK_BYTES(v));
    struct outcome *o = run_tasks(&op_verify, NULL, 0, 1);
    ck_assert_int_eq(o->why, TMILL_OK);
    ck_assert_uint_eq(o->out.n, sizeof reply);
    memcpy(&reply, o->out.p, sizeof reply);
    free_outcomes(o);
    return reply.verdict;
}

START_TEST(test_one_digest_of_every_algorithm)
{
    make_file("hello", "hello\n", 6);
    for (int id = 0; id < ALGO_COUNT; id++) {
        struct verify_task v = {.n = 1};
        expect_digest(&v.digest[0], known[id][0], 1u << id);
        ck_assert_int_eq(verdict(&v), VERDICT_OK);
        v.digest[0].bytes[algos[id].bytes - 1] ^= 1;
        ck_assert_int_eq(verdict(&v), VERDICT_FAILED);
    }
}
END_TEST

START_TEST(test_little_endian_digests_are_turned)
{
    struct verify_task v = {.n = 1};
    make_file("hello", "hello\n", 6);
    expect_digest(&v.digest[0], "f95b6b94", 1u << ALGO_XXH32);
    ck_assert_int_eq(verdict(&v), VERDICT_FAILED);
    v.digest[0].little = 1;
    ck_assert_int_eq(verdict(&v), VERDICT_OK);
}
END_TEST

START_TEST(test_any_candidate_may_be_the_one)
{
    enum { BOTH = 1u << ALGO_MD5 | 1u << ALGO_XXH128 };
    static const char *const right[] = {MD5, XXH128};
    struct verify_task v = {.n = 1};
    make_file("hello", "hello\n", 6);
    for (int i = 0; i < 2; i++) {
        expect_digest(&v.digest[0], right[i], BOTH);
        ck_assert_int_eq(verdict(&v), VERDICT_OK);
    }
    expect_digest(&v.digest[0], known[ALGO_MD5][1], BOTH);
    ck_assert_int_eq(verdict(&v), VERDICT_FAILED);
    expect_digest(&v.digest[0], MD5, 1u << ALGO_XXH128);
    ck_assert_int_eq(verdict(&v), VERDICT_FAILED);
}
END_TEST

START_TEST(test_all_digests_must_match)
{
    struct verify_task v = {.n = 3};
    make_file("hello", "hello\n", 6);
    expect_digest(&v.digest[0], MD5, 1u << ALGO_MD5 | 1u << ALGO_XXH128);
    expect_digest(&v.digest[1], XXH128, 1u << ALGO_MD5 | 1u << ALGO_XXH128);
    expect_digest(&v.digest[2], SHA256, 1u << ALGO_SHA256);
    ck_assert_int_eq(verdict(&v), VERDICT_OK);
    for (int i = 0; i < 3; i++) {
        struct verify_task wrong = v;
        wrong.digest[i].bytes[0] ^= 0x80;
        ck_assert_int_eq(verdict(&wrong), VERDICT_FAILED);
    }
}
END_TEST

START_TEST(test_another_size_fails_unread)
{
    struct verify_task v = {.n = 1, .has_size = 1, .size = 6};
    make_file("hello", "hello\n", 6);
    expect_digest(&v.digest[0], MD5, 1u << ALGO_MD5);
    ck_assert_int_eq(verdict(&v), VERDICT_OK);
    ck_assert_uint_eq(work_done, 6);
    v.size = 7;
    ck_assert_int_eq(verdict(&v), VERDICT_FAILED);
    ck_assert_uint_eq(work_done, 0);
}
END_TEST

START_TEST(test_what_matched_is_tried_first_and_verdicts_stay)
{
    enum { BOTH = 1u << ALGO_MD5 | 1u << ALGO_XXH128, N = 40 };
    struct verify_task v = {.n = 1};
    make_file("hello", "hello\n", 6);
    for (int i = 0; i < N; i++) { /* md5, then both in turn, then wrong */
        expect_digest(&v.digest[0], i < N / 2 || i % 2 ? MD5 : XXH128, BOTH);
        v.digest[0].bytes[0] ^= i >= N - 4;
        add_task(0, "hello", &v, VERIFY_TASK_BYTES(&v));
    }
    struct outcome *o = run_tasks(&op_verify, NULL, 0, 1);
    for (int i = 0; i < N; i++) {
        struct verify_reply reply;
        memcpy(&reply, o[i].out.p, sizeof reply);
        ck_assert_int_eq(reply.verdict,
                         i < N - 4 ? VERDICT_OK : VERDICT_FAILED);
    }
    /* At most twice each; the first half, once it is known, once each. */
    ck_assert_uint_le(work_done, 6 * (N / 2 + 1 + N));
    free_outcomes(o);
}
END_TEST

/* path's verdict; *err is set to the reply's reason. */
static int verdict_of_path(const char *path, int *err)
{
    struct verify_reply reply;
    drop_tasks();
    add_task(TASK_FOLLOW, path, &is_hello, VERIFY_TASK_BYTES(&is_hello));
    struct outcome *o = run_tasks(&op_verify, NULL, 1, 1);
    ck_assert_int_eq(o->why, TMILL_OK);
    memcpy(&reply, o->out.p, sizeof reply);
    free_outcomes(o);
    *err = reply.err;
    return reply.verdict;
}

START_TEST(test_verdicts_on_what_cannot_be_read)
{
    static const struct {
        const char *path;
        int verdict, err;
    } cases[] = {
        {"hello", VERDICT_OK, 0},
        {"empty", VERDICT_FAILED, 0},
        {"nowhere", VERDICT_MISSING, -ENOENT},
        {"hello/x", VERDICT_MISSING, -ENOTDIR},
        {"dangling", VERDICT_MISSING, -ENOENT},
        {"dir", VERDICT_UNREADABLE, -EISDIR},
        {"fifo", VERDICT_UNREADABLE, -ENOTSUP},
        {"/dev/null", VERDICT_UNREADABLE, -ENOTSUP},
        {"loop", VERDICT_UNREADABLE, -ELOOP},
    };
    make_every_file();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int err;
        ck_assert_int_eq(verdict_of_path(cases[i].path, &err),
                         cases[i].verdict);
        if (cases[i].verdict == VERDICT_UNREADABLE)
            ck_assert_int_eq(err, cases[i].err);
    }
}
END_TEST

/* --- tasks --------------------------------------------------------------- */

START_TEST(test_tasks_come_out_as_they_went_in)
{
    struct buf b = {0};
    struct task got, t = {.flags = TASK_FOLLOW | TASK_BENEATH,
                          .err = -EIO,
                          .path = "a/\xff\n",
                          .len = 4,
                          .base = 2,
                          .extra = "\0x\0",
                          .nextra = 3};
    buf_puts(&b, "what was there before");
    task_pack(&b, &t);
    task_unpack(&got, &(tmill_buf){b.p, b.n});
    ck_assert_uint_eq(got.flags, t.flags);
    ck_assert_int_eq(got.err, -EIO);
    ck_assert_str_eq(got.path, t.path);
    ck_assert_uint_eq(got.len, 4);
    ck_assert_uint_eq(got.base, 2);
    ck_assert_uint_eq(got.nextra, 3);
    ck_assert_mem_eq(got.extra, t.extra, 3);
    t.nextra = 0;
    t.path = "";
    t.len = t.base = 0;
    task_pack(&b, &t);
    task_unpack(&got, &(tmill_buf){b.p, b.n});
    ck_assert_str_eq(got.path, "");
    ck_assert_uint_eq(got.nextra, 0);
    buf_free(&b);
}
END_TEST

START_TEST(test_entries_become_tasks)
{
    struct task t;
    tmill_entry e = {.path = "a/b", .len = 3, .base = 2};
    task_of_entry(&t, &e);
    ck_assert_uint_eq(t.flags, TASK_REGULAR);
    ck_assert_str_eq(t.path, "a/b");
    ck_assert_uint_eq(t.base, 2);
    e.follow = 1;
    task_of_entry(&t, &e);
    ck_assert(t.flags & TASK_FOLLOW);
    e.is_stdin = 1;
    task_of_entry(&t, &e);
    ck_assert(t.flags & TASK_STDIN);
    e.err = -EACCES;
    task_of_entry(&t, &e);
    ck_assert_int_eq(t.err, -EACCES);
    ck_assert(!(t.flags & TASK_REGULAR));
}
END_TEST

int main(void)
{
    TCase *tc = hashing_case("ops");
    tcase_add_checked_fixture(tc, make_kits, NULL);
    tcase_add_test(tc, test_table_has_every_operation);
    tcase_add_loop_test(tc, test_replies_do_not_depend_on_the_pool, 0, NKITS);
    tcase_add_test(tc, test_hash_gives_the_known_digests);
    tcase_add_test(tc, test_hash_says_why_it_failed);
    tcase_add_test(tc, test_every_byte_is_counted_once);
    tcase_add_test(tc, test_one_digest_of_every_algorithm);
    tcase_add_test(tc, test_little_endian_digests_are_turned);
    tcase_add_test(tc, test_any_candidate_may_be_the_one);
    tcase_add_test(tc, test_all_digests_must_match);
    tcase_add_test(tc, test_another_size_fails_unread);
    tcase_add_test(tc, test_what_matched_is_tried_first_and_verdicts_stay);
    tcase_add_test(tc, test_verdicts_on_what_cannot_be_read);
    tcase_add_test(tc, test_tasks_come_out_as_they_went_in);
    tcase_add_test(tc, test_entries_become_tasks);
    return run_case(tc);
}
