/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * io: whole reads and writes, past EINTR and short counts.
 *
 * They go on after a signal, unless it asks to end (common/sig, sig_stop): then
 * they return -EINTR.
 */
#ifndef TREEMILL_COMMON_IO_H
#define TREEMILL_COMMON_IO_H

#include <stddef.h>
#include <sys/types.h>

/* Reads up to n bytes, fewer only at the end of the file.  Returns the count
 * or a negative errno. */
ssize_t io_read_full(int fd, void *to, size_t n);

/* One read(2).  Returns the count, 0 at the end, or a negative errno. */
ssize_t io_read(int fd, void *to, size_t n);

/* Writes all n bytes.  Returns 0 or a negative errno; what was written
 * before an error is not told. */
int io_write_full(int fd, const void *from, size_t n);

/* Closes *fd when it is open and sets it to -1.  Returns 0 or a negative
 * errno; the descriptor is gone in either case (Linux, close(2)). */
int io_close(int *fd);

/* Moves fd (or passes on -1) out of the way of descriptors 0 to 2, close-on-
 * exec, so that a program that was started without those does not take it for
 * its standard output.  Returns the descriptor, or -1 with errno set and fd
 * closed. */
int io_above_stdio(int fd);

#endif
