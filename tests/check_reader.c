/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tools of the operations: the opener (which files are opened, and how),
 * and the reader (which knows whether a file held still).
 */
#include "hashing.h"

#include "ops/opener.h"
#include "ops/reader.h"

#include <limits.h>
#include <sys/syscall.h>

/* --- the system's part --------------------------------------------------- */

/* What read(2), to which the reader is linked here, does meanwhile. */
static struct {
    void (*meanwhile)(void); /* at the first read of a pass; NULL: nothing */
    int passes;              /* so many passes more */
    int passes_done;
    void (*before)(void); /* every read; NULL: nothing */
    int reads;
} system_part;

ssize_t read(int fd, void *to, size_t n)
{
    if (system_part.meanwhile && lseek(fd, 0, SEEK_CUR) == 0) {
        system_part.passes_done++;
        if (system_part.passes-- > 0)
            system_part.meanwhile();
    }
    system_part.reads++;
    if (system_part.before)
        system_part.before();
    return syscall(SYS_read, fd, to, n);
}

/* --- the opener ---------------------------------------------------------- */

static struct opener opener;

static void begin_opener(void)
{
    opener_init(&opener);
}

static void end_opener(void)
{
    opener_free(&opener);
}

static int open_as(unsigned flags, const char *path)
{
    struct task t = task_of(flags, path);
    return opener_open(&opener, &t);
}

/* The file can be opened and holds that. */
static void expect_text(unsigned flags, const char *path, const char *text)
{
    char got[64] = "";
    int fd = open_as(flags, path);
    ck_assert_msg(fd >= 0, "%s: %s", path, strerror(-fd));
    ck_assert_int_eq(read(fd, got, sizeof got - 1), (ssize_t)strlen(text));
    ck_assert_str_eq(got, text);
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(fd);
}

START_TEST(test_second_file_of_a_directory_opens_it)
{
    make_every_file();
    make_dir("dir2");
    make_file("dir2/a", "2", 1);
    expect_text(TASK_REGULAR, "dir/a", "a");
    ck_assert_int_eq(opener.fd, -1);
    opener.since += 100000; /* however slow this machine is */
    expect_text(TASK_REGULAR, "dir/b", "b");
    ck_assert_int_ge(opener.fd, 0);
    expect_text(0, "dir/c", "c");
    ck_assert_int_ge(opener.fd, 0);
    expect_text(TASK_REGULAR, "dir2/a", "2");
    ck_assert_int_eq(opener.fd, -1);
    expect_text(TASK_REGULAR, "dir/a", "a");
    expect_text(TASK_REGULAR, "hello", "hello\n");
    expect_text(TASK_FOLLOW, "dirlink/a", "a");
    expect_text(TASK_FOLLOW, "dirlink/b", "b");
    expect_text(0, "./dir/../dir/a", "a");
}
END_TEST

START_TEST(test_a_directory_is_not_kept_for_long)
{
    make_every_file();
    expect_text(TASK_REGULAR, "dir/a", "a");
    expect_text(TASK_REGULAR, "dir/b", "b");
    ck_assert_int_eq(rename("dir", "gone"), 0);
    make_dir("dir");
    make_file("dir/b", "new", 3);
    opener.since -= 1000;
    expect_text(TASK_REGULAR, "dir/b", "new");
}
END_TEST

START_TEST(test_directory_that_is_not_there)
{
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(open_as(0, "nowhere/a"), -ENOENT);
    make_dir("nowhere");
    make_file("nowhere/a", "x", 1);
    expect_text(0, "nowhere/a", "x");
}
END_TEST

START_TEST(test_only_regular_files_are_opened)
{
    static const unsigned flags[] = {0, TASK_FOLLOW,
                                     TASK_FOLLOW | TASK_BENEATH};
    make_every_file();
    make_link("fifo", "tofifo");
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(open_as(flags[i], "fifo"), -ENOTSUP);
        ck_assert_int_eq(open_as(flags[i], "socket"), -ENOTSUP);
        ck_assert_int_eq(open_as(flags[i], "dir"), -EISDIR);
        ck_assert_int_eq(open_as(flags[i], "nowhere"), -ENOENT);
        ck_assert_int_eq(open_as(flags[i], "hello/x"), -ENOTDIR);
        ck_assert_int_eq(open_as(flags[i], ""), -ENOENT);
    }
    ck_assert_int_eq(open_as(TASK_FOLLOW, "tofifo"), -ENOTSUP);
    ck_assert_int_eq(open_as(0, "/dev/null"), -ENOTSUP);
    ck_assert_int_eq(open_as(TASK_FOLLOW, "/dev/zero"), -ENOTSUP);
}
END_TEST

/* Between the walk and the opener. */
START_TEST(test_what_took_the_place_of_a_file)
{
    struct reader r;
    struct stat st;
    struct task fifo = task_of(TASK_REGULAR, "fifo");
    struct task dir = task_of(TASK_REGULAR, "dir");
    struct task link = task_of(TASK_REGULAR, "link");
    make_every_file();
    ck_assert_int_eq(reader_init(&r), 0);
    ck_assert_int_eq(reader_open(&r, &fifo, &st), -ENOTSUP);
    ck_assert_int_eq(reader_open(&r, &dir, &st), -EISDIR);
    ck_assert_int_eq(reader_open(&r, &link, &st), -ELOOP);
    reader_free(&r);
}
END_TEST

START_TEST(test_links_are_followed_when_they_may_be)
{
    make_every_file();
    expect_text(TASK_FOLLOW, "link", "hello\n");
    ck_assert_int_lt(open_as(0, "link"), 0);
    ck_assert_int_eq(open_as(TASK_REGULAR, "link"), -ELOOP);
    ck_assert_int_eq(open_as(TASK_FOLLOW, "loop"), -ELOOP);
    ck_assert_int_eq(open_as(TASK_FOLLOW, "dangling"), -ENOENT);
}
END_TEST

START_TEST(test_beneath_does_not_leave)
{
    char absolute[PATH_MAX];
    make_every_file();
    make_link("../../outside", "dir/out");
    make_link("../hello", "dir/in");
    make_link("..", "up");
    ck_assert_ptr_nonnull(getcwd(absolute, sizeof absolute - 8));
    strcat(absolute, "/hello");
    make_link(absolute, "absolute");
    int in = open_as(TASK_FOLLOW | TASK_BENEATH, "dir/in");
    if (in == -ENOSYS)
        return; /* before Linux 5.6 */
    close(in);
    expect_text(TASK_FOLLOW | TASK_BENEATH, "dir/in", "hello\n");
    expect_text(TASK_FOLLOW | TASK_BENEATH, "dir/../hello", "hello\n");
    static const char *const out[] = {"dir/out", "up/x", "../x", "absolute",
                                      "dir/../../x"};
    for (size_t i = 0; i < sizeof out / sizeof *out; i++)
        ck_assert_int_eq(open_as(TASK_FOLLOW | TASK_BENEATH, out[i]), -EXDEV);
    ck_assert_int_eq(open_as(TASK_FOLLOW | TASK_BENEATH, absolute), -EXDEV);
    expect_text(TASK_FOLLOW, absolute, "hello\n");
}
END_TEST

/* A path of so many components of n bytes, a file "f" at its end. */
static char *make_deep(unsigned levels, size_t n)
{
    char *path = calloc(levels, n + 1);
    ck_assert_ptr_nonnull(path);
    int at = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    size_t len = 0;
    for (unsigned i = 0; i < levels; i++) {
        char *name = path + len;
        memset(name, 'a' + (int)(i % 26), n);
        ck_assert_int_eq(mkdirat(at, name, 0755), 0);
        int next = openat(at, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_ge(next, 0);
        close(at);
        at = next;
        len += n;
        if (i + 1 < levels)
            path[len++] = '/';
    }
    for (const char *f = "fg"; *f; f++) {
        int fd = openat(at, (char[]){*f, 0}, O_CREAT | O_WRONLY, 0644);
        ck_assert_int_eq(write(fd, "deep", 4), 4);
        close(fd);
    }
    close(at);
    return path;
}

START_TEST(test_paths_longer_than_path_max)
{
    static const unsigned flags[] = {TASK_REGULAR, 0, TASK_FOLLOW};
    char *dir = make_deep(40, 250);
    char *path = malloc(strlen(dir) + 3);
    ck_assert_ptr_nonnull(path);
    ck_assert_uint_gt(strlen(dir), 2 * PATH_MAX);
    for (size_t i = 0; i < 3; i++) {
        sprintf(path, "%s/f", dir);
        expect_text(flags[i], path, "deep");
        path[strlen(path) - 1] = 'g'; /* the second of its directory */
        expect_text(flags[i], path, "deep");
        path[strlen(path) - 1] = 'h';
        ck_assert_int_eq(open_as(flags[i], path), -ENOENT);
    }
    sprintf(path, "%s/f", dir);
    int fd = open_as(TASK_FOLLOW | TASK_BENEATH, path);
    ck_assert(fd >= 0 || fd == -ENOSYS);
    if (fd >= 0)
        close(fd);
    free(path);
    free(dir);
}
END_TEST

START_TEST(test_names_that_are_too_long)
{
    char name[2 * PATH_MAX] = "";
    memset(name, 'x', 300);
    ck_assert_int_eq(open_as(0, name), -ENAMETOOLONG);
    memset(name, 'x', sizeof name - 1);
    ck_assert_int_eq(open_as(0, name), -ENAMETOOLONG);
    ck_assert_int_eq(open_as(TASK_REGULAR, name), -ENAMETOOLONG);
}
END_TEST

/* --- the reader ---------------------------------------------------------- */

static const char *victim;

static void append_to_victim(void)
{
    int fd = open(victim, O_WRONLY | O_APPEND | O_CLOEXEC);
    ck_assert_int_eq(write(fd, "x", 1), 1);
    close(fd);
}

static void shorten_victim(void)
{
    struct stat st;
    ck_assert_int_eq(stat(victim, &st), 0);
    ck_assert_int_eq(truncate(victim, st.st_size / 2), 0);
}

static void touch_victim(void)
{
    static int seconds = 1000;
    struct timespec t = {.tv_sec = seconds++};
    ck_assert_int_eq(utimensat(AT_FDCWD, victim, (struct timespec[]){t, t}, 0),
                     0);
}

/* Until the clock of ctime has ticked. */
static void chmod_victim(void)
{
    struct stat before, now;
    ck_assert_int_eq(stat(victim, &before), 0);
    do {
        ck_assert_int_eq(chmod(victim, 0600), 0);
        ck_assert_int_eq(stat(victim, &now), 0);
    } while (memcmp(&before.st_ctim, &now.st_ctim, sizeof now.st_ctim) == 0);
}

static int reader_start(tmill_ctx *ctx, void *config)
{
    struct reader *r = config;
    *tmill_local(ctx) = r;
    return reader_init(r);
}

static void reader_end(tmill_ctx *ctx)
{
    reader_free(*tmill_local(ctx));
}

/* Replies the result, the size, and the digest when there is one. */
struct reading {
    int result;
    uint64_t size;
    unsigned char md5[16];
};

static int reader_run(tmill_ctx *ctx, const tmill_buf *arg, size_t nargs)
{
    (void)nargs;
    struct reader *r = *tmill_local(ctx);
    struct reading reading = {0};
    struct stat st;
    struct task t;
    task_unpack(&t, arg);
    int fd = reader_open(r, &t, &st);
    if (fd < 0)
        return fd;
    reading.result = reader_digest(r, ctx, fd, 1u << ALGO_MD5, &st);
    reading.size = (uint64_t)st.st_size;
    if (!reading.result)
        digester_final(r->digester, ALGO_MD5, reading.md5);
    close(fd);
    return tmill_reply(ctx, &reading, sizeof reading);
}

/* Reads the path in the serial pool, by which read(2) of this program is
 * called. */
static struct reading read_path(unsigned flags, const char *path)
{
    static const struct op op = {"read", reader_start, reader_run, reader_end};
    struct reader r;
    struct reading reading;
    drop_tasks();
    add_task(flags, path, NULL, 0);
    struct outcome *o = run_tasks(&op, &r, 0, 1);
    ck_assert_int_eq(o->why, TMILL_OK);
    memcpy(&reading, o->out.p, sizeof reading);
    free_outcomes(o);
    return reading;
}

/* Reads the file while that happens in the first so many passes. */
static struct reading read_while(void (*meanwhile)(void), int passes,
                                 const char *path)
{
    victim = path;
    system_part.meanwhile = meanwhile;
    system_part.passes = passes;
    system_part.passes_done = 0;
    struct reading reading = read_path(0, path);
    system_part.meanwhile = NULL;
    return reading;
}

static void do_nothing(void)
{
}

START_TEST(test_a_file_that_holds_still_is_read_once)
{
    make_file("hello", "hello\n", 6);
    struct reading got = read_while(do_nothing, 0, "hello");
    ck_assert_int_eq(got.result, 0);
    ck_assert_int_eq(system_part.passes_done, 1);
    ck_assert_str_eq(hex(got.md5, 16), MD5);
    ck_assert_uint_eq(work_done, 6);
}
END_TEST

static void (*const changes[])(void) = {append_to_victim, shorten_victim,
                                        touch_victim, chmod_victim};

START_TEST(test_a_file_that_changed_is_read_again_once)
{
    make_file("f", "hello\nhello\n", 12);
    struct reading got = read_while(changes[_i], 1, "f");
    ck_assert_int_eq(got.result, 0);
    ck_assert_int_eq(system_part.passes_done, 2);
    struct reading again = read_path(0, "f");
    ck_assert_uint_eq(got.size, again.size);
    ck_assert_mem_eq(got.md5, again.md5, 16);
    ck_assert_uint_eq(work_done, again.size);
}
END_TEST

START_TEST(test_a_file_that_still_moves_has_changed)
{
    make_file("f", "hello\nhello\n", 12);
    struct reading got = read_while(changes[_i], 2, "f");
    ck_assert_int_eq(got.result, READER_CHANGED);
    ck_assert_int_eq(system_part.passes_done, 2);
    ck_assert_uint_eq(work_done, 0);
}
END_TEST

START_TEST(test_large_files_that_change)
{
    make_hole("f", HOLE);
    struct reading got = read_while(append_to_victim, 1, "f");
    ck_assert_int_eq(got.result, 0);
    ck_assert_uint_eq(got.size, HOLE + 1);
    ck_assert_uint_eq(work_done, HOLE + 1);
    got = read_while(shorten_victim, 2, "f");
    ck_assert_int_eq(got.result, READER_CHANGED);
    ck_assert_uint_eq(work_done, 0);
}
END_TEST

/* Files whose size is said to be 0 hold something all the same. */
/* Longer before every read, so that its end would never be met. */
static void grow_victim(void)
{
    if (system_part.reads < 1000)
        ck_assert_int_eq(truncate(victim, (off_t)system_part.reads << 24), 0);
}

START_TEST(test_a_file_that_grows_is_not_chased)
{
    make_file("grows", "0123456789", 10);
    system_part.before = grow_victim;
    struct reading got = read_while(do_nothing, 0, "grows");
    system_part.before = NULL;
    ck_assert_int_eq(got.result, READER_CHANGED);
    /* one read is enough to know, and so it is of the larger file */
    ck_assert_int_le(system_part.reads, 50);
    ck_assert_uint_eq(work_done, 0);
}
END_TEST

START_TEST(test_files_of_proc)
{
    struct stat st;
    if (stat("/proc/version", &st) < 0 || st.st_size)
        return;
    struct reading got = read_path(0, "/proc/version");
    ck_assert_int_eq(got.result, 0);
    ck_assert_uint_gt(work_done, 0);
}
END_TEST

/* Makes standard input what fd is. */
static void become_stdin(int fd)
{
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(dup2(fd, STDIN_FILENO), STDIN_FILENO);
    close(fd);
}

START_TEST(test_standard_input)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], "hello\n", 6), 6);
    close(ends[1]);
    become_stdin(ends[0]);
    struct reading got = read_path(TASK_STDIN, "-");
    ck_assert_int_eq(got.result, 0);
    ck_assert_uint_eq(got.size, 6);
    ck_assert_str_eq(hex(got.md5, 16), MD5);
    make_file("f", "hello\n", 6);
    become_stdin(open("f", O_RDONLY | O_CLOEXEC));
    got = read_path(TASK_STDIN, "nowhere");
    ck_assert_str_eq(hex(got.md5, 16), MD5);
}
END_TEST

int main(void)
{
    enum { NCHANGES = sizeof changes / sizeof *changes };
    TCase *tc = hashing_case("reader");
    tcase_add_checked_fixture(tc, begin_opener, end_opener);
    tcase_add_test(tc, test_second_file_of_a_directory_opens_it);
    tcase_add_test(tc, test_a_directory_is_not_kept_for_long);
    tcase_add_test(tc, test_directory_that_is_not_there);
    tcase_add_test(tc, test_only_regular_files_are_opened);
    tcase_add_test(tc, test_what_took_the_place_of_a_file);
    tcase_add_test(tc, test_links_are_followed_when_they_may_be);
    tcase_add_test(tc, test_beneath_does_not_leave);
    tcase_add_test(tc, test_paths_longer_than_path_max);
    tcase_add_test(tc, test_names_that_are_too_long);
    tcase_add_test(tc, test_a_file_that_holds_still_is_read_once);
    tcase_add_loop_test(tc, test_a_file_that_changed_is_read_again_once, 0,
                        NCHANGES);
    tcase_add_loop_test(tc, test_a_file_that_still_moves_has_changed, 0,
                        NCHANGES);
    tcase_add_test(tc, test_large_files_that_change);
    tcase_add_test(tc, test_a_file_that_grows_is_not_chased);
    tcase_add_test(tc, test_files_of_proc);
    tcase_add_test(tc, test_standard_input);
    return run_case(tc);
}
