/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * manifest: cuts the input into lines, finds the format that each is of, and
 * joins neighbouring lines about one file.
 *
 * The first 64 KiB decide whether records end with NUL.  After that every line
 * is shown to the formats in turn, so that manifests may be concatenated,
 * until one is an mtree's: such a line can hold anything, and so all that
 * follow are taken for mtree's.
 *
 * One entry is read ahead, since whether an entry is complete shows only by
 * the line behind it.
 */
#include "sinks/manifest.h"

#include "common/io.h"
#include "sinks/mtree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 64 << 10, LONGEST = 64 << 20 };

/* What manifest_next() returns, beyond errors. */
enum { AT_END = 0, IS_ENTRY = 1, IS_BAD = 2, IS_UNKNOWN = 3 };

struct manifest {
    int fd;
    struct parse_state reader;
    bool begun;
    bool eof;
    struct buf in;  /* what was read */
    size_t pos;     /* of in: where the next line begins */
    size_t scanned; /* so much behind pos holds no line end */
    uint64_t line;  /* number of the line read last */

    bool held; /* the entry read ahead: */
    struct expect ahead;
    int what; /* an AT_END ... IS_UNKNOWN or a negative errno */
    uint64_t ahead_line;
};

/* Reads some more behind in.  Returns 0, with eof set at the end. */
static int fill(struct manifest *m)
{
    if (m->pos > m->in.n / 2) {
        memmove(m->in.p, m->in.p + m->pos, m->in.n - m->pos);
        m->in.n -= m->pos;
        m->pos = 0;
    }
    char *to = buf_reserve(&m->in, PIECE);
    if (!to)
        return -ENOMEM;
    ssize_t got = io_read(m->fd, to, PIECE);
    if (got < 0)
        return (int)got;
    m->in.n += (size_t)got;
    m->eof = got == 0;
    return 0;
}

static bool starts(const struct manifest *m, const char *text)
{
    size_t n = strlen(text);
    return m->in.n - m->pos >= n && memcmp(m->in.p + m->pos, text, n) == 0;
}

static int begin(struct manifest *m)
{
    while (!m->eof && m->in.n < PIECE) {
        int err = fill(m);
        if (err)
            return err;
    }
    size_t n = m->in.n < PIECE ? m->in.n : PIECE;
    m->reader.zero = memchr(m->in.p, '\0', n) != NULL;
    if (starts(m, "\xef\xbb\xbf"))
        m->pos = 3;
    m->reader.mtree = !m->reader.zero && starts(m, MTREE_MAGIC);
    m->begun = true;
    return 0;
}

/* Drops the line that is too long as it comes.  Returns IS_BAD at its end. */
static int skip_line(struct manifest *m, char delim)
{
    for (;;) {
        buf_free(&m->in);
        m->pos = m->scanned = 0;
        int err = m->eof ? 0 : fill(m);
        if (err)
            return err;
        char *end = m->in.n ? memchr(m->in.p, delim, m->in.n) : NULL;
        if (end)
            m->pos = (size_t)(end - m->in.p) + 1;
        if (end || m->eof)
            return IS_BAD;
    }
}

/* The next line, without its end.  Returns IS_ENTRY, AT_END, IS_BAD for one
 * that is too long, or a negative errno. */
static int next_line(struct manifest *m, const char **line, size_t *n)
{
    char delim = m->reader.zero ? '\0' : '\n';
    for (;;) {
        char *from = m->in.p + m->pos;
        size_t have = m->in.n - m->pos;
        char *end = NULL;
        if (have > m->scanned)
            end = memchr(from + m->scanned, delim, have - m->scanned);
        if (end || (m->eof && have > 0)) {
            *line = from;
            *n = end ? (size_t)(end - from) : have;
            m->pos += *n + (end != NULL);
            m->scanned = 0;
            m->line++;
            return IS_ENTRY;
        }
        if (m->eof)
            return AT_END;
        if (have > LONGEST) {
            m->line++;
            return skip_line(m, delim);
        }
        m->scanned = have;
        int err = fill(m);
        if (err)
            return err;
    }
}

static bool blank(const char *line, size_t n)
{
    while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\t'))
        n--;
    return n == 0;
}

/* Finds out what a line says. */
static enum parsed parse(struct manifest *m, const char *line, size_t n)
{
    struct parse_state *r = &m->reader;
    if (!r->zero && n > 0 && line[n - 1] == '\r')
        n--;
    if (r->mtree)
        return sink_mtree.parse(r, line, n, &m->ahead);
    if (blank(line, n) || line[0] == '#')
        return PARSED_NOTHING;
    for (size_t i = 0; sinks[i]; i++) {
        expect_clear(&m->ahead);
        enum parsed got = sinks[i]->parse(r, line, n, &m->ahead);
        if (got != PARSED_FOREIGN)
            return got;
    }
    return PARSED_BAD;
}

static int out_of_memory(const struct manifest *m)
{
    const struct buf *bufs[] = {&m->ahead.path, &m->reader.dir, &m->reader.line,
                                &m->reader.word};
    for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
        if (buf_error(bufs[i]))
            return -ENOMEM;
    return 0;
}

/* The next line that says something, parsed into m->ahead. */
static int next_parsed(struct manifest *m)
{
    static const int what[] = {[PARSED_ENTRY] = IS_ENTRY,
                               [PARSED_NOTHING] = AT_END,
                               [PARSED_FOREIGN] = IS_BAD,
                               [PARSED_BAD] = IS_BAD,
                               [PARSED_UNKNOWN] = IS_UNKNOWN};
    int err = m->begun ? 0 : begin(m);
    if (err)
        return err;
    for (;;) {
        const char *line = "";
        size_t n = 0;
        expect_clear(&m->ahead);
        int got = next_line(m, &line, &n);
        /* An mtree line that goes on behind the last one ends there. */
        bool unfinished = got == AT_END && m->reader.line.n > 0;
        if (got != IS_ENTRY && !unfinished)
            return got;
        enum parsed said = parse(m, line, n);
        buf_putc(&m->ahead.path, '\0');
        if (out_of_memory(m))
            return -ENOMEM;
        m->ahead.path.n--;
        if (said != PARSED_NOTHING)
            return what[said];
    }
}

static void read_ahead(struct manifest *m)
{
    if (m->held)
        return;
    m->what = next_parsed(m);
    m->ahead_line = m->line;
    m->held = true;
}

/* Whether d may be of an algorithm that e has no digest of yet. */
static bool is_new(const struct expect *e, const struct expect_digest *d)
{
    int rivals = 0;
    for (int i = 0; i < e->n; i++) {
        const struct expect_digest *have = &e->digest[i];
        if (!(have->candidates & d->candidates))
            continue;
        if (have->little == d->little && !memcmp(have->bytes, d->bytes, d->n))
            return false;
        rivals++;
    }
    return rivals < __builtin_popcount(d->candidates);
}

/* Moves the digests of `more` into e when they are about the same file and of
 * other algorithms.  False, and nothing moved, otherwise. */
static bool merge(struct expect *e, const struct expect *more)
{
    if (e->path.n != more->path.n || e->n + more->n > ALGO_COUNT ||
        memcmp(e->path.p, more->path.p, e->path.n) != 0)
        return false;
    if (e->has_size && more->has_size && e->size != more->size)
        return false;
    for (int i = 0; i < more->n; i++)
        if (!is_new(e, &more->digest[i]))
            return false;

    memcpy(e->digest + e->n, more->digest, more->n * sizeof *e->digest);
    e->n += more->n;
    if (more->has_size)
        e->size = more->size;
    e->has_size |= more->has_size;
    return true;
}

int manifest_open(struct manifest **m, int fd, const struct algo_list *only)
{
    *m = calloc(1, sizeof **m);
    if (!*m)
        return -ENOMEM;
    (*m)->fd = fd;
    for (int i = 0; only && i < only->n; i++)
        (*m)->reader.allowed |= (uint16_t)(1u << only->id[i]);
    return 0;
}

int manifest_next(struct manifest *m, struct expect *e, uint64_t *line)
{
    read_ahead(m);
    *line = m->ahead_line;
    if (m->what <= AT_END) {
        expect_clear(e);
        return m->what;
    }
    struct expect swap = *e;
    *e = m->ahead;
    m->ahead = swap;
    m->held = false;
    if (m->what == IS_BAD)
        expect_clear(e);
    if (m->what != IS_ENTRY)
        return m->what;

    read_ahead(m);
    while (m->what == IS_ENTRY && merge(e, &m->ahead)) {
        m->held = false;
        read_ahead(m);
    }
    return IS_ENTRY;
}

void manifest_close(struct manifest *m)
{
    if (!m)
        return;
    parse_state_free(&m->reader);
    buf_free(&m->in);
    expect_free(&m->ahead);
    free(m);
}
