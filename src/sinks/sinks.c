/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sinks: the table of manifest formats, and what their readers share.  A new
 * format is a file, a row here, a section in docs/formats.md and a test.
 */
#include "sinks/sink.h"

#include "sinks/text.h"

#include <string.h>

/* A manifest's lines are shown to the readers in this order. */
const struct sink *const sinks[] = {&sink_gnu, &sink_bsd, &sink_json,
                                    &sink_mtree, NULL};

const struct sink *sink_find(const char *name)
{
    for (size_t i = 0; sinks[i]; i++)
        if (strcmp(sinks[i]->name, name) == 0)
            return sinks[i];
    return NULL;
}

void parse_state_free(struct parse_state *r)
{
    buf_free(&r->dir);
    buf_free(&r->line);
    buf_free(&r->word);
}

void expect_clear(struct expect *e)
{
    buf_clear(&e->path);
    e->has_size = false;
    e->n = 0;
    e->unknown[0] = '\0';
}

void expect_free(struct expect *e)
{
    buf_free(&e->path);
    expect_clear(e);
}

bool expect_add(struct expect *e, uint16_t candidates, bool little,
                const char *hex, size_t n)
{
    if (e->n == ALGO_COUNT)
        return false;
    for (int i = 0; i < ALGO_COUNT; i++)
        if (candidates >> i & 1 && n != 2 * algos[i].bytes)
            return false;

    struct expect_digest *d = &e->digest[e->n];
    d->candidates = candidates;
    d->little = little;
    d->n = (uint8_t)(n / 2);
    if (!text_hex(d->bytes, hex, d->n))
        return false;
    e->n++;
    return true;
}

void expect_unknown(struct expect *e, const char *name, size_t n)
{
    if (n > sizeof e->unknown - 1)
        n = sizeof e->unknown - 1;
    memcpy(e->unknown, name, n);
    e->unknown[n] = '\0';
}

bool expect_named(const struct expect *e)
{
    return e->path.n > 0 && !memchr(e->path.p, '\0', e->path.n);
}
