/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sig: the signals that end a run.
 *
 * Handlers only set a flag; the loops look at it, tidy up, and then die of the
 * same signal, so that a calling shell or make sees what happened.  A signal
 * that was ignored when we started (nohup) stays ignored.
 *
 * A signal may come just before a call that blocks, which it would then not
 * interrupt.  So from the first one on a timer interrupts whatever blocks, ten
 * times a second.
 */
#ifndef TREEMILL_COMMON_SIG_H
#define TREEMILL_COMMON_SIG_H

#include <stdbool.h>

/* 0, or the signal that asks us to end: SIGINT, SIGTERM or SIGHUP.  Writer:
 * the handler. */
extern volatile int sig_stop;

/* Installs the handlers, and has writes to a closed pipe return EPIPE and those
 * beyond the limit of a file's size EFBIG.  Once, at the start of the
 * program. */
void sig_init(void);

/* True when SIGPIPE would have ended us, had sig_init() not ignored it: what a
 * closed pipe should then do, quietly. */
bool sig_pipe_is_deadly(void);

/* Ends the process by sig, as if it had no handler. */
_Noreturn void sig_die(int sig);

#endif
