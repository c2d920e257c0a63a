/* SPDX-License-Identifier: BSD-2-Clause */
#include "libtreemill/zygote.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io.h"

static int pidfd_open(pid_t pid)
{
    return io_above_stdio((int)syscall(SYS_pidfd_open, pid, 0));
}

/* Default dispositions, except that ^C at a terminal, which reaches the whole
 * process group, is the parent's to decide about.  Pending signals wait until
 * the mask opens. */
static void reset_signals(void)
{
    struct sigaction dfl = {.sa_handler = SIG_DFL};
    for (int sig = 1; sig < NSIG; sig++)
        sigaction(sig, &dfl, NULL); /* KILL, STOP and libc's own refuse */
    struct sigaction ign = {.sa_handler = SIG_IGN};
    sigaction(SIGINT, &ign, NULL);
}

static void become_worker(const struct zygote_attr *attr, unsigned slot,
                          pid_t zygote)
{
    char name[32]; /* the kernel keeps 15 bytes */
    sigset_t none;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != zygote)
        _exit(1); /* it died before the line above */
    snprintf(name, sizeof name, "tmill-w%u", slot);
    prctl(PR_SET_NAME, name);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    attr->worker(attr->u, slot);
    _exit(1);
}

/* Moves a slot on and tells the parent. */
static void announce(const struct shared *s, struct slot *slot, enum life life)
{
    atomic_store(&slot->life, life);
    atomic_fetch_add(&s->board->news, 1);
    shared_ring(s);
}

static void spawn(const struct zygote_attr *attr, unsigned i)
{
    struct slot *slot = &attr->shared->slots[i];
    pid_t self = getpid();
    pid_t pid = fork();
    if (pid == 0)
        become_worker(attr, i, self);
    if (pid < 0) {
        atomic_store(&slot->error, -errno);
        announce(attr->shared, slot, LIFE_FAILED);
        return;
    }
    atomic_store(&slot->pid, pid);
    announce(attr->shared, slot, LIFE_ALIVE);
}

static void obey(const struct zygote_attr *attr)
{
    const struct shared *s = attr->shared;
    for (unsigned i = 0; i < s->nslots; i++) {
        struct slot *slot = &s->slots[i];
        if (atomic_load(&slot->life) == LIFE_WANTED)
            spawn(attr, i);
        int sig = atomic_exchange(&slot->signal, 0);
        if (sig && atomic_load(&slot->life) == LIFE_ALIVE)
            kill(atomic_load(&slot->pid), sig);
    }
}

static void mark_ended(const struct shared *s, pid_t pid, int wstatus)
{
    for (unsigned i = 0; i < s->nslots; i++) {
        struct slot *slot = &s->slots[i];
        if (atomic_load(&slot->life) != LIFE_ALIVE ||
            atomic_load(&slot->pid) != pid)
            continue;
        atomic_store(&slot->wstatus, wstatus);
        announce(s, slot, LIFE_ENDED);
        return;
    }
}

static void reap(const struct shared *s)
{
    int wstatus;
    pid_t pid;
    while ((pid = waitpid(-1, &wstatus, WNOHANG)) > 0)
        mark_ended(s, pid, wstatus);
}

/* Ends with every worker: nobody outlives the pool. */
static _Noreturn void end_all(const struct shared *s)
{
    for (unsigned i = 0; i < s->nslots; i++)
        if (atomic_load(&s->slots[i].life) == LIFE_ALIVE)
            kill(atomic_load(&s->slots[i].pid), SIGKILL);
    pid_t pid;
    int wstatus;
    while ((pid = waitpid(-1, &wstatus, 0)) > 0 || errno == EINTR)
        if (pid > 0)
            mark_ended(s, pid, wstatus);
    _exit(0);
}

static _Noreturn void zygote_main(const struct zygote_attr *attr, pid_t parent)
{
    sigset_t chld;
    sigemptyset(&chld);
    sigaddset(&chld, SIGCHLD);
    reset_signals();
    prctl(PR_SET_NAME, "tmill-zygote");

    /* A pidfd, since a socket's end of file may be held open by any child that
     * the parent forks, and PR_SET_PDEATHSIG follows a thread. */
    int parent_fd = pidfd_open(parent);
    int chld_fd = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
    if (parent_fd < 0 || chld_fd < 0) {
        atomic_store(&attr->shared->board->error, -errno);
        _exit(1);
    }
    if (getppid() != parent)
        _exit(1);
    struct pollfd fds[] = {{.fd = attr->shared->command_fd, .events = POLLIN},
                           {.fd = chld_fd, .events = POLLIN},
                           {.fd = parent_fd, .events = POLLIN}};
    for (;;) {
        struct signalfd_siginfo info;
        poll(fds, 3, -1);
        if (fds[2].revents || atomic_load(&attr->shared->board->quit))
            end_all(attr->shared);
        shared_clear(attr->shared->command_fd);
        while (read(chld_fd, &info, sizeof info) > 0)
            ;
        reap(attr->shared);
        obey(attr);
    }
}

int zygote_start(const struct zygote_attr *attr, pid_t *pid, int *pidfd)
{
    /* No signal handler of the caller may run in the child. */
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pid_t parent = getpid();
    *pid = fork();
    if (*pid == 0)
        zygote_main(attr, parent);
    int err = *pid < 0 ? -errno : 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (err)
        return err;

    *pidfd = pidfd_open(*pid);
    if (*pidfd >= 0)
        return 0;
    err = -errno;
    kill(*pid, SIGKILL);
    while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return err;
}

void zygote_reap(pid_t pid, int *pidfd)
{
    /* ECHILD when the caller ignores SIGCHLD or has waited for any child: it
     * is gone in either case. */
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    io_close(pidfd);
}
