/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The walker: which entries come, in which order and with what in them.
 * Depth, descriptors and trouble on the way are in check_descent.
 */
#include "walking.h"

#include <sys/socket.h>
#include <sys/un.h>

/* --- order --------------------------------------------------------------- */

static char **oracle;
static size_t noracle;

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Adds the regular files below dir, in no order. */
static void ask_oracle(const char *dir)
{
    DIR *d = opendir(dir);
    ck_assert_ptr_nonnull(d);
    for (struct dirent *e; (e = readdir(d));) {
        char *path;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        ck_assert_int_gt(asprintf(&path, "%s/%s", dir, e->d_name), 0);
        struct stat st;
        ck_assert_int_eq(lstat(path, &st), 0);
        if (S_ISDIR(st.st_mode)) {
            ask_oracle(path);
            free(path);
            continue;
        }
        oracle = realloc(oracle, (noracle + 1) * sizeof *oracle);
        ck_assert_ptr_nonnull(oracle);
        oracle[noracle++] = path;
    }
    closedir(d);
}

/* Compares the walk with the sorted paths. */
static void expect_oracle(const char *dir, size_t memory)
{
    tmill_walk_attr attr = {PATHS(dir), .memory = memory};
    tmill_walk *w = open_walk(&attr);
    ask_oracle(dir);
    qsort(oracle, noracle, sizeof *oracle, by_bytes);
    for (size_t i = 0; i < noracle; i++) {
        expect_next(w, (struct want){oracle[i], 0, 0});
        free(oracle[i]);
    }
    expect_end(w);
    free(oracle);
    oracle = NULL;
    noracle = 0;
}

static void make_hostile_names(const char *dir)
{
    char path[600];
    for (int c = 1; c < 256; c++) {
        if (c == '/' || c == '.')
            continue;
        snprintf(path, sizeof path, "%s/%c", dir, c);
        make_file(path);
        snprintf(path, sizeof path, "%s/dir%c", dir, c);
        make_dir(path);
        snprintf(path, sizeof path, "%s/dir%c/f", dir, c);
        make_file(path);
    }
    for (int c = 'x'; c <= 'z'; c++) {
        int n = snprintf(path, sizeof path, "%s/", dir);
        memset(path + n, c, 255);
        path[n + 255] = '\0';
        make_file(path);
    }
}

START_TEST(test_order_is_that_of_sorted_paths)
{
    make_tree("t/", "t/dir/", "t/dir/b", "t/dir/sub/", "t/dir/sub/x",
              "t/dir/sub.x", "t/dir-b", "t/dir.b", "t/dir b", "t/dir0", "t/-rf",
              "t/--", "t/new\nline", "t/back\\slash", "t/*", "t/empty/",
              "t/...", NULL);
    make_dir("t/hostile");
    make_hostile_names("t/hostile");
    expect_oracle("t", 0);
    expect_oracle("t", 1);
    expect_oracle("t", 1024);
}
END_TEST

START_TEST(test_directory_is_compared_with_its_slash)
{
    make_tree("t/", "t/a/", "t/a/x", "t/a-b", "t/a.b", "t/a b", "t/a0", NULL);
    EXPECT((&(tmill_walk_attr){PATHS("t")}), PLAIN("t/a b"), PLAIN("t/a-b"),
           PLAIN("t/a.b"), PLAIN("t/a/x"), PLAIN("t/a0"));
}
END_TEST

START_TEST(test_large_directory_is_sorted)
{
    make_dir("t");
    for (int i = 0; i < 5000; i++) {
        char path[32];
        snprintf(path, sizeof path, "t/%d", i * 7919 % 100003);
        make_file(path);
    }
    expect_oracle("t", 0);
    expect_oracle("t", 4096);
    setenv("TMPDIR", "/nonexistent", 1);
    expect_oracle("t", 1024);
    unsetenv("TMPDIR");
}
END_TEST

/* --- given paths --------------------------------------------------------- */

START_TEST(test_paths_come_in_their_order)
{
    make_tree("b/", "b/x", "a/", "a/y", "f", NULL);
    tmill_walk_attr attr = {PATHS("b", "f", "a", "b")};
    tmill_walk *w = open_walk(&attr);
    static const char *const want[] = {"b/x", "f", "a/y", "b/x"};
    for (size_t i = 0; i < LEN(want); i++) {
        tmill_entry e;
        ck_assert_int_eq(tmill_walk_next(w, &e), 1);
        ck_assert_str_eq(e.path, want[i]);
        ck_assert_uint_eq(e.root, i);
        ck_assert_uint_eq(e.level, i == 1 ? 1 : 2);
        ck_assert_uint_eq(e.base, i == 1 ? 0 : 2);
        ck_assert_uint_eq(e.below, i == 1 ? 1 : 2);
    }
    expect_end(w);
}
END_TEST

START_TEST(test_spelling_of_a_path_is_kept)
{
    make_tree("d/", "d/a", "d/e/", "d/e/b", NULL);
    ck_assert_int_eq(chdir("d"), 0);
    EXPECT((&(tmill_walk_attr){
               PATHS(".", "./", "../d", "../d///", "../d/.", "..//d//e", "a")}),
           PLAIN("./a"), PLAIN("./e/b"), PLAIN("./a"), PLAIN("./e/b"),
           PLAIN("../d/a"), PLAIN("../d/e/b"), PLAIN("../d/a"),
           PLAIN("../d/e/b"), PLAIN("../d/./a"), PLAIN("../d/./e/b"),
           PLAIN("..//d//e/b"), LINK("a"));
}
END_TEST

START_TEST(test_root_directory_has_one_slash)
{
    tmill_walk_attr attr = {PATHS("///"), .levels = 3,
                            .flags = TMILL_WALK_ONE_FS};
    tmill_walk *w = open_walk(&attr);
    tmill_entry e;
    int rc;
    while ((rc = tmill_walk_next(w, &e)) == 1) {
        ck_assert_int_eq(e.path[0], '/');
        ck_assert_int_ne(e.path[1], '/');
        ck_assert_uint_eq(e.below, 1);
        check_entry(&e);
    }
    ck_assert_int_eq(rc, 0);
    tmill_walk_close(w);
}
END_TEST

static void make_socket(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&to, sizeof to), 0);
    close(fd);
}

START_TEST(test_bad_paths_are_entries)
{
    char longname[300];
    memset(longname, 'n', sizeof longname);
    longname[sizeof longname - 1] = '\0';
    make_tree("f", "dangling>nowhere", "loop>loop", NULL);
    ck_assert_int_eq(mkfifo("fifo", 0644), 0);
    make_socket("socket");
    EXPECT((&(tmill_walk_attr){PATHS("missing", "", "f/", "f/x", "fifo",
                                     "socket", "/dev/null", "dangling", "loop",
                                     longname, "missing//", "-", "f")}),
           FAILED("missing", -ENOENT), FAILED("", -ENOENT),
           FAILED("f/", -ENOTDIR), FAILED("f/x", -ENOTDIR),
           FAILED("fifo", -ENOTSUP), FAILED("socket", -ENOTSUP),
           FAILED("/dev/null", -ENOTSUP), FAILED("dangling", -ENOENT),
           FAILED("loop", -ELOOP), FAILED(longname, -ENAMETOOLONG),
           FAILED("missing//", -ENOENT), FAILED("-", -ENOENT), LINK("f"));
}
END_TEST

START_TEST(test_given_links_are_followed)
{
    make_tree("d/", "d/a", "d/b>a", "f", "to-d>d", "to-f>f", NULL);
    EXPECT((&(tmill_walk_attr){PATHS("to-d", "to-f")}), PLAIN("to-d/a"),
           LINK("to-f"));
}
END_TEST

START_TEST(test_dash_is_standard_input_if_wanted)
{
    make_tree("-", NULL);
    tmill_walk_attr attr = {PATHS("-", "./-"), .flags = TMILL_WALK_STDIN};
    tmill_walk *w = open_walk(&attr);
    tmill_entry e;
    ck_assert_int_eq(tmill_walk_next(w, &e), 1);
    ck_assert_str_eq(e.path, "-");
    ck_assert_int_eq(e.is_stdin, 1);
    ck_assert_int_eq(tmill_walk_next(w, &e), 1);
    ck_assert_int_eq(e.is_stdin, 0);
    expect_end(w);
    EXPECT((&(tmill_walk_attr){PATHS("-")}), LINK("-"));
}
END_TEST

/* --- further paths
 * ------------------------------------------------------------ */

struct source {
    const tmill_buf *item;
    size_t n;
    size_t pulled;
    int end;     /* what it returns at the end, */
    size_t ends; /* and how often it did */
};

static int pull(void *u, tmill_buf *item)
{
    struct source *s = u;
    if (s->pulled == s->n) {
        s->ends++;
        return s->end;
    }
    *item = s->item[s->pulled++];
    return 1;
}

START_TEST(test_more_paths_come_after_the_given_ones)
{
    static const tmill_buf items[] = {{"bXX", 1}, {"c", 2},  {"c\0c", 3},
                                      {NULL, 0},  {"\0", 1}, {"-", 1}};
    make_tree("a", "b", "c", NULL);
    struct source s = {items, LEN(items), 0, 0, 0};
    tmill_walk_attr attr = {PATHS("a"), .more = pull, .more_u = &s};
    tmill_walk *w = open_walk(&attr);
    expect_next(w, (struct want){"a", 0, 1});
    ck_assert_uint_eq(s.pulled, 0);
    expect_next(w, (struct want){"b", 0, 1});
    ck_assert_uint_eq(s.pulled, 1);
    expect_next(w, (struct want){"c", 0, 1});
    expect_next(w, (struct want){"c", -EINVAL, 0});
    expect_next(w, (struct want){"", -ENOENT, 0});
    expect_next(w, (struct want){"", -ENOENT, 0});
    tmill_entry e;
    ck_assert_int_eq(tmill_walk_next(w, &e), 1);
    ck_assert_int_eq(e.err, -ENOENT);
    ck_assert_uint_eq(e.root, 6);
    expect_end(w);
    ck_assert_uint_eq(s.ends, 1);
}
END_TEST

START_TEST(test_failure_of_the_source_ends_the_walk)
{
    static const tmill_buf items[] = {{"a", 1}};
    make_tree("a", NULL);
    struct source s = {items, 1, 0, -EIO, 0};
    tmill_walk_attr attr = {.more = pull, .more_u = &s};
    tmill_walk *w = open_walk(&attr);
    tmill_entry e;
    expect_next(w, (struct want){"a", 0, 1});
    ck_assert_int_eq(tmill_walk_next(w, &e), -EIO);
    ck_assert_int_eq(tmill_walk_next(w, &e), -EIO);
    tmill_walk_close(w);
}
END_TEST

/* --- types
 * --------------------------------------------------------------------- */

static void make_types(void)
{
    make_tree("out/", "out/f", "t/", "t/dangling>nowhere", "t/dir/", "t/dir/f",
              "t/dir/up>..", "t/file", "t/self>self", "t/to-dir>../out",
              "t/to-fifo>fifo", "t/to-file>file", NULL);
    ck_assert_int_eq(mkfifo("t/fifo", 0644), 0);
    make_socket("t/socket");
}

static void expect_types(void)
{
    EXPECT((&(tmill_walk_attr){PATHS("t")}), PLAIN("t/dir/f"), PLAIN("t/file"));
    EXPECT((&(tmill_walk_attr){PATHS("t"), .flags = TMILL_WALK_FOLLOW}),
           FAILED("t/dangling", -ENOENT), PLAIN("t/dir/f"),
           FAILED("t/dir/up", -ELOOP), PLAIN("t/file"),
           FAILED("t/self", -ELOOP), PLAIN("t/to-dir/f"), LINK("t/to-file"));
}

START_TEST(test_only_regular_files_come)
{
    make_types();
    expect_types();
}
END_TEST

START_TEST(test_types_are_looked_up_if_not_told)
{
    make_types();
    system_part.untyped = true;
    expect_types();
}
END_TEST

/* Two links that lead into each other make many paths, but not endless ones. */
START_TEST(test_loops_end)
{
    make_tree("a/", "a/f", "a/to-b>../b", "b/", "b/f", "b/to-a>../a", NULL);
    EXPECT((&(tmill_walk_attr){PATHS("a"), .flags = TMILL_WALK_FOLLOW}),
           PLAIN("a/f"), PLAIN("a/to-b/f"), FAILED("a/to-b/to-a", -ELOOP));
}
END_TEST

/* --- selection
 * ------------------------------------------------------------------ */

static tmill_fileid id_of(const char *path)
{
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    return (tmill_fileid){st.st_dev, st.st_ino};
}

static void expect_skipping(const tmill_fileid *skip, size_t n)
{
    EXPECT((&(tmill_walk_attr){PATHS("t", "t/out", "t/a"), .skip = skip,
                               .nskip = n, .flags = TMILL_WALK_FOLLOW}),
           PLAIN("t/a"), PLAIN("t/b"), LINK("t/a"));
}

START_TEST(test_skipped_files_do_not_come)
{
    make_tree("t/", "t/a", "t/b", "t/out", "t/to-out>out", NULL);
    ck_assert_int_eq(link("t/out", "t/out2"), 0);
    tmill_fileid skip[] = {id_of("t/b"), id_of("t/out")};
    skip[0].dev++; /* the same number on another device */
    expect_skipping(skip, 2);
    system_part.untyped = true;
    expect_skipping(skip, 2);
}
END_TEST

START_TEST(test_levels_limit_the_depth)
{
    make_tree("f", "t/", "t/a", "t/d/", "t/d/b", "t/d/e/", "t/d/e/c", NULL);
    tmill_walk_attr attr = {PATHS("t", "f"), .levels = 1};
    EXPECT(&attr, LINK("f"));
    attr.levels = 2;
    EXPECT(&attr, PLAIN("t/a"), LINK("f"));
    attr.levels = 3;
    EXPECT(&attr, PLAIN("t/a"), PLAIN("t/d/b"), LINK("f"));
    attr.levels = 4;
    EXPECT(&attr, PLAIN("t/a"), PLAIN("t/d/b"), PLAIN("t/d/e/c"), LINK("f"));
}
END_TEST

START_TEST(test_rules_select)
{
    make_tree("x.o", "t/", "t/a.c", "t/a.o", "t/keep.o", "t/sub/", "t/sub/b.c",
              "t/sub/b.o", "t/tmp/", "t/tmp/c.c", "t/sub/tmp",
              "t/bad.o>nowhere", NULL);
    static const tmill_rule rules[] = {
        {"*.o", 0}, {"keep.o", 1}, {"tmp/", 0}, {"/sub/b.c", 0}};
    EXPECT(
        (&(tmill_walk_attr){PATHS("t", "x.o"), .rules = rules,
                            .nrules = LEN(rules), .flags = TMILL_WALK_FOLLOW}),
        PLAIN("t/a.c"), PLAIN("t/keep.o"), PLAIN("t/sub/tmp"), LINK("x.o"));
}
END_TEST

/* /proc is a file system of its own that a link leads to. */
START_TEST(test_one_file_system)
{
    make_tree("t/", "t/a", "t/d/", "t/d/b", "t/link>/proc/self/task", NULL);
    tmill_walk_attr attr = {PATHS("t"),
                            .flags = TMILL_WALK_FOLLOW | TMILL_WALK_ONE_FS};
    EXPECT(&attr, PLAIN("t/a"), PLAIN("t/d/b"));
    attr.flags = TMILL_WALK_FOLLOW;
    attr.levels = 4;
    tmill_walk *w = open_walk(&attr);
    tmill_entry e;
    expect_next(w, (struct want){"t/a", 0, 0});
    expect_next(w, (struct want){"t/d/b", 0, 0});
    ck_assert_int_eq(tmill_walk_next(w, &e), 1);
    ck_assert_int_eq(strncmp(e.path, "t/link/", 7), 0);
    tmill_walk_close(w);
}
END_TEST

/* --- the interface
 * --------------------------------------------------------------- */

START_TEST(test_bad_attributes_are_refused)
{
    static const char *const paths[] = PLAIN(".");
    tmill_walk *w;
    tmill_walk_attr good = {.size = sizeof good, .paths = paths, .npaths = 1};
    tmill_walk_attr bad = good;
    bad.size = 0;
    ck_assert_int_eq(tmill_walk_open(&w, &bad), -EINVAL);
    bad.size = sizeof bad - 1;
    ck_assert_int_eq(tmill_walk_open(&w, &bad), -EINVAL);
    bad = good;
    bad.flags = 1U << 31;
    ck_assert_int_eq(tmill_walk_open(&w, &bad), -EINVAL);
    bad = good;
    bad.paths = NULL;
    ck_assert_int_eq(tmill_walk_open(&w, &bad), -EINVAL);
    bad = good;
    bad.rules = &(tmill_rule){NULL, 0};
    bad.nrules = 1;
    ck_assert_int_eq(tmill_walk_open(&w, &bad), -EINVAL);
    ck_assert_int_eq(tmill_walk_open(&w, NULL), -EINVAL);
    ck_assert_int_eq(tmill_walk_open(&w, &good), 0);
    tmill_walk_close(w);
    tmill_walk_close(NULL);
}
END_TEST

START_TEST(test_no_paths_are_no_files)
{
    expect_end(open_walk(&(tmill_walk_attr){0}));
}
END_TEST

static volatile int stop;

static void set_stop(void)
{
    stop = 1;
}

START_TEST(test_stop_ends_the_walk)
{
    make_tree("t/", "t/a", "t/b", NULL);
    tmill_walk_attr attr = {PATHS("t"), .stop = &stop};
    tmill_entry e;
    tmill_walk *w = open_walk(&attr);
    stop = 0;
    expect_next(w, (struct want){"t/a", 0, 0});
    stop = 1;
    ck_assert_int_eq(tmill_walk_next(w, &e), -EINTR);
    stop = 0;
    ck_assert_int_eq(tmill_walk_next(w, &e), -EINTR);
    tmill_walk_close(w);

    for (int i = 0; i < 100; i++) {
        char path[32];
        snprintf(path, sizeof path, "t/c%d", i);
        make_file(path);
    }
    w = open_walk(&attr);
    system_part.calls = 0;
    system_part.block = 512;
    system_part.fail_at = 2; /* in the middle of the directory */
    system_part.at = set_stop;
    ck_assert_int_eq(tmill_walk_next(w, &e), -EINTR);
    ck_assert_uint_eq(system_part.calls, 2);
    tmill_walk_close(w);
}
END_TEST

START_TEST(test_forked_child_cannot_use_the_walk)
{
    make_tree("t/", "t/a", "t/b", NULL);
    tmill_walk_attr attr = {PATHS("t")};
    tmill_walk *w = open_walk(&attr);
    expect_next(w, (struct want){"t/a", 0, 0});
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        tmill_entry e;
        int rc = tmill_walk_next(w, &e);
        tmill_walk_close(w);
        _exit(rc == -ECHILD ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    expect_next(w, (struct want){"t/b", 0, 0});
    expect_end(w);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("walk");
    tcase_add_test(tc, test_order_is_that_of_sorted_paths);
    tcase_add_test(tc, test_directory_is_compared_with_its_slash);
    tcase_add_test(tc, test_large_directory_is_sorted);
    tcase_add_test(tc, test_paths_come_in_their_order);
    tcase_add_test(tc, test_spelling_of_a_path_is_kept);
    tcase_add_test(tc, test_root_directory_has_one_slash);
    tcase_add_test(tc, test_bad_paths_are_entries);
    tcase_add_test(tc, test_given_links_are_followed);
    tcase_add_test(tc, test_dash_is_standard_input_if_wanted);
    tcase_add_test(tc, test_more_paths_come_after_the_given_ones);
    tcase_add_test(tc, test_failure_of_the_source_ends_the_walk);
    tcase_add_test(tc, test_only_regular_files_come);
    tcase_add_test(tc, test_types_are_looked_up_if_not_told);
    tcase_add_test(tc, test_loops_end);
    tcase_add_test(tc, test_skipped_files_do_not_come);
    tcase_add_test(tc, test_levels_limit_the_depth);
    tcase_add_test(tc, test_rules_select);
    tcase_add_test(tc, test_one_file_system);
    tcase_add_test(tc, test_bad_attributes_are_refused);
    tcase_add_test(tc, test_no_paths_are_no_files);
    tcase_add_test(tc, test_stop_ends_the_walk);
    tcase_add_test(tc, test_forked_child_cannot_use_the_walk);
    return run_suite("walk", tc);
}
