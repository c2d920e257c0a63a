/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/sig.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/time.h>
#include <unistd.h>

volatile int sig_stop;

static bool pipe_is_deadly;

static void on_stop(int sig)
{
    static const struct itimerval often = {{0, 100000}, {0, 100000}};
    int saved = errno;
    sig_stop = sig;
    setitimer(ITIMER_REAL, &often, NULL);
    errno = saved;
}

/* Its arrival is all that is wanted of it. */
static void on_alarm(int sig)
{
    (void)sig;
}

static bool is_ignored(int sig)
{
    struct sigaction now;
    return sigaction(sig, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

void sig_init(void)
{
    static const int stops[] = {SIGINT, SIGTERM, SIGHUP};
    /* Without SA_RESTART: a blocked write or poll is to return. */
    struct sigaction stop = {.sa_handler = on_stop};
    sigemptyset(&stop.sa_mask);
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++)
        if (!is_ignored(stops[i]))
            sigaction(stops[i], &stop, NULL);
    struct sigaction tick = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &tick, NULL);
    pipe_is_deadly = !is_ignored(SIGPIPE);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

bool sig_pipe_is_deadly(void)
{
    return pipe_is_deadly;
}

void sig_die(int sig)
{
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, sig);
    signal(sig, SIG_DFL);
    raise(sig);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
    _exit(128 + sig);
}
