/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gnu: the lines of sha256sum(1), b2sum(1) and xxhsum(1), one for each digest:
 *
 *     HEX  NAME        HEX *NAME        XXH3_HEX  NAME        \HEX  NAME
 *
 * and, when reading, `HEX NAME`, as `md5 -r` of BSD prints it.  docs/formats.md
 * has the details.
 */
#include "sinks/sink.h"

#include "sinks/text.h"

#include <string.h>

static void put_line(struct buf *out, bool zero, const struct algo *algo,
                     const struct record *r, const unsigned char *digest)
{
    bool escape = !zero && text_must_escape(r->path, r->len);
    if (escape)
        buf_putc(out, '\\');
    buf_puts(out, algo->prefix);
    buf_hex(out, digest, algo->bytes);
    buf_puts(out, "  ");
    if (escape)
        text_escape(out, r->path, r->len);
    else
        buf_put(out, r->path, r->len);
    buf_putc(out, zero ? '\0' : '\n');
}

static void record(struct buf *out, const struct sink_opt *opt,
                   const struct record *r)
{
    for (int i = 0; !r->error && i < opt->algos.n; i++) {
        int id = opt->algos.id[i];
        if (r->digest[id])
            put_line(out, opt->zero, &algos[id], r, r->digest[id]);
    }
}

/* A digest at the beginning of p .. end: which algorithms its prefix and its
 * width fit, 0 when none, and where its digits are. */
static uint16_t match(const char *p, const char *end, const char **hex,
                      size_t *digits)
{
    uint16_t candidates = 0;
    size_t n = (size_t)(end - p), bare = text_hex_span(p, n);
    for (int i = 0; i < ALGO_COUNT; i++) {
        size_t skip = strlen(algos[i].prefix);
        if (n < skip || memcmp(p, algos[i].prefix, skip))
            continue;
        size_t span = skip ? text_hex_span(p + skip, n - skip) : bare;
        if (span != 2 * algos[i].bytes)
            continue;
        *hex = p + skip;
        *digits = span;
        candidates |= (uint16_t)(1u << i);
    }
    return candidates;
}

/*
 * Where the name begins, p being behind the blank after the digest; NULL when
 * the line is malformed.  A second character ' ' or '*' is a mode and not the
 * name's, except in a manifest whose first line has shown that names follow
 * one blank (`md5 -r`).  The two never mix, as in coreutils: else whoever may
 * choose names could hide a file behind a leading blank.
 */
static const char *name_start(struct parse_state *r, const char *p,
                              const char *end)
{
    bool mode = end - p > 1 && (*p == ' ' || *p == '*');
    if (r->gap == GAP_UNKNOWN)
        r->gap = mode ? GAP_TWO : GAP_ONE;
    if (r->gap == GAP_ONE)
        return p;
    return mode ? p + 1 : NULL;
}

static enum parsed parse(struct parse_state *r, const char *line, size_t n,
                         struct expect *e)
{
    const char *end = line + n;
    const char *p = text_skip_blanks(line, end);
    bool escaped = !r->zero && p < end && *p == '\\';
    p += escaped;

    const char *hex = p;
    size_t digits = 0;
    uint16_t candidates = match(p, end, &hex, &digits);
    if (!candidates || (hex + digits < end && !text_blank(hex[digits])))
        return PARSED_FOREIGN;
    if (hex == p && r->allowed)
        candidates &= r->allowed;
    if (!candidates || hex + digits == end)
        return PARSED_BAD;

    const char *name = name_start(r, hex + digits + 1, end);
    if (!name)
        return PARSED_BAD;
    if (!escaped)
        buf_put(&e->path, name, (size_t)(end - name));
    else if (!text_unescape(&e->path, name, (size_t)(end - name)))
        return PARSED_BAD;
    if (!expect_named(e) || !expect_add(e, candidates, false, hex, digits))
        return PARSED_BAD;
    return PARSED_ENTRY;
}

const struct sink sink_gnu = {
    .name = "gnu",
    .help = "as sha256sum and xxhsum print: HEX  NAME (default)",
    .writes_trees = true,
    .record = record,
    .parse = parse,
};
