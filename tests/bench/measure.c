/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * measure: compares the run times of shell commands.
 *
 * One round runs every command once, in the order given, so that a slow
 * moment of the machine hits all of them alike (A B C A B C ...). A first
 * round warms the caches and is not counted. Times are of the whole shell
 * command. Its standard output is /dev/null unless it redirects that itself.
 *
 * One line for each command: name, median and least wall time, median
 * processor time (user and system), all in seconds, largest resident set of
 * any process of it in KiB, and the ratio of the median to the peer's (-p;
 * the first command when not given). A command that fails ends the run: its
 * time would mean nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_ROUNDS 99

struct command {
    const char *name;
    const char *line;
    double wall[MAX_ROUNDS];
    double user[MAX_ROUNDS];
    double sys[MAX_ROUNDS];
    long rss; /* KiB */
};

struct setup {
    int rounds;
    const char *peer;
    struct command *commands;
    int count;
};

static double now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double seconds(struct timeval tv)
{
    return (double)tv.tv_sec + (double)tv.tv_usec / 1e6;
}

static int exec_shell(const char *line)
{
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

    if (fd >= 0 && dup2(fd, STDOUT_FILENO) >= 0)
        execl("/bin/sh", "sh", "-c", line, (char *)NULL);
    fprintf(stderr, "measure: sh: %s\n", strerror(errno));
    return 127;
}

static int check_status(const struct command *c, int status)
{
    if (status == 0)
        return 0;
    if (WIFSIGNALED(status))
        fprintf(stderr, "measure: %s: ended by signal %d: %s\n", c->name,
                WTERMSIG(status), c->line);
    else
        fprintf(stderr, "measure: %s: exit status %d: %s\n", c->name,
                WEXITSTATUS(status), c->line);
    return -1;
}

/* Runs the command once and writes its times into the given round's place. */
static int run_once(struct command *c, int round)
{
    double start = now();
    struct rusage ru;
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(exec_shell(c->line));
    if (pid < 0 || wait4(pid, &status, 0, &ru) < 0) {
        fprintf(stderr, "measure: %s: %s\n", c->name, strerror(errno));
        return -1;
    }
    c->wall[round] = now() - start;
    c->user[round] = seconds(ru.ru_utime);
    c->sys[round] = seconds(ru.ru_stime);
    if (ru.ru_maxrss > c->rss)
        c->rss = ru.ru_maxrss;
    return check_status(c, status);
}

/* Round -1 is the warm-up; round 0 overwrites what it measured. */
static int run_all(const struct setup *s)
{
    for (int round = -1; round < s->rounds; round++)
        for (int i = 0; i < s->count; i++)
            if (run_once(&s->commands[i], round < 0 ? 0 : round) < 0)
                return -1;
    return 0;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void sort(double *values, int n)
{
    qsort(values, (size_t)n, sizeof(*values), compare);
}

static double median(const double *sorted, int n)
{
    return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
}

/* NULL when -p names no command. */
static const struct command *find_peer(const struct setup *s)
{
    if (s->peer == NULL)
        return &s->commands[0];
    for (int i = 0; i < s->count; i++)
        if (strcmp(s->commands[i].name, s->peer) == 0)
            return &s->commands[i];
    fprintf(stderr, "measure: no command is named %s\n", s->peer);
    return NULL;
}

static void report(const struct setup *s, const struct command *peer)
{
    int n = s->rounds;

    for (int i = 0; i < s->count; i++) {
        sort(s->commands[i].wall, n);
        sort(s->commands[i].user, n);
        sort(s->commands[i].sys, n);
    }
    printf("%-16s %9s %9s %9s %9s %9s %7s\n", "# command", "median", "min",
           "user", "sys", "rss-KiB", "ratio");
    for (int i = 0; i < s->count; i++) {
        const struct command *c = &s->commands[i];

        printf("%-16s %9.4f %9.4f %9.4f %9.4f %9ld %7.3f\n", c->name,
               median(c->wall, n), c->wall[0], median(c->user, n),
               median(c->sys, n), c->rss,
               median(c->wall, n) / median(peer->wall, n));
    }
}

static bool parse_args(int argc, char **argv, struct setup *s)
{
    int opt;

    while ((opt = getopt(argc, argv, "n:p:")) != -1) {
        if (opt == 'n')
            s->rounds = atoi(optarg);
        else if (opt == 'p')
            s->peer = optarg;
        else
            return false;
    }
    s->count = (argc - optind) / 2;
    return s->rounds >= 1 && s->rounds <= MAX_ROUNDS && s->count >= 1 &&
           (argc - optind) % 2 == 0;
}

int main(int argc, char **argv)
{
    struct setup s = {.rounds = 7};
    const struct command *peer;
    int rc = -1;

    if (!parse_args(argc, argv, &s)) {
        fputs("usage: measure [-n ROUNDS] [-p PEER] NAME COMMAND "
              "[NAME COMMAND]...\n",
              stderr);
        return 2;
    }
    s.commands = calloc((size_t)s.count, sizeof(*s.commands));
    if (s.commands == NULL)
        return 1;
    for (int i = 0; i < s.count; i++) {
        s.commands[i].name = argv[optind + 2 * i];
        s.commands[i].line = argv[optind + 2 * i + 1];
    }
    peer = find_peer(&s);
    if (peer != NULL)
        rc = run_all(&s);
    if (rc == 0)
        report(&s, peer);
    free(s.commands);
    return rc < 0;
}
