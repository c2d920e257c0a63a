/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * floor: the least work that hashing a list of files can be.
 *
 * It takes a ready list of paths, NUL-separated, and in JOBS forked processes
 * opens, reads, hashes and closes each file: no walk, no stat, no order, no
 * output but one number, the sum of all digests' first eight bytes, which
 * keeps the work from being optimised away and can be compared.
 *
 * The processes share one atomic counter and take a run of neighbouring
 * files at a time: large enough that the counter costs nothing with many
 * small files, one file at a time when there are few.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <xxhash.h>
#ifdef HAVE_XXH_X86DISPATCH
#include <xxh_x86dispatch.h> /* the same calls, with the CPU's best vectors */
#endif

#define MAX_JOBS   64
#define MAX_BATCH  64
#define DIGEST_MAX EVP_MAX_MD_SIZE

struct hasher {
    const char *name;
    void (*start)(struct hasher *h);
    void (*update)(struct hasher *h, const void *data, size_t len);
    void (*finish)(struct hasher *h, uint8_t digest[DIGEST_MAX]);
    XXH3_state_t *xxh;
    EVP_MD_CTX *evp;
    const EVP_MD *md;
};

struct list {
    char *text; /* every path ends in NUL, an empty one ends the list */
    const char **path;
    size_t count;
};

struct shared {
    atomic_size_t next;     /* first file that nobody has taken */
    uint64_t sum[MAX_JOBS]; /* each written once, by its own process */
};

static _Alignas(4096) uint8_t buf[256 * 1024];

static int complain(const char *what)
{
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    return -1;
}

static void start_xxh128(struct hasher *h)
{
    XXH3_128bits_reset(h->xxh);
}

static void update_xxh128(struct hasher *h, const void *data, size_t len)
{
    XXH3_128bits_update(h->xxh, data, len);
}

static void finish_xxh128(struct hasher *h, uint8_t digest[DIGEST_MAX])
{
    XXH128_canonicalFromHash((XXH128_canonical_t *)digest,
                             XXH3_128bits_digest(h->xxh));
}

static void start_xxh3(struct hasher *h)
{
    XXH3_64bits_reset(h->xxh);
}

static void update_xxh3(struct hasher *h, const void *data, size_t len)
{
    XXH3_64bits_update(h->xxh, data, len);
}

static void finish_xxh3(struct hasher *h, uint8_t digest[DIGEST_MAX])
{
    XXH64_canonicalFromHash((XXH64_canonical_t *)digest,
                            XXH3_64bits_digest(h->xxh));
}

static void start_sha256(struct hasher *h)
{
    EVP_DigestInit_ex(h->evp, h->md, NULL);
}

static void update_sha256(struct hasher *h, const void *data, size_t len)
{
    EVP_DigestUpdate(h->evp, data, len);
}

static void finish_sha256(struct hasher *h, uint8_t digest[DIGEST_MAX])
{
    EVP_DigestFinal_ex(h->evp, digest, NULL);
}

static struct hasher hashers[] = {
    {"xxh128", start_xxh128, update_xxh128, finish_xxh128, NULL, NULL, NULL},
    {"xxh3", start_xxh3, update_xxh3, finish_xxh3, NULL, NULL, NULL},
    {"sha256", start_sha256, update_sha256, finish_sha256, NULL, NULL, NULL},
};

static struct hasher *find_hasher(const char *name)
{
    for (size_t i = 0; i < sizeof(hashers) / sizeof(*hashers); i++)
        if (strcmp(hashers[i].name, name) == 0)
            return &hashers[i];
    return NULL;
}

static int open_hasher(struct hasher *h)
{
    h->xxh = XXH3_createState();
    h->evp = EVP_MD_CTX_new();
    h->md = EVP_sha256();
    return h->xxh != NULL && h->evp != NULL ? 0 : complain("memory");
}

/* Adds the first eight bytes of the file's digest to *sum. */
static int hash_file(struct hasher *h, const char *path, uint64_t *sum)
{
    uint8_t digest[DIGEST_MAX];
    uint64_t first = 0;
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return complain(path);
    h->start(h);
    while ((n = read(fd, buf, sizeof(buf))) > 0)
        h->update(h, buf, (size_t)n);
    h->finish(h, digest);
    close(fd);
    if (n < 0)
        return complain(path);
    for (int i = 0; i < 8; i++)
        first = first << 8 | digest[i];
    *sum += first;
    return 0;
}

static int work(struct hasher *h, const struct list *list,
                struct shared *shared, size_t batch, int job)
{
    uint64_t sum = 0;
    size_t from;

    while ((from = atomic_fetch_add(&shared->next, batch)) < list->count) {
        size_t left = list->count - from;
        size_t to = from + (left < batch ? left : batch);

        for (size_t i = from; i < to; i++)
            if (hash_file(h, list->path[i], &sum) < 0)
                return -1;
    }
    shared->sum[job] = sum;
    return 0;
}

/* Reaps the workers, then adds up what they left in shared memory. */
static int collect(int started, const struct shared *shared)
{
    uint64_t sum = 0;
    int rc = 0, status;

    for (int i = 0; i < started; i++)
        if (wait(&status) < 0 || status != 0)
            rc = -1;
    for (int i = 0; i < started; i++)
        sum += shared->sum[i];
    if (rc == 0)
        printf("%016llx\n", (unsigned long long)sum);
    return rc;
}

static int run(struct hasher *h, const struct list *list, int jobs)
{
    struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    size_t batch = list->count / ((size_t)jobs * MAX_BATCH);
    int started, rc = 0;

    if (shared == MAP_FAILED)
        return complain("memory");
    batch = batch < 1 ? 1 : batch > MAX_BATCH ? MAX_BATCH : batch;
    for (started = 0; started < jobs; started++) {
        pid_t pid = fork();

        if (pid == 0)
            _exit(work(h, list, shared, batch, started) < 0);
        if (pid < 0) {
            rc = complain("fork");
            break;
        }
    }
    return collect(started, shared) < 0 ? -1 : rc;
}

static int read_all(int fd, char *text, size_t size)
{
    size_t have = 0;

    while (have < size) {
        ssize_t n = read(fd, text + have, size - have);

        if (n <= 0 && errno != EINTR)
            return complain("short list");
        have += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int load(const char *file, struct list *list)
{
    struct stat st;
    size_t size;
    int rc, fd = open(file, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return complain(file);
    rc = fstat(fd, &st) < 0 ? complain(file) : 0;
    if (rc == 0) {
        size = (size_t)st.st_size;
        list->text = calloc(1, size + 2);
        rc = list->text == NULL ? complain("memory")
                                : read_all(fd, list->text, size);
    }
    close(fd);
    return rc;
}

/* Cuts the list's bytes into paths. */
static int split(struct list *list)
{
    size_t n = 0;

    for (const char *p = list->text; *p != '\0'; p += strlen(p) + 1)
        n++;
    list->path = calloc(n + 1, sizeof(*list->path));
    if (list->path == NULL)
        return complain("memory");
    for (const char *p = list->text; *p != '\0'; p += strlen(p) + 1)
        list->path[list->count++] = p;
    return 0;
}

static bool parse_args(int argc, char **argv, int *jobs, struct hasher **h)
{
    int opt;

    while ((opt = getopt(argc, argv, "a:j:")) != -1) {
        if (opt == 'a')
            *h = find_hasher(optarg);
        else if (opt == 'j')
            *jobs = atoi(optarg);
        else
            return false;
    }
    return *h != NULL && *jobs >= 1 && *jobs <= MAX_JOBS && optind + 1 == argc;
}

int main(int argc, char **argv)
{
    static struct list list; /* lives as long as the process */
    struct hasher *h = &hashers[0];
    int rc, jobs = 2;

    if (!parse_args(argc, argv, &jobs, &h)) {
        fputs("usage: floor [-a xxh128|xxh3|sha256] [-j JOBS] LIST\n"
              "LIST is a file of paths that end in NUL (find -print0)\n",
              stderr);
        return 2;
    }
    rc = load(argv[optind], &list);
    if (rc == 0)
        rc = split(&list);
    if (rc == 0)
        rc = open_hasher(h);
    if (rc == 0)
        rc = run(h, &list, jobs);
    return rc < 0;
}
