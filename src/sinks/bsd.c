/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bsd: tag lines, which name their algorithm, one for each digest:
 *
 *     TAG (NAME) = HEX        \TAG (NAME) = HEX        TAG(NAME)= HEX
 *
 * as md5 of BSD, `sha256sum --tag`, `xxhsum --tag` and `openssl dgst` (the
 * last form) print them.  docs/formats.md has the details.
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
    buf_puts(out, algo->tag);
    buf_puts(out, " (");
    if (escape)
        text_escape(out, r->path, r->len);
    else
        buf_put(out, r->path, r->len);
    buf_puts(out, ") = ");
    buf_hex(out, digest, algo->bytes);
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

static bool in_tag(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
           (c >= 'a' && c <= 'z') || c == '-' || c == '_' || c == '/';
}

/* The digits behind the parenthesis at close, NULL when there is not what
 * should be there. */
static const char *find_hex(const char *close, const char *end)
{
    const char *p = text_skip_blanks(close + 1, end);
    if (p == end || *p != '=')
        return NULL;
    p = text_skip_blanks(p + 1, end);
    size_t n = (size_t)(end - p);
    return n > 0 && text_hex_span(p, n) == n ? p : NULL;
}

static enum parsed add(struct expect *e, const char *tag, size_t ntag,
                       const char *hex, size_t digits)
{
    bool little;
    int id = algo_by_tag(tag, ntag, &little);
    if (id < 0) {
        expect_unknown(e, tag, ntag);
        return PARSED_UNKNOWN;
    }
    if (!expect_add(e, (uint16_t)(1u << id), little, hex, digits))
        return PARSED_BAD;
    return PARSED_ENTRY;
}

static enum parsed parse(struct parse_state *r, const char *line, size_t n,
                         struct expect *e)
{
    const char *end = line + n;
    const char *tag = text_skip_blanks(line, end);
    bool escaped = !r->zero && tag < end && *tag == '\\';
    tag += escaped;
    const char *p = tag;
    while (p < end && in_tag(*p))
        p++;
    size_t ntag = (size_t)(p - tag);
    p += p < end && *p == ' ';
    if (ntag == 0 || p == end || *p != '(')
        return PARSED_FOREIGN;

    /* The digest has no parenthesis: the last one ends the name. */
    const char *name = p + 1;
    const char *close = memrchr(name, ')', (size_t)(end - name));
    const char *hex = close ? find_hex(close, end) : NULL;
    if (!hex)
        return PARSED_BAD;
    if (!escaped)
        buf_put(&e->path, name, (size_t)(close - name));
    else if (!text_unescape(&e->path, name, (size_t)(close - name)))
        return PARSED_BAD;
    if (!expect_named(e))
        return PARSED_BAD;
    return add(e, tag, ntag, hex, (size_t)(end - hex));
}

const struct sink sink_bsd = {
    .name = "bsd",
    .help = "tag lines, as sha256sum --tag prints: SHA256 (NAME) = HEX",
    .writes_trees = true,
    .record = record,
    .parse = parse,
};
