/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mtree_read: reads mtree(5) line by line: full paths (libarchive, our own,
 * NetBSD's -C and, with the path last, -D), and specifications in which
 * directories are entered and left.
 *
 * What it keeps between lines, in struct parse_state: the directory, the type
 * given by /set (of the defaults the only one that matters to us), and the
 * beginning of a line that ends with a backslash.
 */
#include "sinks/mtree.h"

#include "sinks/text.h"

#include <string.h>

/* Values of reader.set_type. */
enum { TYPE_NONE, TYPE_FILE, TYPE_DIR, TYPE_OTHER };

enum {
    LINE_MAX_BYTES = 64 << 20, /* of a line, its continuations joined */
    DIR_MAX_BYTES = 1 << 20    /* of the directory that lines are in */
};

/* A stretch of a line. */
struct span {
    const char *p;
    size_t n;
};

/* An entry being read. */
struct entry {
    struct expect *e;
    uint8_t type;
    bool known;   /* a keyword was one of mtree's */
    bool strange; /* one was not */
};

/* --- words --------------------------------------------------------------- */

/* The next word of *rest, empty at the end. */
static struct span next_word(struct span *rest)
{
    const char *end = rest->p + rest->n;
    const char *p = text_skip_blanks(rest->p, end), *from = p;
    while (p < end && !text_blank(*p))
        p++;
    *rest = (struct span){p, (size_t)(end - p)};
    return (struct span){from, (size_t)(p - from)};
}

static bool is(struct span word, const char *text)
{
    return strlen(text) == word.n && memcmp(text, word.p, word.n) == 0;
}

/* Splits key=value; without '=' the value is empty. */
static struct span split(struct span word, struct span *value)
{
    const char *eq = memchr(word.p, '=', word.n);
    size_t n = eq ? (size_t)(eq - word.p) : word.n;
    *value =
        (struct span){word.p + n + (eq != NULL), word.n - n - (eq != NULL)};
    return (struct span){word.p, n};
}

/* --- names, as vis(3) writes them ---------------------------------------- */

/* Up to three octal digits. */
static const char *unvis_octal(struct buf *out, const char *p, const char *end)
{
    int c = 0;
    for (int i = 0; i < 3 && p < end && *p >= '0' && *p <= '7'; i++)
        c = c << 3 | (*p++ - '0');
    buf_putc(out, (char)c);
    return c < 256 ? p : NULL;
}

/* ^C is a control character. */
static const char *unvis_control(struct buf *out, const char *p,
                                 const char *end, int meta)
{
    if (p == end)
        return NULL;
    buf_putc(out, (char)(meta | (*p == '?' ? 0x7f : *p & 0x1f)));
    return p + 1;
}

/* M-c and M^C have the high bit. */
static const char *unvis_meta(struct buf *out, const char *p, const char *end)
{
    if (end - p < 2)
        return NULL;
    if (*p == '^')
        return unvis_control(out, p + 1, end, 0x80);
    if (*p != '-')
        return NULL;
    buf_putc(out, (char)(0x80 | p[1]));
    return p + 2;
}

/* What follows a backslash.  Returns what is behind it, NULL when it has no
 * meaning. */
static const char *unvis(struct buf *out, const char *p, const char *end)
{
    static const char letters[] = "abtnvfrsE", bytes[] = "\a\b\t\n\v\f\r \033";
    if (p == end)
        return NULL;
    if (*p >= '0' && *p <= '7')
        return unvis_octal(out, p, end);
    if (*p == 'M')
        return unvis_meta(out, p + 1, end);
    if (*p == '^')
        return unvis_control(out, p + 1, end, 0);
    const char *found = memchr(letters, *p, sizeof letters - 1);
    bool punct = strchr("\\#*?[]=\"'$!&();<>`{|}~%,.:@+-_/", *p) != NULL;
    if (!found && !punct)
        return NULL;
    buf_putc(out, found ? bytes[found - letters] : *p);
    return p + 1;
}

static bool put_name(struct buf *out, struct span name)
{
    const char *p = name.p, *end = p + name.n;
    for (;;) {
        const char *slash = memchr(p, '\\', (size_t)(end - p));
        const char *stop = slash ? slash : end;
        buf_put(out, p, (size_t)(stop - p));
        if (!slash)
            return true;
        p = unvis(out, slash + 1, end);
        if (!p)
            return false;
    }
}

/* --- keywords ------------------------------------------------------------ */

/* Those that say nothing to us, and are no digest. */
static const char *const others[] = {
    "cksum",    "content",  "contents",  "device", "flags", "gid",
    "gname",    "ignore",   "inode",     "link",   "mode",  "nlink",
    "nochange", "optional", "resdevice", "time",   "uid",   "uname",
};

static int algo_of(struct span key)
{
    for (int i = 0; i < ALGO_COUNT; i++)
        if (algos[i].mtree &&
            (is(key, algos[i].mtree) || is(key, algos[i].name)))
            return i;
    return -1;
}

static bool is_other(struct span key)
{
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (is(key, others[i]))
            return true;
    return false;
}

/* A keyword that we do not have and that looks like a digest's. */
static bool is_digest(struct span key, struct span value)
{
    static const char tail[] = "digest";
    size_t n = sizeof tail - 1;
    if (key.n > n && memcmp(key.p + key.n - n, tail, n) == 0)
        return true;
    return value.n >= 32 && text_hex_span(value.p, value.n) == value.n;
}

static bool is_keyword(struct span key)
{
    return is(key, "type") || is(key, "size") || is(key, "tags") ||
           is_other(key) || algo_of(key) >= 0;
}

static uint8_t type_of(struct span value)
{
    return is(value, "file")  ? TYPE_FILE
           : is(value, "dir") ? TYPE_DIR
                              : TYPE_OTHER;
}

static bool take_size(struct expect *e, struct span value)
{
    uint64_t size = 0;
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        if (c < '0' || c > '9' || __builtin_mul_overflow(size, 10, &size) ||
            __builtin_add_overflow(size, (uint64_t)(c - '0'), &size))
            return false;
    }
    e->has_size = true;
    e->size = size;
    return value.n > 0;
}

/* "xxh128.HEX,xxh3.HEX"; tags that are no digests of ours are others' own. */
static bool take_tags(struct expect *e, struct span tags)
{
    const char *p = tags.p, *end = p + tags.n;
    while (p < end) {
        const char *comma = memchr(p, ',', (size_t)(end - p));
        const char *stop = comma ? comma : end;
        const char *dot = memchr(p, '.', (size_t)(stop - p));
        int id = dot ? algo_by_name(p, (size_t)(dot - p)) : -1;
        if (id >= 0 && !expect_add(e, (uint16_t)(1u << id), false, dot + 1,
                                   (size_t)(stop - dot - 1)))
            return false;
        p = comma ? comma + 1 : end;
    }
    return true;
}

static bool take_keyword(struct entry *t, struct span word)
{
    struct span value, key = split(word, &value);
    if (!is_keyword(key)) {
        t->strange = true;
        if (is_digest(key, value))
            expect_unknown(t->e, key.p, key.n);
        return true;
    }
    t->known = true;
    if (is(key, "type"))
        t->type = type_of(value);
    else if (is(key, "size"))
        return take_size(t->e, value);
    else if (is(key, "tags"))
        return take_tags(t->e, value);
    int id = algo_of(key);
    return id < 0 ||
           expect_add(t->e, (uint16_t)(1u << id), false, value.p, value.n);
}

static bool take_keywords(struct entry *t, struct span rest)
{
    struct span word;
    while ((word = next_word(&rest)).n > 0 && word.p[0] != '#')
        if (!take_keyword(t, word))
            return false;
    return true;
}

/* --- lines --------------------------------------------------------------- */

static enum parsed set(struct parse_state *r, struct span rest, bool unset)
{
    struct span word, value;
    while ((word = next_word(&rest)).n > 0) {
        struct span key = split(word, &value);
        if (is(key, "type") || (unset && is(key, "all")))
            r->set_type = unset ? TYPE_NONE : type_of(value);
    }
    return PARSED_NOTHING;
}

static enum parsed leave(struct parse_state *r)
{
    if (r->dir.n == 0)
        return PARSED_BAD;
    const char *slash = memrchr(r->dir.p, '/', r->dir.n);
    r->dir.n = slash ? (size_t)(slash - r->dir.p) : 0;
    return PARSED_NOTHING;
}

/* Decodes the name of an entry into e->path: from the root when it has a
 * slash or is ".", else in the directory that we are in. */
static bool take_name(struct parse_state *r, struct span name, struct expect *e,
                      bool *full)
{
    static const char root[] = MTREE_ROOT;
    bool absolute =
        name.n >= sizeof root - 1 && memcmp(name.p, root, sizeof root - 1) == 0;
    if (absolute)
        name = (struct span){name.p + 2, name.n - 2};
    buf_clear(&r->word);
    if (!put_name(&r->word, name) || r->word.n == 0)
        return false;

    *full = is(name, ".") || memchr(r->word.p, '/', r->word.n);
    if (!*full && r->dir.n > 0) {
        buf_put(&e->path, r->dir.p, r->dir.n);
        buf_putc(&e->path, '/');
    }
    buf_put(&e->path, r->word.p, r->word.n);
    return expect_named(e);
}

/* A directory without a slash in its name, or ".", is entered. */
static enum parsed enter(struct parse_state *r, const struct expect *e,
                         bool full)
{
    if (full && !(e->path.n == 1 && e->path.p[0] == '.'))
        return PARSED_NOTHING;
    if (e->path.n > DIR_MAX_BYTES)
        return PARSED_BAD;
    buf_clear(&r->dir);
    buf_put(&r->dir, e->path.p, e->path.n);
    return PARSED_NOTHING;
}

static enum parsed entry(struct parse_state *r, struct span name,
                         struct span rest, struct expect *e)
{
    struct entry t = {.e = e, .type = r->set_type};
    bool full;
    if (!take_name(r, name, e, &full) || !take_keywords(&t, rest))
        return PARSED_BAD;
    if (t.type == TYPE_DIR)
        return enter(r, e, full);
    if (t.type == TYPE_OTHER)
        return PARSED_NOTHING;
    if (e->n > 0)
        return PARSED_ENTRY;
    if (e->unknown[0])
        return PARSED_UNKNOWN;
    return t.strange && !t.known ? PARSED_BAD : PARSED_NOTHING;
}

/* NetBSD's mtree -D puts the path last: a keyword with a value comes first,
 * and what comes last begins with a dot, as all its paths do. */
static bool path_last(struct span line, struct span *name, struct span *words)
{
    struct span rest = line, value, first = next_word(&rest);
    struct span key = split(first, &value);
    if (value.n == 0 || !is_keyword(key))
        return false;
    const char *end = line.p + line.n;
    while (text_blank(end[-1]))
        end--;
    const char *p = end;
    while (p > line.p && !text_blank(p[-1]))
        p--;
    if (*p != '.')
        return false;
    *name = (struct span){p, (size_t)(end - p)};
    *words = (struct span){line.p, (size_t)(p - line.p)};
    return true;
}

static enum parsed whole_line(struct parse_state *r, struct span line,
                              struct expect *e)
{
    struct span name, words, rest = line, first = next_word(&rest);
    if (first.n == 0 || first.p[0] == '#')
        return PARSED_NOTHING;
    if (is(first, "/set") || is(first, "/unset"))
        return set(r, rest, first.p[1] == 'u');
    if (first.p[0] == '/')
        return PARSED_BAD;
    if (is(first, ".."))
        return leave(r);
    if (path_last(line, &name, &words))
        return entry(r, name, words, e);
    return entry(r, first, rest, e);
}

/* Whether a line is an mtree's, in a manifest that has no MTREE_MAGIC. */
static bool looks(struct span line)
{
    struct span name, words, value, rest = line, first = next_word(&rest);
    if (is(first, "/set") || is(first, "/unset"))
        return true;
    struct span key = split(next_word(&rest), &value);
    return (value.n > 0 && is_keyword(key)) || path_last(line, &name, &words);
}

/* Whether the line ends with a backslash that is not itself escaped. */
static bool goes_on(const char *line, size_t n)
{
    size_t slashes = 0;
    while (slashes < n && line[n - slashes - 1] == '\\')
        slashes++;
    return slashes % 2;
}

enum parsed mtree_parse(struct parse_state *r, const char *line, size_t n,
                        struct expect *e)
{
    if (!r->mtree && (r->zero || !looks((struct span){line, n})))
        return PARSED_FOREIGN;
    r->mtree = true;

    bool more = goes_on(line, n);
    if (!more && r->line.n == 0)
        return whole_line(r, (struct span){line, n}, e);
    if (r->line.n + n > LINE_MAX_BYTES) {
        buf_clear(&r->line);
        return PARSED_BAD;
    }
    buf_put(&r->line, line, n - more);
    if (more)
        return PARSED_NOTHING;
    enum parsed got = whole_line(r, (struct span){r->line.p, r->line.n}, e);
    buf_clear(&r->line);
    return got;
}
