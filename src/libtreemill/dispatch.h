/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dispatch: the parent's side of a pool with worker processes, in three parts.
 * One step of the dispatcher is
 *
 *     collect   read replies, judge workers that ended, enforce time limits
 *     feed      build chunks, send them, take back what would wait too long
 *     sleep     until the bell, when there was nothing to do
 */
#ifndef TREEMILL_DISPATCH_H
#define TREEMILL_DISPATCH_H

#include "libtreemill/pool.h"

/* --- collect.c ------------------------------------------------------------ */

/* Reads the replies of workers that rang.  True when anything was resolved. */
bool collect_replies(struct tmill_pool *pool);

/* Deals with processes that began, ended or could not be forked.  `drain,
 * then judge`: all that a dead worker released is read before its running
 * item is blamed.  True when anything changed. */
bool collect_lives(struct tmill_pool *pool, uint64_t now);

/* Notes which item each worker runs since when; stops and kills those over
 * their limit. */
void collect_times(struct tmill_pool *pool, uint64_t now);

/* Has anything rung since it was last looked at? */
bool collect_pending(const struct tmill_pool *pool);

/* Takes back the tasks of this worker that have not begun, into their
 * iterators' pending queues, in front.  How many. */
unsigned ref_recall(struct tmill_pool *pool, struct ref *ref);

/* Asks for a (new) process at this place. */
void ref_spawn(struct tmill_pool *pool, struct ref *ref);

/* The pool can go on no more: what is unresolved ends as TMILL_EINIT. */
void pool_break(struct tmill_pool *pool, int err);

/* Resolves everything that has not been, whoever holds it. */
void resolve_all(struct tmill_pool *pool, enum tmill_why why, int err);

/* --- feed.c --------------------------------------------------------------- */

/* Sends work to every worker that has room for more. */
void feed(struct tmill_pool *pool, uint64_t now);

/* Pulls a few items ahead of need.  True when there may be more. */
bool feed_ahead(struct tmill_pool *pool);

/* Tells a worker to leave when it has done what it was sent. */
void ref_leave(struct tmill_pool *pool, struct ref *ref);

#endif
