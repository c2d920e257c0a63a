/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zygote: the single-threaded helper process that forks a pool's workers,
 * reaps them and reports their ends.
 *
 * Why a process of its own: fork() in a program with threads copies their
 * locks in any state, and in one with gigabytes mapped takes tens of
 * milliseconds; PR_SET_PDEATHSIG fires when the forking *thread* ends.  The
 * zygote is forked once, while the pool is made, has one thread, and stays
 * small.
 *
 * Parent and zygote speak through the slots of shared.h: the parent moves a
 * slot to LIFE_WANTED, or sets `signal`, and writes command_fd; the zygote
 * moves it to LIFE_ALIVE, LIFE_ENDED or LIFE_FAILED and rings the bell.  As
 * the zygote is the only reaper, a pid that it signals is never a stranger's.
 */
#ifndef TREEMILL_ZYGOTE_H
#define TREEMILL_ZYGOTE_H

#include "libtreemill/shared.h"

#include <sys/types.h>

/* What the zygote runs in every worker, a fresh process; does not return. */
struct zygote_attr {
    const struct shared *shared;
    void (*worker)(void *u, unsigned slot);
    void *u;
};

/*
 * Forks the zygote.  *pidfd (the caller's) turns readable when it has ended.
 * 0 or a negative errno.
 */
int zygote_start(const struct zygote_attr *attr, pid_t *pid, int *pidfd);

/* Reaps it after *pidfd turned readable, and closes *pidfd. */
void zygote_reap(pid_t pid, int *pidfd);

#endif
