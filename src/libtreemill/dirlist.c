/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries gather in a stage that fits the processor's cache.  When it is full
 * it is sorted there and copied, in order, to a run of its own: sorting small
 * stages and merging them while the list is taken from is faster than sorting
 * all at once, needs no table of places beside the names, and makes runs in
 * memory and in files the same thing.
 *
 * A record is what merge.h says.  A directory's name carries its slash there,
 * so that plain byte order is the walk's order.  The byte in front is the
 * kind, or NAME_ERROR plus the errno.
 */
#include "libtreemill/dirlist.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    STAGE_BYTES = 256 * 1024,
    COMMON_MAX = 64 /* a longer common beginning is not worth more */
};

struct item {
    uint64_t key; /* merge_key() behind what all names have in common */
    char *name;   /* in the stage; its kind is in front of it */
};

struct dirlist_scratch {
    size_t memory;
    size_t limit; /* the stage is full when it holds so much */
    const volatile int *stop;
    struct item *item; /* the records in the stage */
    size_t n;
    size_t cap;
    size_t used;            /* bytes of the stage */
    size_t common;          /* how much of `first` all names begin with */
    char first[COMMON_MAX]; /* the first name of the list being filled */
    char stage[STAGE_BYTES + RECORD_MAX];
};

static int compare(const void *pa, const void *pb)
{
    const struct item *a = pa, *b = pb;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return strcmp(a->name, b->name);
}

static void sort_stage(struct dirlist_scratch *s)
{
    for (size_t i = 0; i < s->n; i++)
        s->item[i].key = merge_key(s->item[i].name + s->common);
    qsort(s->item, s->n, sizeof s->item[0], compare);
}

/* Empties the stage into a new run in memory. */
static int unload_stage(struct dirlist_scratch *s, struct dirlist *l)
{
    char *to = merge_add_memory(&l->merge, s->used);
    if (!to)
        return -ENOMEM;
    sort_stage(s);
    for (size_t i = 0; i < s->n; i++) {
        char *from = s->item[i].name - 1;
        size_t len = strlen(from) + 1;
        memcpy(to, from, len);
        to += len;
    }
    l->bytes += s->used;
    s->used = 0;
    s->n = 0;
    return 0;
}

/* A file full of runs becomes a file with one run. */
static int rewrite_file(struct dirlist *l, const struct dirlist_scratch *s)
{
    struct runfile *file;
    int err = runfile_new(&file);
    if (err)
        return err;

    struct merge m = {0};
    err = runfile_merge(l->file, &m);
    if (!err)
        err = merge_start(&m, s->common);
    if (!err)
        err = runfile_write(file, &m, s->stop);
    merge_clear(&m);
    if (err) {
        runfile_free(file);
        return err;
    }
    runfile_free(l->file);
    l->file = file;
    return 0;
}

static int write_runs(struct dirlist *l, const struct dirlist_scratch *s)
{
    int err = l->file ? 0 : runfile_new(&l->file);
    if (!err && l->file->n == RUNFILE_RUNS)
        err = rewrite_file(l, s);
    if (!err)
        err = merge_start(&l->merge, s->common);
    return err ? err : runfile_write(l->file, &l->merge, s->stop);
}

/* Moves the runs in memory to the file, as one run. */
static int spill(struct dirlist *l, const struct dirlist_scratch *s)
{
    int err = write_runs(l, s);
    if (err == -EINTR)
        return err;
    if (err) {
        l->no_file = true;
        return 0;
    }
    merge_clear(&l->merge);
    l->bytes = 0;
    return 0;
}

/* Keeps count of what all names of the list begin with. */
static void note_common(struct dirlist_scratch *s, const char *name, bool first)
{
    if (first) {
        s->common = strnlen(name, COMMON_MAX);
        memcpy(s->first, name, s->common);
    }
    while (s->common && strncmp(s->first, name, s->common) != 0)
        s->common--;
}

static struct item *new_item(struct dirlist_scratch *s)
{
    if (s->n == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 256;
        struct item *item = realloc(s->item, cap * sizeof *item);
        if (!item)
            return NULL;
        s->item = item;
        s->cap = cap;
    }
    return &s->item[s->n++];
}

int dirlist_scratch_new(struct dirlist_scratch **scratch, size_t memory,
                        const volatile int *stop)
{
    struct dirlist_scratch *s = malloc(sizeof *s);
    if (!s)
        return -ENOMEM;
    s->memory = memory;
    s->limit = memory < STAGE_BYTES ? memory : STAGE_BYTES;
    s->stop = stop;
    s->item = NULL;
    s->n = s->cap = 0;
    s->used = s->common = 0;
    *scratch = s;
    return 0;
}

void dirlist_scratch_free(struct dirlist_scratch *s)
{
    if (!s)
        return;
    free(s->item);
    free(s);
}

int dirlist_put(struct dirlist_scratch *s, struct dirlist *l, struct name name)
{
    assert(name.len && name.len + 3 <= RECORD_MAX);
    bool first = !s->n && !l->merge.n && !l->file;
    struct item *item = new_item(s);
    if (!item)
        return -ENOMEM;

    char *to = s->stage + s->used;
    *to++ = (char)(name.kind - name.err);
    item->name = to;
    to = mempcpy(to, name.text, name.len);
    if (name.kind == NAME_DIR) {
        *to++ = '/';
        l->dirs++;
    }
    *to++ = '\0';
    s->used = (size_t)(to - s->stage);
    note_common(s, item->name, first);

    if (s->used < s->limit)
        return 0;
    int err = unload_stage(s, l);
    if (!err && l->bytes >= s->memory && !l->no_file)
        err = spill(l, s);
    return err;
}

int dirlist_sort(struct dirlist_scratch *s, struct dirlist *l)
{
    int err = s->n ? unload_stage(s, l) : 0;
    if (!err && l->file)
        err = runfile_merge(l->file, &l->merge);
    return err ? err : merge_start(&l->merge, s->common);
}

int dirlist_take(struct dirlist *l, struct name *name)
{
    const char *record;
    size_t len;
    int rc = merge_next(&l->merge, &record, &len);
    if (rc <= 0)
        return rc;
    unsigned char kind = (unsigned char)record[0];
    bool dir = kind == NAME_DIR;
    l->dirs -= dir;
    name->kind = kind < NAME_ERROR ? (enum name_kind)kind : NAME_ERROR;
    name->err = kind < NAME_ERROR ? 0 : NAME_ERROR - kind;
    name->text = record + 1;
    name->len = len - 2 - dir;
    return 1;
}

void dirlist_free(struct dirlist *l)
{
    merge_clear(&l->merge);
    runfile_free(l->file);
    *l = (struct dirlist){0};
}
