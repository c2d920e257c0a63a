/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scratch: an empty directory for every test of a program, removed at its end
 * whatever is in it.  Included by one source of a program.
 */
#ifndef TREEMILL_TESTS_SCRATCH_H
#define TREEMILL_TESTS_SCRATCH_H

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char work_dir[4096];

static inline void run(const char *const *argv)
{
    pid_t pid = fork();
    if (pid == 0) {
        execvp(argv[0], (char *const *)argv);
        _exit(127);
    }
    int status = -1;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    ck_assert_int_eq(status, 0);
}

/* Unchecked fixture of the test case: the tests of it run in forked children,
 * which may fail, so it is their parent that removes what they leave. */
static inline void make_work_dir(void)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(work_dir, sizeof work_dir, "%s/treemill-XXXXXX",
             tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(work_dir) || chmod(work_dir, 0755) < 0) {
        perror(work_dir);
        exit(99);
    }
}

static inline void remove_work_dir(void)
{
    if (chdir("/") == 0)
        run((const char *const[]){"chmod", "-R", "u+rwx", work_dir, NULL});
    run((const char *const[]){"rm", "-rf", "--", work_dir, NULL});
}

/* Checked fixture: every test starts in a directory of its own. */
static inline void enter_new_dir(void)
{
    char dir[] = "test-XXXXXX";
    ck_assert_int_eq(chdir(work_dir), 0);
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chmod(dir, 0755), 0);
    ck_assert_int_eq(chdir(dir), 0);
}

#endif
