/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json_scan: see json_scan.h.  Nothing here looks behind `end`, whatever the
 * text, and nesting is bounded: manifests come from strangers.
 */
#include "sinks/json_scan.h"

#include "sinks/text.h"

#include <string.h>

enum { DEPTH_MAX = 32 };

static bool value(struct json_scan *s, struct buf *word, int depth);

static bool at(const struct json_scan *s, char c)
{
    return s->p < s->end && *s->p == c;
}

/* Appends the characters up to the next that needs a look. */
static void plain(struct json_scan *s, struct buf *out)
{
    const char *from = s->p;
    while (s->p < s->end && *s->p >= ' ' && *s->p != '"' && *s->p != '\\')
        s->p++;
    buf_put(out, from, (size_t)(s->p - from));
}

/* Four hexadecimal digits, behind \u. */
static bool unit(struct json_scan *s, uint32_t *code)
{
    unsigned char bytes[2];
    if (s->end - s->p < 4 || !text_hex(bytes, s->p, 2))
        return false;
    s->p += 4;
    *code = (uint32_t)(bytes[0] << 8 | bytes[1]);
    return true;
}

/* The rest of a \u escape, of two when they are a surrogate pair. */
static bool unicode(struct json_scan *s, struct buf *out)
{
    uint32_t code, low;
    if (!unit(s, &code))
        return false;
    if (code >= 0xd800 && code <= 0xdbff) {
        if (s->end - s->p < 2 || memcmp(s->p, "\\u", 2))
            return false;
        s->p += 2;
        if (!unit(s, &low) || low < 0xdc00 || low > 0xdfff)
            return false;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code >= 0xdc00 && code <= 0xdfff) {
        return false;
    }
    text_put_utf8(out, code);
    return true;
}

/* What follows a backslash. */
static bool escape(struct json_scan *s, struct buf *out)
{
    static const char letters[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    if (s->p == s->end)
        return false;
    char c = *s->p++;
    if (c == 'u')
        return unicode(s, out);
    const char *found = memchr(letters, c, sizeof letters - 1);
    if (found)
        buf_putc(out, bytes[found - letters]);
    return found != NULL;
}

static bool literal(struct json_scan *s, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n))
        return false;
    s->p += n;
    return true;
}

static bool digits(struct json_scan *s)
{
    const char *from = s->p;
    while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
        s->p++;
    return s->p > from;
}

static bool number(struct json_scan *s)
{
    if (at(s, '-'))
        s->p++;
    if (at(s, '0'))
        s->p++;
    else if (!digits(s))
        return false;
    if (at(s, '.')) {
        s->p++;
        if (!digits(s))
            return false;
    }
    if (at(s, 'e') || at(s, 'E')) {
        s->p++;
        if (at(s, '+') || at(s, '-'))
            s->p++;
        return digits(s);
    }
    return true;
}

static bool array(struct json_scan *s, struct buf *word, int depth)
{
    if (json_take(s, ']'))
        return true;
    do
        if (!value(s, word, depth))
            return false;
    while (json_take(s, ','));
    return json_take(s, ']');
}

static bool object(struct json_scan *s, struct buf *word, int depth)
{
    bool first = true;
    int more;
    while ((more = json_member(s, &first, word)) > 0)
        if (!value(s, word, depth))
            return false;
    return more == 0;
}

static bool value(struct json_scan *s, struct buf *word, int depth)
{
    if (depth == DEPTH_MAX)
        return false;
    if (json_take(s, '{'))
        return object(s, word, depth + 1);
    if (json_take(s, '['))
        return array(s, word, depth + 1);
    if (at(s, '"'))
        return json_string(s, word);
    return literal(s, "true") || literal(s, "false") || literal(s, "null") ||
           number(s);
}

bool json_end(struct json_scan *s)
{
    while (s->p < s->end && memchr(" \t\r\n", *s->p, 4))
        s->p++;
    return s->p == s->end;
}

bool json_take(struct json_scan *s, char c)
{
    if (json_end(s) || *s->p != c)
        return false;
    s->p++;
    return true;
}

bool json_string(struct json_scan *s, struct buf *out)
{
    buf_clear(out);
    if (!json_take(s, '"'))
        return false;
    for (;;) {
        uint32_t code;
        plain(s, out);
        if (s->p == s->end)
            return false;
        size_t n = text_utf8(s->p, (size_t)(s->end - s->p), &code);
        if (n == 0 || code < 0x20)
            return false;
        const char *from = s->p;
        s->p += n;
        if (code == '"')
            return true;
        if (code != '\\')
            buf_put(out, from, n);
        else if (!escape(s, out))
            return false;
    }
}

bool json_skip(struct json_scan *s, struct buf *word)
{
    return value(s, word, 0);
}

int json_member(struct json_scan *s, bool *first, struct buf *key)
{
    if (json_take(s, '}'))
        return 0;
    /* A comma that nothing follows fails where the next key is read, since '}'
     * was looked for before it. */
    if (!*first && !json_take(s, ','))
        return -1;
    *first = false;
    return json_string(s, key) && json_take(s, ':') ? 1 : -1;
}
