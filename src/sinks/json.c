/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json: one object a line, in ASCII:
 *
 *     {"path":"a.txt","type":"file","size":6,"mtime":"1795361949.282819000",
 *      "digest":{"sha256":"5891..."}}
 *
 * with "path_base64" for a name that is not UTF-8, and "error" for a file that
 * has no digest.  docs/formats.md has the details.
 */
#include "sinks/json.h"

#include "sinks/base64.h"
#include "sinks/json_scan.h"
#include "sinks/sink.h"
#include "sinks/text.h"

#include <inttypes.h>
#include <string.h>

/* --- writing ------------------------------------------------------------- */

static void put_code(struct buf *out, uint32_t code)
{
    static const char letters[] = "\"\\bfnrt", bytes[] = "\"\\\b\f\n\r\t";
    const char *found =
        code < 0x80 ? memchr(bytes, (int)code, sizeof bytes - 1) : NULL;
    if (found)
        buf_printf(out, "\\%c", letters[found - bytes]);
    else if (code < 0x10000)
        buf_printf(out, "\\u%04" PRIx32, code);
    else
        buf_printf(out, "\\u%04" PRIx32 "\\u%04" PRIx32,
                   0xd800 + ((code - 0x10000) >> 10), 0xdc00 + (code & 0x3ff));
}

/* How many bytes at the start of p[0..n) stand for themselves in a string. */
static size_t plain_span(const char *p, size_t n)
{
    size_t i = 0;
    while (i < n && p[i] >= ' ' && p[i] < 0x7f && p[i] != '"' && p[i] != '\\')
        i++;
    return i;
}

void json_put_string(struct buf *out, const char *p, size_t n)
{
    buf_putc(out, '"');
    for (;;) {
        size_t plain = plain_span(p, n);
        buf_put(out, p, plain);
        p += plain;
        n -= plain;
        if (n == 0)
            break;
        uint32_t code;
        size_t len = text_utf8(p, n, &code);
        put_code(out, len ? code : 0xfffd);
        len += len == 0;
        p += len;
        n -= len;
    }
    buf_putc(out, '"');
}

static bool is_utf8(const char *p, size_t n)
{
    while (n > 0) {
        uint32_t code;
        size_t len = text_utf8(p, n, &code);
        if (len == 0)
            return false;
        p += len;
        n -= len;
    }
    return true;
}

void json_put_path(struct buf *out, const char *p, size_t n)
{
    if (is_utf8(p, n)) {
        buf_puts(out, "\"path\":");
        json_put_string(out, p, n);
    } else {
        buf_puts(out, "\"path_base64\":\"");
        base64_put(out, p, n);
        buf_putc(out, '"');
    }
}

static void put_stat(struct buf *out, const struct record *r)
{
    /* -1 s and 500,000,000 ns are -0.5 s. */
    bool borrow = r->mtime < 0 && r->mtime_ns > 0;
    int64_t seconds = r->mtime + borrow;
    uint32_t ns = borrow ? 1000000000 - r->mtime_ns : r->mtime_ns;
    buf_printf(
        out, ",\"size\":%" PRIu64 ",\"mtime\":\"%s%" PRId64 ".%09" PRIu32 "\"",
        r->size, borrow && seconds == 0 ? "-" : "", seconds, ns);
}

static void put_digests(struct buf *out, const struct sink_opt *opt,
                        const struct record *r)
{
    const char *comma = "\"";
    buf_puts(out, ",\"digest\":{");
    for (int i = 0; i < opt->algos.n; i++) {
        int id = opt->algos.id[i];
        if (!r->digest[id])
            continue;
        buf_puts(out, comma);
        buf_puts(out, algos[id].name);
        buf_puts(out, "\":\"");
        buf_hex(out, r->digest[id], algos[id].bytes);
        buf_putc(out, '"');
        comma = ",\"";
    }
    buf_putc(out, '}');
}

static void record(struct buf *out, const struct sink_opt *opt,
                   const struct record *r)
{
    static const char *const types[] = {[RECORD_FILE] = "file",
                                        [RECORD_STDIN] = "stdin",
                                        [RECORD_TREE] = "tree"};

    buf_putc(out, '{');
    json_put_path(out, r->path, r->len);
    buf_printf(out, ",\"type\":\"%s\"", types[r->type]);
    if (r->has_stat)
        put_stat(out, r);
    if (r->error) {
        buf_puts(out, ",\"error\":");
        json_put_string(out, r->error, strlen(r->error));
    } else {
        put_digests(out, opt, r);
    }
    buf_puts(out, "}\n");
}

/* --- reading ------------------------------------------------------------- */

/* A line being read. */
struct line {
    struct json_scan s;
    struct expect *e;
    struct buf *word;
    bool named; /* a name was given */
    bool tree;
    bool error;
};

static bool take_path(struct line *l)
{
    bool again = l->named;
    l->named = true;
    return !again && json_string(&l->s, &l->e->path) && expect_named(l->e);
}

static bool take_base64(struct line *l)
{
    bool again = l->named;
    l->named = true;
    return !again && json_string(&l->s, l->word) &&
           base64_get(&l->e->path, l->word->p, l->word->n) &&
           expect_named(l->e);
}

static bool take_type(struct line *l)
{
    if (!json_string(&l->s, l->word))
        return false;
    l->tree = l->word->n == 4 && memcmp(l->word->p, "tree", 4) == 0;
    return true;
}

/* Anything but a whole number that fits is a value of somebody else's. */
static bool take_size(struct line *l)
{
    json_end(&l->s);
    const char *from = l->s.p;
    if (!json_skip(&l->s, l->word))
        return false;
    uint64_t size = 0;
    for (const char *p = from; p < l->s.p; p++) {
        if (*p < '0' || *p > '9' || __builtin_mul_overflow(size, 10, &size) ||
            __builtin_add_overflow(size, (uint64_t)(*p - '0'), &size))
            return true;
    }
    l->e->has_size = true;
    l->e->size = size;
    return true;
}

static bool take_error(struct line *l)
{
    l->error = true;
    return json_string(&l->s, l->word);
}

/* One member of "digest", its name in l->word. */
static bool take_one_digest(struct line *l)
{
    int id = algo_by_name(l->word->p, l->word->n);
    if (id < 0) {
        expect_unknown(l->e, l->word->p, l->word->n);
        return json_skip(&l->s, l->word);
    }
    for (int i = 0; i < l->e->n; i++)
        if (l->e->digest[i].candidates == 1u << id)
            return false;
    return json_string(&l->s, l->word) &&
           expect_add(l->e, (uint16_t)(1u << id), false, l->word->p,
                      l->word->n);
}

static bool take_digest(struct line *l)
{
    bool first = true;
    int more;
    if (!json_take(&l->s, '{'))
        return false;
    while ((more = json_member(&l->s, &first, l->word)) > 0)
        if (!take_one_digest(l))
            return false;
    return more == 0;
}

/* The members that mean something here. */
static const struct member {
    const char *key;
    bool (*take)(struct line *l);
} members[] = {
    {"path", take_path}, {"path_base64", take_base64}, {"type", take_type},
    {"size", take_size}, {"digest", take_digest},      {"error", take_error},
};

/* The value of the member whose key is in l->word. */
static bool take_member(struct line *l)
{
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (strlen(members[i].key) == l->word->n &&
            memcmp(members[i].key, l->word->p, l->word->n) == 0)
            return members[i].take(l);
    return json_skip(&l->s, l->word);
}

static enum parsed parse(struct parse_state *r, const char *text, size_t n,
                         struct expect *e)
{
    struct line l = {.s = {text, text + n}, .e = e, .word = &r->word};
    bool first = true;
    int more;
    if (r->zero || !json_take(&l.s, '{'))
        return PARSED_FOREIGN;
    while ((more = json_member(&l.s, &first, l.word)) > 0)
        if (!take_member(&l))
            return PARSED_BAD;

    if (more < 0 || !json_end(&l.s) || !l.named)
        return PARSED_BAD;
    if (l.tree)
        return PARSED_NOTHING;
    if (e->n > 0)
        return PARSED_ENTRY;
    if (e->unknown[0])
        return PARSED_UNKNOWN;
    return l.error ? PARSED_NOTHING : PARSED_BAD;
}

const struct sink sink_json = {
    .name = "json",
    .help = "one JSON object a line, errors too",
    .writes_errors = true,
    .writes_trees = true,
    .record = record,
    .parse = parse,
};
