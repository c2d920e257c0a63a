/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * owner: which process a handle belongs to.  Every call must find out whether
 * it is made in a forked child, and getpid(2) would cost a good part of a
 * step: so a page that the kernel wipes in children (MADV_WIPEONFORK), and
 * getpid() only where it cannot.
 */
#ifndef TREEMILL_OWNER_H
#define TREEMILL_OWNER_H

#include <stdbool.h>
#include <sys/types.h>

struct owner {
    const unsigned char *here; /* 1, in a child 0; NULL: there is no page */
    pid_t pid;
};

/* The calling process is the owner. */
void owner_init(struct owner *o);
void owner_destroy(struct owner *o);

/* Is this another process, a child of the owner? */
bool owner_is_parent(const struct owner *o);

#endif
