/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msg: everything that the command says on standard error, one line at a time,
 * never through the progress line.  Exit statuses live here too.
 */
#ifndef TREEMILL_CLI_MSG_H
#define TREEMILL_CLI_MSG_H

#include <stddef.h>

enum {
    STATUS_OK = 0,
    STATUS_SOME = 1, /* some file failed, changed, or did not match */
    STATUS_FATAL = 2 /* wrong usage, or the run could not go on */
};

/* "treemill: TEXT".  Does not change the exit status. */
void msg_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* "treemill: PATH: TEXT", PATH of n bytes.  Here and in the others, control
 * characters and what is not UTF-8 are escaped (\n, \033), and in PATH
 * backslashes, so that it stays one line and a terminal is safe. */
void msg_path(const char *path, size_t n, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Says it, with a hint at --help, and returns STATUS_FATAL. */
int msg_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Draws text as the terminal's last line, in place of the one before; "" takes
 * it away.  What is said meanwhile goes above it. */
void msg_status(const char *text);

#endif
