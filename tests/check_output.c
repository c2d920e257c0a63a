/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where results go: a file appears whole or not at all, and keeps its mode and
 * the links to it; whatever is no regular file is written as it is.
 */
#include "cli/output.h"

#include "hashing.h"

#include "common/sig.h"

#include <dirent.h>
#include <signal.h>

static struct output output;

/* What is said is not of interest here. */
static void be_silent(void)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    ck_assert_int_eq(dup2(null, STDERR_FILENO), STDERR_FILENO);
    close(null);
    sig_init();
    umask(022);
}

static void close_output(void)
{
    output_close(&output);
}

static const char *text_of(const char *path)
{
    static char text[64];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    ssize_t n = read(fd, text, sizeof text - 1);
    ck_assert_int_ge(n, 0);
    text[n] = '\0';
    close(fd);
    return text;
}

/* How many entries the directory has. */
static int entries(const char *path)
{
    int n = -2; /* . and .. */
    DIR *dir = opendir(path);
    ck_assert_ptr_nonnull(dir);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static void open_and_put(const char *path, const char *text)
{
    ck_assert_int_eq(output_open(&output, path), 0);
    buf_puts(&output.buf, text);
}

static unsigned mode_of(const char *path)
{
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    return st.st_mode & 07777;
}

START_TEST(test_new_file_appears_with_commit)
{
    open_and_put("new", "one\n");
    ck_assert_ptr_null(text_of("new"));
    ck_assert_int_eq(output_flush(&output), 0);
    ck_assert_ptr_null(text_of("new"));
    buf_puts(&output.buf, "two\n");
    ck_assert_int_eq(output_commit(&output), 0);
    ck_assert_str_eq(text_of("new"), "one\ntwo\n");
    ck_assert_int_eq(entries("."), 1);
    output_close(&output);
    ck_assert_str_eq(text_of("new"), "one\ntwo\n");
    ck_assert_uint_eq(mode_of("new"), 0644);
}
END_TEST

START_TEST(test_old_file_stays_without_commit)
{
    make_file("old", "old", 3);
    open_and_put("old", "new");
    ck_assert_int_eq(output_flush(&output), 0);
    ck_assert_str_eq(text_of("old"), "old");
    output_close(&output);
    ck_assert_str_eq(text_of("old"), "old");
    ck_assert_int_eq(entries("."), 1);
    output_close(&output); /* once more does no harm */
}
END_TEST

START_TEST(test_replaced_file_keeps_its_mode)
{
    make_file("old", "old", 3);
    ck_assert_int_eq(chmod("old", 0604), 0);
    umask(077);
    open_and_put("old", "new");
    ck_assert_int_eq(output_commit(&output), 0);
    ck_assert_str_eq(text_of("old"), "new");
    ck_assert_uint_eq(mode_of("old"), 0604);
}
END_TEST

START_TEST(test_nothing_written_is_an_empty_file)
{
    make_file("old", "old", 3);
    open_and_put("old", "");
    ck_assert_int_eq(output_commit(&output), 0);
    ck_assert_str_eq(text_of("old"), "");
}
END_TEST

START_TEST(test_links_stay)
{
    char to[8];
    make_dir("dir");
    make_file("dir/old", "old", 3);
    make_link("dir/old", "link");
    make_link("dir/new", "dangling");
    open_and_put("link", "new");
    ck_assert_int_eq(output_commit(&output), 0);
    output_close(&output);
    ck_assert_str_eq(text_of("dir/old"), "new");
    ck_assert_int_eq(readlink("link", to, sizeof to), 7);
    open_and_put("dangling", "newer");
    ck_assert_int_eq(output_commit(&output), 0);
    ck_assert_str_eq(text_of("dir/new"), "newer");
    ck_assert_int_eq(readlink("dangling", to, sizeof to), 7);
    ck_assert_int_eq(entries("dir"), 2);
    ck_assert_int_eq(entries("."), 3);
}
END_TEST

START_TEST(test_working_directory_may_change)
{
    static const char *const names[] = {"new", "./new", "dir/../new", "old"};
    make_dir("dir");
    make_file("old", "old", 3);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        open_and_put(names[i], "text");
        ck_assert_int_eq(chdir("dir"), 0);
        ck_assert_int_eq(output_commit(&output), 0);
        ck_assert_int_eq(entries("."), 0);
        output_close(&output);
        ck_assert_int_eq(chdir(".."), 0);
        ck_assert_str_eq(text_of(i < 3 ? "new" : "old"), "text");
        ck_assert_int_eq(unlink(i < 3 ? "new" : "old"), 0);
    }
    make_file("old", "old", 3);
    open_and_put("new", "text");
    ck_assert_int_eq(chdir("dir"), 0);
    output_close(&output);
    ck_assert_int_eq(entries(".."), 2);
}
END_TEST

START_TEST(test_what_cannot_be_opened)
{
    make_dir("dir");
    make_file("file", "", 0);
    make_link("loop", "loop");
    ck_assert_int_eq(output_open(&output, "dir"), -EISDIR);
    ck_assert_int_eq(output_open(&output, "nowhere/x"), -ENOENT);
    ck_assert_int_eq(output_open(&output, "file/x"), -ENOTDIR);
    ck_assert_int_eq(output_open(&output, "loop"), -ELOOP);
    ck_assert_int_lt(output.fd, 0);
    ck_assert_int_eq(entries("."), 3);
}
END_TEST

START_TEST(test_devices_and_fifos_are_written)
{
    char got[8] = "";
    open_and_put("/dev/null", "text");
    ck_assert_ptr_null(output.temp);
    ck_assert_int_eq(output_commit(&output), 0);
    output_close(&output);
    ck_assert_int_eq(mkfifo("fifo", 0644), 0);
    int fd = open("fifo", O_RDWR | O_CLOEXEC);
    open_and_put("fifo", "text");
    ck_assert_int_eq(output_commit(&output), 0);
    ck_assert_int_eq(read(fd, got, sizeof got), 4);
    ck_assert_str_eq(got, "text");
    close(fd);
    ck_assert_int_eq(entries("."), 1);
}
END_TEST

START_TEST(test_write_errors_are_reported)
{
    open_and_put("/dev/full", "text");
    ck_assert_int_eq(output_flush(&output), -ENOSPC);
    buf_puts(&output.buf, "text");
    ck_assert_int_eq(output_commit(&output), -ENOSPC);
}
END_TEST

START_TEST(test_lost_bytes_keep_it_from_appearing)
{
    make_file("old", "old", 3);
    open_and_put("old", "new");
    output.buf.failed = true; /* memory ran out */
    ck_assert_int_lt(output_commit(&output), 0);
    output_close(&output);
    ck_assert_str_eq(text_of("old"), "old");
    ck_assert_int_eq(entries("."), 1);
}
END_TEST

/* fd becomes standard output. */
static void become_stdout(int fd)
{
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
    close(fd);
}

START_TEST(test_standard_output)
{
    struct stat st;
    become_stdout(open("f", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    open_and_put(NULL, "text");
    ck_assert_int_eq(stat("f", &st), 0);
    ck_assert_uint_eq(output.nfiles, 1); /* so that it is not hashed */
    ck_assert(output.files[0].dev == st.st_dev);
    ck_assert(output.files[0].ino == st.st_ino);
    ck_assert_int_eq(output_flush(&output), 0);
    ck_assert_str_eq(text_of("f"), "text");
    ck_assert_int_eq(output_commit(&output), 0);
}
END_TEST

START_TEST(test_own_files_are_known)
{
    struct stat st;
    make_file("old", "old", 3);
    ck_assert_int_eq(stat("old", &st), 0);
    open_and_put("old", "");
    ck_assert_uint_eq(output.nfiles, 2);
    ck_assert(output.files[0].ino == st.st_ino ||
              output.files[1].ino == st.st_ino);
    ck_assert_int_eq(fstat(output.fd, &st), 0);
    ck_assert(output.files[0].ino == st.st_ino ||
              output.files[1].ino == st.st_ino);
    output_close(&output);
    open_and_put("new", "");
    ck_assert_uint_eq(output.nfiles, 1);
    output_close(&output);
    open_and_put("/dev/null", "");
    ck_assert_uint_eq(output.nfiles, 0);
}
END_TEST

START_TEST(test_pipe_without_a_reader)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    become_stdout(ends[1]);
    close(ends[0]);
    open_and_put(NULL, "text");
    ck_assert_int_eq(output_flush(&output), -EPIPE);
    output_honour_pipe(&output);
    ck_abort_msg("SIGPIPE should have ended this");
}
END_TEST

START_TEST(test_flush_some_waits_for_much)
{
    static char much[64 * 1024];
    struct stat st;
    int kept = 0;
    ck_assert_int_eq(output_open(&output, "new"), 0);
    for (int i = 0; i < 20;
         i++) { /* the clock may be in the way now and then */
        ck_assert_int_eq(output_flush(&output), 0);
        buf_puts(&output.buf, "little");
        ck_assert_int_eq(output_flush_some(&output), 0);
        kept += output.buf.n == 6;
    }
    ck_assert_int_gt(kept, 0);
    buf_put(&output.buf, much, sizeof much);
    ck_assert_int_eq(output_flush_some(&output), 0);
    ck_assert_uint_eq(output.buf.n, 0);
    ck_assert_int_eq(fstat(output.fd, &st), 0);
    ck_assert_int_eq(st.st_size, 20 * 6 + (off_t)sizeof much);
}
END_TEST

START_TEST(test_signal_ends_a_flush)
{
    int ends[2];
    static char much[1 << 20];
    ck_assert_int_eq(pipe(ends), 0);
    become_stdout(ends[1]);
    ck_assert_int_eq(output_open(&output, NULL), 0);
    buf_put(&output.buf, much, sizeof much);
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0) { /* when the pipe is full for good */
        char stat[32], state = 'R';
        snprintf(stat, sizeof stat, "/proc/%d/stat", (int)parent);
        while (state != 'S') {
            FILE *f = fopen(stat, "re");
            if (!f || fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
                break;
            fclose(f);
        }
        kill(parent, SIGTERM);
        _exit(0);
    }
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(output_flush(&output), -EINTR);
    ck_assert_int_eq(sig_stop, SIGTERM);
    waitpid(child, NULL, 0);
    close(ends[0]);
}
END_TEST

int main(void)
{
    TCase *tc = hashing_case("output");
    tcase_set_timeout(tc, 10);
    tcase_add_checked_fixture(tc, be_silent, close_output);
    tcase_add_test(tc, test_new_file_appears_with_commit);
    tcase_add_test(tc, test_old_file_stays_without_commit);
    tcase_add_test(tc, test_replaced_file_keeps_its_mode);
    tcase_add_test(tc, test_nothing_written_is_an_empty_file);
    tcase_add_test(tc, test_links_stay);
    tcase_add_test(tc, test_working_directory_may_change);
    tcase_add_test(tc, test_what_cannot_be_opened);
    tcase_add_test(tc, test_devices_and_fifos_are_written);
    tcase_add_test(tc, test_write_errors_are_reported);
    tcase_add_test(tc, test_lost_bytes_keep_it_from_appearing);
    tcase_add_test(tc, test_standard_output);
    tcase_add_test(tc, test_own_files_are_known);
    tcase_add_test_raise_signal(tc, test_pipe_without_a_reader, SIGPIPE);
    tcase_add_test(tc, test_flush_some_waits_for_much);
    tcase_add_test(tc, test_signal_ends_a_flush);
    return run_case(tc);
}
