/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A binary heap of runs, ordered by the name that each has in front.  Eight
 * bytes of that name, behind what all names have in common, are kept as a
 * number, which decides most comparisons without touching the names.
 *
 * A single run, which is what most directories are, is given out as it lies.
 */
#include "libtreemill/merge.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { READ_BYTES = 16 * 1024 };

struct run {
    uint64_t key;     /* of the record in front */
    const char *at;   /* the record in front; end when there is none */
    const char *end;  /* behind the last whole record in data */
    const char *last; /* behind the last byte in data */
    off_t from;       /* where the run lies in its file */
    off_t to;
    off_t next; /* what of [from, to) is read next */
    int fd;     /* -1: all of the run is data[0..last) */
    char data[];
};

uint64_t merge_key(const char *s)
{
    uint64_t key = 0;
    for (int i = 0; i < 8; i++) {
        key = key << 8 | (unsigned char)*s;
        s += *s != '\0';
    }
    return key;
}

static bool before(const struct run *a, const struct run *b)
{
    if (a->key != b->key)
        return a->key < b->key;
    return strcmp(a->at + 1, b->at + 1) < 0;
}

static void sift_down(struct merge *m, size_t i)
{
    struct run *r = m->run[i];
    for (;;) {
        size_t kid = 2 * i + 1;
        if (kid >= m->live)
            break;
        if (kid + 1 < m->live && before(m->run[kid + 1], m->run[kid]))
            kid++;
        if (!before(m->run[kid], r))
            break;
        m->run[i] = m->run[kid];
        i = kid;
    }
    m->run[i] = r;
}

/* Reads on behind the part of a record that is left at the end of data. */
static int refill(struct run *r)
{
    size_t rest = (size_t)(r->last - r->end);
    memmove(r->data, r->end, rest);
    size_t room = READ_BYTES - rest;
    if (room > (size_t)(r->to - r->next))
        room = (size_t)(r->to - r->next);

    ssize_t got;
    do
        got = pread(r->fd, r->data + rest, room, r->next);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return got < 0 ? -errno : -EIO;
    r->next += got;
    r->at = r->data;
    r->last = r->data + rest + got;
    const char *nul = memrchr(r->data, '\0', rest + (size_t)got);
    r->end = nul ? nul + 1 : r->data;
    return 0;
}

/* Brings a record to the front of r, if there is one left. */
static int load(struct merge *m, struct run *r)
{
    while (r->at == r->end && r->next < r->to) {
        int err = refill(r);
        if (err)
            return err;
    }
    if (m->n > 1 && r->at < r->end)
        r->key = merge_key(r->at + 1 + m->common);
    return 0;
}

static void rewind_run(struct run *r)
{
    r->at = r->data;
    r->next = r->from;
    if (r->fd >= 0)
        r->end = r->last = r->data;
}

static struct run *add(struct merge *m, size_t n)
{
    if (m->n == m->cap) {
        size_t cap = m->cap ? 2 * m->cap : 1;
        struct run **run = realloc(m->run, cap * sizeof(struct run *));
        if (!run)
            return NULL;
        m->run = run;
        m->cap = cap;
    }
    struct run *r = malloc(sizeof *r + n);
    if (!r)
        return NULL;
    *r = (struct run){.fd = -1};
    r->at = r->data;
    r->end = r->last = r->data + n;
    m->run[m->n++] = r;
    return r;
}

char *merge_add_memory(struct merge *m, size_t n)
{
    struct run *r = add(m, n);
    return r ? r->data : NULL;
}

int merge_add_file(struct merge *m, int fd, off_t from, off_t to)
{
    struct run *r = add(m, READ_BYTES);
    if (!r)
        return -ENOMEM;
    r->fd = fd;
    r->from = from;
    r->to = to;
    return 0;
}

int merge_start(struct merge *m, size_t common)
{
    m->common = common;
    m->taken = 0;
    m->live = 0;
    for (size_t i = 0; i < m->n; i++) {
        struct run *r = m->run[i];
        rewind_run(r);
        int err = load(m, r);
        if (err) {
            m->live = 0;
            return err;
        }
        if (r->at == r->end)
            continue;
        m->run[i] = m->run[m->live];
        m->run[m->live++] = r;
    }
    for (size_t i = m->live / 2; i-- > 0;)
        sift_down(m, i);
    return 0;
}

/* Passes over the record that was given out, which is in front of run[0]. */
static int advance(struct merge *m)
{
    struct run *r = m->run[0];
    r->at += m->taken;
    m->taken = 0;
    int err = load(m, r);
    if (err) {
        m->live = 0;
        return err;
    }
    if (r->at == r->end) {
        m->run[0] = m->run[--m->live];
        m->run[m->live] = r;
    }
    if (m->live > 1)
        sift_down(m, 0);
    return 0;
}

int merge_next(struct merge *m, const char **record, size_t *len)
{
    int err = m->taken ? advance(m) : 0;
    if (err)
        return err;
    if (!m->live)
        return 0;
    *record = m->run[0]->at;
    m->taken = *len = strlen(*record) + 1;
    assert(m->taken > 2);
    return 1;
}

void merge_clear(struct merge *m)
{
    for (size_t i = 0; i < m->n; i++)
        free(m->run[i]);
    free(m->run);
    *m = (struct merge){0};
}
