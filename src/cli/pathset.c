/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/pathset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "common/buf.h"

/* Takes the last component off. */
static void pop(struct buf *b)
{
    while (b->n && b->p[--b->n] != '/')
        ;
}

/* Appends the components of path, each with a slash before it. */
static void append(struct buf *b, const char *path, size_t n)
{
    const char *end = path + n;
    while (path < end) {
        const char *slash = memchr(path, '/', (size_t)(end - path));
        size_t len = (size_t)((slash ? slash : end) - path);
        if (len == 2 && memcmp(path, "..", 2) == 0) {
            pop(b);
        } else if (len && !(len == 1 && *path == '.')) {
            buf_putc(b, '/');
            buf_put(b, path, len);
        }
        path += len + 1;
    }
}

static int make_key(struct pathset_key *key, const char *cwd, const char *path,
                    size_t n)
{
    struct buf b = {0};
    if (!n || *path != '/')
        append(&b, cwd, strlen(cwd));
    append(&b, path, n);
    XXH128_hash_t h = XXH3_128bits(b.p, b.n);
    *key = (struct pathset_key){h.low64, h.high64};
    if (!key->lo && !key->hi)
        key->lo = 1;
    int err = buf_error(&b);
    buf_free(&b);
    return err;
}

/* Where key is, or the free place where it would go. */
static struct pathset_key *place(const struct pathset *s,
                                 const struct pathset_key *key)
{
    for (size_t i = (size_t)key->lo;; i++) {
        struct pathset_key *at = &s->keys[i & (s->size - 1)];
        if ((at->lo == key->lo && at->hi == key->hi) || (!at->lo && !at->hi))
            return at;
    }
}

static int grow(struct pathset *s)
{
    struct pathset bigger = {.n = s->n, .size = s->size ? 2 * s->size : 1024};
    bigger.keys = calloc(bigger.size, sizeof *bigger.keys);
    if (!bigger.keys)
        return -ENOMEM;
    for (size_t i = 0; i < s->size; i++)
        if (s->keys[i].lo || s->keys[i].hi)
            *place(&bigger, &s->keys[i]) = s->keys[i];
    free(s->keys);
    *s = bigger;
    return 0;
}

int pathset_add(struct pathset *s, const char *cwd, const char *path, size_t n)
{
    struct pathset_key key;
    int err = make_key(&key, cwd, path, n);
    if (!err && s->n + 1 > s->size / 4 * 3)
        err = grow(s);
    if (err)
        return err;
    struct pathset_key *at = place(s, &key);
    s->n += !at->lo && !at->hi;
    *at = key;
    return 0;
}

int pathset_has(const struct pathset *s, const char *cwd, const char *path,
                size_t n)
{
    struct pathset_key key;
    int err = s->size ? make_key(&key, cwd, path, n) : 0;
    if (err || !s->size)
        return err;
    const struct pathset_key *at = place(s, &key);
    return at->lo || at->hi;
}

void pathset_free(struct pathset *s)
{
    free(s->keys);
    *s = (struct pathset){0};
}
