/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * longpath: open and stat for paths of any length.  The kernel takes at most
 * PATH_MAX bytes at once, so a longer path is gone down in pieces.
 */
#ifndef TREEMILL_COMMON_LONGPATH_H
#define TREEMILL_COMMON_LONGPATH_H

#include <stddef.h>
#include <sys/stat.h>

/* openat(2) of path[0..len), which needs no NUL behind it; relative to the
 * directory `at` or AT_FDCWD.  flags without O_CREAT; O_CLOEXEC is added.
 * Returns the descriptor or a negative errno: -ENOENT for an empty path,
 * -ENAMETOOLONG for a component longer than PATH_MAX. */
int longpath_open(int at, const char *path, size_t len, int flags);

/* The same with openat2(2)'s RESOLVE_BENEATH: -EXDEV when the path leads out
 * of the directory at any point, links included, -ENOSYS before Linux 5.6.
 * Each piece of a path longer than PATH_MAX must stay beneath the last:
 * stricter than the whole path would be, never laxer. */
int longpath_open_beneath(int at, const char *path, size_t len, int flags);

/* stat(2) in the same way, symbolic links followed.  0 or a negative errno. */
int longpath_stat(int at, const char *path, size_t len, struct stat *st);

#endif
