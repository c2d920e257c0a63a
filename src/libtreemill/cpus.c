/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpus: how many processors there are for us: the affinity mask
 * (sched_getaffinity(2)), cut to the CPU quota of the cgroup that we are in or
 * of any above it: cpu.max in version 2 (Linux Documentation/admin-guide/
 * cgroup-v2.rst), cpu.cfs_quota_us and cpu.cfs_period_us in version 1
 * (scheduler/sched-bwc.rst).
 */
#include "libtreemill/treemill.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/io.h"

enum { CPUS_MAX = 16384 };

static unsigned affinity(void)
{
    cpu_set_t *set = CPU_ALLOC(CPUS_MAX);
    size_t size = CPU_ALLOC_SIZE(CPUS_MAX);
    unsigned n = 1;
    if (set && sched_getaffinity(0, size, set) == 0)
        n = (unsigned)CPU_COUNT_S(size, set);
    CPU_FREE(set);
    return n ? n : 1;
}

/* A small file as a string.  False when there is none. */
static bool slurp(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = io_read_full(fd, text, size - 1);
    io_close(&fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* Whole processors in quota per period, rounded up; 0: no limit. */
static unsigned quota_cpus(long long quota, long long period)
{
    if (quota <= 0 || period <= 0 || quota / period >= CPUS_MAX)
        return 0;
    return (unsigned)((quota + period - 1) / period);
}

static unsigned quota_v2(const char *dir)
{
    char path[PATH_MAX], text[128];
    long long quota, period;
    int n = snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", dir);
    if (n >= (int)sizeof path || !slurp(path, text, sizeof text))
        return 0;
    if (sscanf(text, "%lld %lld", &quota, &period) != 2)
        return 0; /* "max 100000" */
    return quota_cpus(quota, period);
}

static unsigned quota_v1(const char *dir)
{
    char path[PATH_MAX], quota[64], period[64];
    int n = snprintf(path, sizeof path, "/sys/fs/cgroup/cpu%s/cpu.cfs_quota_us",
                     dir);
    if (n >= (int)sizeof path || !slurp(path, quota, sizeof quota))
        return 0;
    n = snprintf(path, sizeof path, "/sys/fs/cgroup/cpu%s/cpu.cfs_period_us",
                 dir);
    if (n >= (int)sizeof path || !slurp(path, period, sizeof period))
        return 0;
    return quota_cpus(atoll(quota), atoll(period));
}

/* The tightest quota of the group dir and those above it. */
static unsigned tightest(char *dir, unsigned (*quota)(const char *dir))
{
    unsigned best = 0;
    for (;;) {
        unsigned n = quota(dir);
        if (n && (!best || n < best))
            best = n;
        char *slash = strrchr(dir, '/');
        if (!slash)
            return best;
        *slash = '\0';
    }
}

/* Does the comma-separated list name the cpu controller? */
static bool names_cpu(const char *list, size_t n)
{
    for (const char *p = list; p < list + n; p += strcspn(p, ",:") + 1)
        if (strncmp(p, "cpu", 3) == 0 && (p[3] == ',' || p[3] == ':'))
            return true;
    return false;
}

/* One line of /proc/self/cgroup: "0::/dir" or "4:cpu,cpuacct:/dir". */
static unsigned line_quota(char *line)
{
    char *list = strchr(line, ':');
    char *dir = list ? strchr(++list, ':') : NULL;
    if (!dir)
        return 0;
    size_t nlist = (size_t)(dir - list);
    if (nlist == 0)
        return tightest(dir + 1, quota_v2);
    return names_cpu(list, nlist) ? tightest(dir + 1, quota_v1) : 0;
}

static unsigned quota(void)
{
    char text[8192], *save;
    unsigned best = 0;
    if (!slurp("/proc/self/cgroup", text, sizeof text))
        return 0;
    for (char *line = strtok_r(text, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        unsigned n = line_quota(line);
        if (n && (!best || n < best))
            best = n;
    }
    return best;
}

unsigned tmill_cpus(void)
{
    unsigned cpus = affinity();
    unsigned limit = quota();
    return limit && limit < cpus ? limit : cpus;
}
