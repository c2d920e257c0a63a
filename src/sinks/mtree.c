/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mtree: writes mtree(5) with full paths, as libarchive does, but file by
 * file, in flat memory:
 *
 *     #mtree
 *     . type=dir
 *     ./dir type=dir
 *     ./dir/a.txt time=1795361949.282819000 mode=644 type=file size=6 sha256...
 *
 * NetBSD's mtree wants the root and every directory before what is in it, so
 * they are written when the directory changes, with their type alone.  The
 * reader is mtree_read.c.  docs/formats.md has the details.
 */
#include "sinks/mtree.h"

#include <inttypes.h>
#include <string.h>

/* Bytes that libarchive leaves as they are in a name. */
static bool safe(char c)
{
    return c > ' ' && c < 0x7f && c != '#' && c != '*' && c != '=' &&
           c != '?' && c != '[' && c != '\\';
}

static void put_vis(struct buf *out, const char *p, size_t n)
{
    for (size_t from = 0, i = 0;; from = i) {
        while (i < n && safe(p[i]))
            i++;
        buf_put(out, p + from, i - from);
        if (i == n)
            break;
        buf_printf(out, "\\%03o", (unsigned)(unsigned char)p[i++]);
    }
}

/* p[0..n) as the name of an entry. */
static void put_name(struct buf *out, const char *p, size_t n)
{
    if (n > 0 && p[0] == '/') {
        buf_puts(out, MTREE_ROOT);
        put_vis(out, p + 1, n - 1);
        return;
    }
    if (n < 2 || memcmp(p, "./", 2) != 0)
        buf_puts(out, "./");
    put_vis(out, p, n);
}

/* True when p[0..n) is `last` or a directory above it. */
static bool covers(const struct buf *last, const char *p, size_t n)
{
    return last && last->n >= n && memcmp(last->p, p, n) == 0 &&
           (last->n == n || last->p[n] == '/');
}

/* The directories above the file p[0..n) that were not written just before. */
static void put_dirs(struct buf *out, struct buf *last, const char *p, size_t n)
{
    size_t dir = 0; /* length of the file's directory */
    for (size_t i = 0, from = 0; i < n; i++) {
        if (p[i] != '/')
            continue;
        bool real = i > from && !(i == from + 1 && p[from] == '.');
        if (real && !covers(last, p, i)) {
            put_name(out, p, i);
            buf_puts(out, " type=dir\n");
        }
        dir = i;
        from = i + 1;
    }
    if (last) {
        buf_clear(last);
        buf_put(last, p, dir);
    }
}

static void put_digests(struct buf *out, const struct sink_opt *opt,
                        const struct record *r)
{
    for (int i = 0; i < opt->algos.n; i++) {
        const struct algo *algo = &algos[opt->algos.id[i]];
        const unsigned char *digest = r->digest[opt->algos.id[i]];
        if (!digest || !algo->mtree)
            continue;
        buf_printf(out, " %s=", algo->mtree);
        buf_hex(out, digest, algo->bytes);
    }

    const char *before = " tags=";
    for (int i = 0; i < opt->algos.n; i++) {
        const struct algo *algo = &algos[opt->algos.id[i]];
        const unsigned char *digest = r->digest[opt->algos.id[i]];
        if (!digest || algo->mtree)
            continue;
        buf_printf(out, "%s%s.", before, algo->name);
        buf_hex(out, digest, algo->bytes);
        before = ",";
    }
}

static void begin(struct buf *out, const struct sink_opt *opt)
{
    (void)opt;
    buf_puts(out, MTREE_MAGIC "\n. type=dir\n");
}

static void record(struct buf *out, const struct sink_opt *opt,
                   const struct record *r)
{
    if (r->error || r->type == RECORD_TREE)
        return;
    put_dirs(out, opt->dir, r->path, r->len);
    put_name(out, r->path, r->len);
    if (r->has_stat)
        buf_printf(out, " time=%" PRId64 ".%09" PRIu32 " mode=%" PRIo32,
                   r->mtime, r->mtime_ns, r->mode);
    buf_puts(out, " type=file");
    if (r->has_stat)
        buf_printf(out, " size=%" PRIu64, r->size);
    put_digests(out, opt, r);
    buf_putc(out, '\n');
}

const struct sink sink_mtree = {
    .name = "mtree",
    .help = "mtree(5), for bsdtar and NetBSD mtree",
    .begin = begin,
    .record = record,
    .parse = mtree_parse,
};
