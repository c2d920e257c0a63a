/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mkfiles: makes, or removes, a tree of files for the benchmarks.
 *
 * The same arguments always give the same tree, byte for byte: the size and
 * the content of a file come from a generator seeded with the file's number.
 * DIRS directories d0000, d0001, ... hold FILES files f000000.dat, ... each.
 * -r removes such a tree and nothing else: a file that was not made here
 * stays, and makes the removal fail.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUF_WORDS (128 * 1024 / sizeof(uint64_t))

struct plan {
    const char *root;
    uint64_t dirs;
    uint64_t files; /* in each directory */
    uint64_t size;
    uint64_t spread; /* sizes run from size - spread to size + spread */
};

static uint64_t buf[BUF_WORDS];

static int complain(const char *path, const char *name)
{
    fprintf(stderr, "mkfiles: %s%s%s: %s\n", path, *name ? "/" : "", name,
            strerror(errno));
    return -1;
}

/* splitmix64: one multiply-shift step for each word of content. */
static uint64_t next_word(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static int write_all(int fd, const void *data, size_t len)
{
    const char *at = data;

    while (len > 0) {
        ssize_t n = write(fd, at, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

static int fill_file(int fd, uint64_t size, uint64_t *state)
{
    while (size > 0) {
        size_t part = size < sizeof(buf) ? (size_t)size : sizeof(buf);

        for (size_t i = 0; i * sizeof(*buf) < part; i++)
            buf[i] = next_word(state);
        if (write_all(fd, buf, part) < 0)
            return -1;
        size -= part;
    }
    return 0;
}

static int make_file(int dirfd, const char *name, const struct plan *plan,
                     uint64_t number)
{
    uint64_t state = number;
    uint64_t size =
        plan->size - plan->spread + next_word(&state) % (2 * plan->spread + 1);
    int fd =
        openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    if (fd < 0)
        return -1;
    if (fill_file(fd, size, &state) < 0) {
        close(fd);
        return -1;
    }
    return close(fd);
}

static int make_dir(int rootfd, const struct plan *plan, uint64_t d)
{
    char dir[32], name[32];
    int rc = 0, dirfd;

    snprintf(dir, sizeof(dir), "d%04llu", (unsigned long long)d);
    if (mkdirat(rootfd, dir, 0755) < 0 && errno != EEXIST)
        return complain(plan->root, dir);
    dirfd = openat(rootfd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dirfd < 0)
        return complain(plan->root, dir);
    for (uint64_t f = 0; rc == 0 && f < plan->files; f++) {
        snprintf(name, sizeof(name), "f%06llu.dat", (unsigned long long)f);
        if (make_file(dirfd, name, plan, d * plan->files + f) < 0)
            rc = complain(dir, name);
    }
    close(dirfd);
    return rc;
}

static int make_tree(const struct plan *plan)
{
    int rc = 0, rootfd;

    if (mkdir(plan->root, 0755) < 0 && errno != EEXIST)
        return complain(plan->root, "");
    rootfd = open(plan->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (rootfd < 0)
        return complain(plan->root, "");
    for (uint64_t d = 0; rc == 0 && d < plan->dirs; d++)
        rc = make_dir(rootfd, plan, d);
    close(rootfd);
    return rc;
}

/* Is this name a letter, digits and an ending, as make_dir() writes it? */
static bool is_ours(const char *name, char letter, const char *ending)
{
    size_t digits;

    if (name[0] != letter)
        return false;
    digits = strspn(name + 1, "0123456789");
    return digits > 0 && strcmp(name + 1 + digits, ending) == 0;
}

static DIR *open_dir(int at, const char *name)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (dir == NULL && fd >= 0)
        close(fd);
    return dir;
}

static int remove_files(int rootfd, const char *name)
{
    DIR *dir = open_dir(rootfd, name);
    struct dirent *ent;
    int rc = 0;

    if (dir == NULL)
        return complain(name, "");
    while (rc == 0 && (ent = readdir(dir)) != NULL)
        if (is_ours(ent->d_name, 'f', ".dat") &&
            unlinkat(dirfd(dir), ent->d_name, 0) < 0)
            rc = complain(name, ent->d_name);
    closedir(dir);
    if (rc == 0 && unlinkat(rootfd, name, AT_REMOVEDIR) < 0)
        rc = complain(name, "");
    return rc;
}

static int remove_tree(const char *root)
{
    DIR *dir = open_dir(AT_FDCWD, root);
    struct dirent *ent;
    int rc = 0;

    if (dir == NULL)
        return complain(root, "");
    while (rc == 0 && (ent = readdir(dir)) != NULL)
        if (is_ours(ent->d_name, 'd', ""))
            rc = remove_files(dirfd(dir), ent->d_name);
    closedir(dir);
    if (rc == 0 && rmdir(root) < 0)
        rc = complain(root, "");
    return rc;
}

static bool parse_number(const char *text, uint64_t *value)
{
    char *end;

    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0';
}

static bool parse_plan(int argc, char **argv, struct plan *plan)
{
    if (argc != 5 && argc != 6)
        return false;
    plan->root = argv[1];
    plan->spread = 0;
    return parse_number(argv[2], &plan->dirs) &&
           parse_number(argv[3], &plan->files) &&
           parse_number(argv[4], &plan->size) &&
           (argc == 5 || parse_number(argv[5], &plan->spread)) &&
           plan->spread <= plan->size;
}

int main(int argc, char **argv)
{
    struct plan plan;

    if (argc == 3 && strcmp(argv[1], "-r") == 0)
        return remove_tree(argv[2]) < 0;
    if (!parse_plan(argc, argv, &plan)) {
        fputs("usage: mkfiles DIR DIRS FILES_PER_DIR SIZE [SPREAD]\n"
              "       mkfiles -r DIR\n",
              stderr);
        return 2;
    }
    return make_tree(&plan) < 0;
}
