/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * peak: the memory that a command and the processes below it use.
 *
 * It runs COMMAND, and looks every few milliseconds at its VmHWM, which the
 * kernel keeps as the peak of that one process, and at the private memory
 * (smaps_rollup: Private_Clean + Private_Dirty) of all its descendants; the
 * largest figure of any of them counts. Pages that forked processes share
 * are thereby counted once, where they were made. wait4() could not tell
 * these apart: its ru_maxrss is the largest of the command and of every child
 * that it has reaped. It is printed as the ceiling of the first figure, which
 * may miss what the last milliseconds added.
 *
 * The report, on stderr, as the command owns stdout: one line, "parent N
 * worker N workers N wait4 N", memory in KiB, workers = the most descendants
 * without children that were seen at once. The exit status is the command's.
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_PROCS 4096

struct proc {
    long pid, ppid;
    bool below;  /* a descendant of the command */
    bool parent; /* of another descendant */
};

struct peaks {
    long parent, worker; /* KiB */
    int workers;
};

static struct proc procs[MAX_PROCS];

/* The sum of the lines of /proc/PID/FILE that begin with the key, or 0. */
static long read_kib(long pid, const char *file, const char *key)
{
    char path[64], line[256];
    long sum = 0;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%ld/%s", pid, file);
    f = fopen(path, "re");
    if (f == NULL)
        return 0; /* it has just ended */
    while (fgets(line, sizeof(line), f) != NULL)
        if (strncmp(line, key, strlen(key)) == 0)
            sum += strtol(strchr(line, ':') + 1, NULL, 10);
    fclose(f);
    return sum;
}

static long read_ppid(long pid)
{
    char path[64], line[512] = "";
    const char *end;
    long ppid = 0;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
    f = fopen(path, "re");
    if (f == NULL)
        return 0;
    if (fgets(line, sizeof(line), f) == NULL)
        line[0] = '\0';
    fclose(f);
    end = strrchr(line, ')'); /* the name before it may hold anything */
    if (end != NULL)
        sscanf(end, ") %*c %ld", &ppid);
    return ppid;
}

static int list_procs(void)
{
    DIR *dir = opendir("/proc");
    struct dirent *ent;
    int n = 0;

    if (dir == NULL)
        return 0;
    while (n < MAX_PROCS && (ent = readdir(dir)) != NULL) {
        long pid = strtol(ent->d_name, NULL, 10);

        if (pid > 0)
            procs[n++] = (struct proc){.pid = pid, .ppid = read_ppid(pid)};
    }
    closedir(dir);
    return n;
}

/* Marks the children of a process, and theirs. */
static void mark_below(int n, long root)
{
    for (int i = 0; i < n; i++) {
        if (procs[i].ppid != root || procs[i].below)
            continue;
        procs[i].below = true;
        mark_below(n, procs[i].pid);
        for (int k = 0; k < n && !procs[i].parent; k++)
            procs[i].parent = procs[k].ppid == procs[i].pid;
    }
}

static void look(long root, struct peaks *peaks)
{
    long parent = read_kib(root, "status", "VmHWM:");
    int n = list_procs(), workers = 0;

    if (parent > peaks->parent)
        peaks->parent = parent;
    mark_below(n, root);
    for (int i = 0; i < n; i++) {
        long kib;

        if (!procs[i].below)
            continue;
        kib = read_kib(procs[i].pid, "smaps_rollup", "Private_");
        if (kib > peaks->worker)
            peaks->worker = kib;
        workers += kib > 0 && !procs[i].parent;
    }
    if (workers > peaks->workers)
        peaks->workers = workers;
}

/* Looks until the command has ended; returns its wait status. */
static int watch(pid_t pid, struct peaks *peaks, struct rusage *ru)
{
    const struct timespec pause = {.tv_nsec = 5000000};
    int status;

    while (wait4(pid, &status, WNOHANG, ru) == 0) {
        look(pid, peaks);
        nanosleep(&pause, NULL);
    }
    return status;
}

int main(int argc, char **argv)
{
    struct peaks peaks = {0, 0, 0};
    struct rusage ru;
    int status;
    pid_t pid;

    if (argc < 2) {
        fputs("usage: peak COMMAND [ARGUMENT]...\n", stderr);
        return 2;
    }
    pid = fork();
    if (pid == 0) {
        execvp(argv[1], argv + 1);
        fprintf(stderr, "peak: %s: %s\n", argv[1], strerror(errno));
        _exit(127);
    }
    if (pid < 0) {
        fprintf(stderr, "peak: fork: %s\n", strerror(errno));
        return 1;
    }
    status = watch(pid, &peaks, &ru);
    fprintf(stderr, "parent %ld worker %ld workers %d wait4 %ld\n",
            peaks.parent, peaks.worker, peaks.workers, ru.ru_maxrss);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
