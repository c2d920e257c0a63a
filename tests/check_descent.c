/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The walker on its way down and up: depth, descriptors, directories that
 * cannot be read, and what changes meanwhile.
 */
#include "walking.h"

#include <limits.h>
#include <sys/resource.h>

/* --- depth ---------------------------------------------------------------- */

/* Returns what the limit was. */
static rlim_t limit_descriptors(rlim_t n)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    rlim_t old = limit.rlim_cur;
    limit.rlim_cur = n;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return old;
}

static int make_dir_in(int fd, const char *name)
{
    ck_assert_int_eq(mkdirat(fd, name, 0755), 0);
    int dir = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(dir, 0);
    return dir;
}

static void make_file_in(int fd, const char *name)
{
    int file = openat(fd, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
    ck_assert_int_ge(file, 0);
    close(file);
}

/* Makes depth directories called name in each other, below t, each with a
 * file "a" and a directory "z" with a file "f" beside the next. */
static void make_ladder(unsigned depth, const char *name)
{
    make_dir("t");
    int fd = open("t", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    for (unsigned i = 0; i < depth; i++) {
        make_file_in(fd, "a");
        int z = make_dir_in(fd, "z");
        make_file_in(z, "f");
        close(z);
        int next = make_dir_in(fd, name);
        close(fd);
        fd = next;
    }
    close(fd);
}

static void expect_rung(tmill_walk *w, unsigned level, size_t len,
                        const char *tail)
{
    tmill_entry e;
    ck_assert_int_eq(tmill_walk_next(w, &e), 1);
    ck_assert_int_eq(e.err, 0);
    check_entry(&e);
    ck_assert_uint_eq(e.level, level);
    ck_assert_uint_eq(e.len, len + strlen(tail));
    ck_assert_str_eq(e.path + len, tail);
}

/* Walks a ladder: down along the files, and up along the directories that
 * were left for later. */
static void expect_ladder(unsigned depth, const char *name)
{
    size_t step = strlen(name) + 1;
    unsigned before = open_descriptors();
    tmill_walk_attr attr = {PATHS("t")};
    tmill_walk *w = open_walk(&attr);
    for (unsigned i = 0; i < depth; i++)
        expect_rung(w, i + 2, 1 + i * step, "/a");
    ck_assert_uint_le(open_descriptors(), before + 32);
    for (unsigned i = depth; i-- > 0;)
        expect_rung(w, i + 3, 1 + i * step, "/z/f");
    expect_end(w);
    ck_assert_uint_eq(open_descriptors(), before);
}

START_TEST(test_thousands_of_levels)
{
    make_ladder(3000, "deep");
    rlim_t old = limit_descriptors(open_descriptors() + 37);
    expect_ladder(3000, "deep");
    limit_descriptors(old);
}
END_TEST

static const char long_name[] =
    "b123456789012345678901234567890123456789012345678901234567890123456789"
    "0123456789012345678901234567890123456789012345678901234567890123456789"
    "01234567890123456789012345678901234567890123456789012345678901234567";

START_TEST(test_paths_longer_than_path_max)
{
    unsigned depth = 3 * PATH_MAX / sizeof long_name + 5;
    make_ladder(depth, long_name);
    expect_ladder(depth, long_name);
}
END_TEST

START_TEST(test_few_descriptors_are_enough)
{
    make_ladder(50, "d");
    rlim_t old = limit_descriptors(open_descriptors() + 5);
    expect_ladder(50, "d");
    limit_descriptors(old);
}
END_TEST

/* The longest path into a ladder, with a tail. */
static char *ladder_path(unsigned depth, const char *tail)
{
    char *path = malloc(2 + depth * sizeof long_name + strlen(tail));
    ck_assert_ptr_nonnull(path);
    char *to = stpcpy(path, "t");
    for (unsigned i = 0; i < depth; i++)
        to = stpcpy(stpcpy(to, "/"), long_name);
    strcpy(to, tail);
    return path;
}

START_TEST(test_given_paths_longer_than_path_max)
{
    unsigned depth = 3 * PATH_MAX / sizeof long_name;
    make_ladder(depth + 1, long_name);
    char *file = ladder_path(depth, "/a"), *dir = ladder_path(depth, "/z");
    char *slashes = ladder_path(depth, "/z///"), *in_dir;
    char *missing = ladder_path(depth, "/missing");
    ck_assert_int_gt(asprintf(&in_dir, "%s/f", dir), 0);
    EXPECT((&(tmill_walk_attr){PATHS(file, dir, slashes, missing)}), LINK(file),
           PLAIN(in_dir), PLAIN(in_dir), FAILED(missing, -ENOENT));
    free(file);
    free(dir);
    free(slashes);
    free(missing);
    free(in_dir);
}
END_TEST

START_TEST(test_given_path_of_one_endless_name)
{
    char *name = malloc(3 * PATH_MAX);
    ck_assert_ptr_nonnull(name);
    memset(name, 'n', 3 * PATH_MAX);
    name[3 * PATH_MAX - 1] = '\0';
    EXPECT((&(tmill_walk_attr){PATHS(name)}), FAILED(name, -ENAMETOOLONG));
    memset(name, '/', 3 * PATH_MAX - 2);
    name[3 * PATH_MAX - 2] = 'n';
    EXPECT((&(tmill_walk_attr){PATHS(name)}), FAILED(name, -ENOENT));
    free(name);
}
END_TEST

START_TEST(test_descriptors_are_closed_early)
{
    make_tree("t/", "t/a/", "t/a/b/", "t/a/b/f", "t/a/b/g", "t/c/", "t/h",
              NULL);
    unsigned before = open_descriptors();
    tmill_walk_attr attr = {PATHS("t")};
    tmill_walk *w = open_walk(&attr);
    ck_assert_uint_eq(open_descriptors(), before);
    expect_next(w, (struct want){"t/a/b/f", 0, 0});
    ck_assert_uint_eq(open_descriptors(), before + 1); /* t, for t/c */
    ck_assert_int_eq(rmdir("t/c"), 0);
    expect_next(w, (struct want){"t/a/b/g", 0, 0});
    expect_next(w, (struct want){"t/c", -ENOENT, 0});
    ck_assert_uint_eq(open_descriptors(), before);
    expect_next(w, (struct want){"t/h", 0, 0});
    tmill_walk_close(w);
}
END_TEST

START_TEST(test_close_in_the_middle_leaves_nothing)
{
    make_ladder(20, "d");
    unsigned before = open_descriptors();
    tmill_walk_attr attr = {PATHS("t"), .memory = 1};
    tmill_walk *w = open_walk(&attr);
    for (unsigned i = 0; i < 10; i++)
        expect_rung(w, i + 2, 1 + i * 2, "/a");
    ck_assert_uint_gt(open_descriptors(), before);
    tmill_walk_close(w);
    ck_assert_uint_eq(open_descriptors(), before);
}
END_TEST

START_TEST(test_temporary_files_have_no_names)
{
    make_tree("tmp/", "t/", "t/a", "t/b", "t/c", NULL);
    setenv("TMPDIR", "tmp", 1);
    tmill_walk_attr attr = {PATHS("t"), .memory = 1};
    tmill_walk *w = open_walk(&attr);
    unsigned before = open_descriptors();
    expect_next(w, (struct want){"t/a", 0, 0});
    ck_assert_uint_eq(open_descriptors(), before + 1);
    ck_assert_int_eq(rmdir("tmp"), 0);
    expect_next(w, (struct want){"t/b", 0, 0});
    expect_next(w, (struct want){"t/c", 0, 0});
    expect_end(w);
    unsetenv("TMPDIR");
}
END_TEST

/* --- what cannot be read ------------------------------------------------- */

enum { NOBODY = 65534 };

/* Runs in a child, for good: root may read everything. */
static void become_plain_user(void)
{
    if (geteuid() == 0)
        ck_assert(setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
                  setresuid(NOBODY, NOBODY, NOBODY) == 0);
}

static void expect_unreadable(void)
{
    become_plain_user();
    EXPECT((&(tmill_walk_attr){PATHS("t", "t/no", "t/no/f", "t/list/f")}),
           PLAIN("t/a"), PLAIN("t/list/f"), FAILED("t/no", -EACCES),
           PLAIN("t/z"), FAILED("t/no", -EACCES), FAILED("t/no/f", -EACCES),
           FAILED("t/list/f", -EACCES));
}

START_TEST(test_unreadable_directory_is_an_entry)
{
    make_tree("t/", "t/a", "t/list/", "t/list/f", "t/no/", "t/no/f", "t/z",
              NULL);
    ck_assert_int_eq(chmod("t/no", 0), 0);
    ck_assert_int_eq(chmod("t/list", 0444), 0); /* to list, not to go through */
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        expect_unreadable();
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}
END_TEST

static void make_two_blocks(void)
{
    make_tree("t/", "t/d/", "t/e", NULL);
    for (int i = 0; i < 100; i++) {
        char path[32];
        snprintf(path, sizeof path, "t/d/%02d", i);
        make_file(path);
    }
}

/* The reading of t/d fails after its first block. */
START_TEST(test_read_error_keeps_what_was_read)
{
    make_two_blocks();
    system_part.block = 1024;
    system_part.fail_at = 4; /* t: entries, end; t/d: entries, failure */
    system_part.err = EIO;
    tmill_walk_attr attr = {PATHS("t")};
    tmill_walk *w = open_walk(&attr);
    expect_next(w, (struct want){"t/d", -EIO, 0});
    tmill_entry e;
    char last[32] = "t/d/";
    unsigned n = 0;
    while (tmill_walk_next(w, &e) == 1 && e.level == 3) {
        ck_assert_int_eq(e.err, 0);
        ck_assert_int_lt(strcmp(last, e.path), 0);
        snprintf(last, sizeof last, "%s", e.path);
        n++;
    }
    ck_assert_uint_gt(n, 10);
    ck_assert_uint_lt(n, 90);
    ck_assert_str_eq(e.path, "t/e");
    expect_end(w);
}
END_TEST

START_TEST(test_interrupted_read_goes_on)
{
    make_two_blocks();
    system_part.fail_at = 3;
    system_part.err = EINTR;
    tmill_walk_attr attr = {PATHS("t")};
    tmill_walk *w = open_walk(&attr);
    tmill_entry e;
    for (int i = 0; i < 101; i++) {
        ck_assert_int_eq(tmill_walk_next(w, &e), 1);
        ck_assert_int_eq(e.err, 0);
    }
    expect_end(w);
}
END_TEST

/* --- what changes meanwhile
 * ----------------------------------------------------- */

START_TEST(test_vanished_directory_is_an_entry)
{
    make_tree("t/", "t/a", "t/b/", "t/b/f", "t/c/", "t/c/g", NULL);
    tmill_walk_attr attr = {PATHS("t")};
    tmill_walk *w = open_walk(&attr);
    expect_next(w, (struct want){"t/a", 0, 0});
    ck_assert_int_eq(rename("t/b", "elsewhere"), 0);
    expect_next(w, (struct want){"t/b", -ENOENT, 0});
    expect_next(w, (struct want){"t/c/g", 0, 0});
    expect_end(w);
}
END_TEST

/* No link that takes the place of a directory is followed. */
START_TEST(test_directory_replaced_by_a_link_is_not_followed)
{
    make_tree("t/", "t/a", "t/b/", "other/", "other/f", "t/c", NULL);
    tmill_walk_attr attr = {PATHS("t")};
    tmill_walk *w = open_walk(&attr);
    expect_next(w, (struct want){"t/a", 0, 0});
    ck_assert_int_eq(rmdir("t/b"), 0);
    make_link("../other", "t/b");
    expect_next(w, (struct want){"t/b", -ENOTDIR, 0});
    expect_next(w, (struct want){"t/c", 0, 0});
    expect_end(w);
}
END_TEST

/* A directory that had to be closed is another one when it is needed again:
 * what was left to be done in it is lost, and said to be. */
START_TEST(test_replaced_directory_is_found_out)
{
    enum { DEPTH = 40 };
    make_ladder(DEPTH, "d");
    tmill_walk_attr attr = {PATHS("t")};
    tmill_walk *w = open_walk(&attr);
    for (unsigned i = 0; i < DEPTH; i++)
        expect_rung(w, i + 2, 1 + 2 * i, "/a");
    ck_assert_int_eq(rename("t/d", "moved"), 0);
    make_tree("t/d/", "t/d/z/", "t/d/z/trap", NULL);

    tmill_entry e;
    unsigned ok = 0, lost = 0;
    while (tmill_walk_next(w, &e) == 1 && e.level > 4) {
        ck_assert(e.err == 0 || e.err == -ENOENT);
        *(e.err ? &lost : &ok) += 1;
    }
    ck_assert_uint_ge(ok, 30);
    ck_assert_uint_ge(lost, 5);
    ck_assert_str_eq(e.path, "t/d/d/z");
    ck_assert_int_eq(e.err, -ENOENT);
    expect_next(w, (struct want){"t/d/z", -ESTALE, 0});
    expect_next(w, (struct want){"t/z/f", 0, 0});
    expect_end(w);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("descent");
    tcase_add_test(tc, test_thousands_of_levels);
    tcase_add_test(tc, test_paths_longer_than_path_max);
    tcase_add_test(tc, test_few_descriptors_are_enough);
    tcase_add_test(tc, test_given_paths_longer_than_path_max);
    tcase_add_test(tc, test_given_path_of_one_endless_name);
    tcase_add_test(tc, test_descriptors_are_closed_early);
    tcase_add_test(tc, test_close_in_the_middle_leaves_nothing);
    tcase_add_test(tc, test_temporary_files_have_no_names);
    tcase_add_test(tc, test_unreadable_directory_is_an_entry);
    tcase_add_test(tc, test_read_error_keeps_what_was_read);
    tcase_add_test(tc, test_interrupted_read_goes_on);
    tcase_add_test(tc, test_vanished_directory_is_an_entry);
    tcase_add_test(tc, test_directory_replaced_by_a_link_is_not_followed);
    tcase_add_test(tc, test_replaced_directory_is_found_out);
    return run_suite("descent", tc);
}
