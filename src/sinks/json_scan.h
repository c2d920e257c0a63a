/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json_scan: a strict scanner for JSON text (RFC 8259), as much as manifests
 * need: the caller asks for what it expects next.
 */
#ifndef TREEMILL_SINKS_JSON_SCAN_H
#define TREEMILL_SINKS_JSON_SCAN_H

#include "common/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* What is still to be read: p .. end. */
struct json_scan {
    const char *p;
    const char *end;
};

/* Skips white space.  True when nothing is left. */
bool json_end(struct json_scan *s);

/* Skips white space and c.  False, and nothing but space skipped, when
 * something else comes. */
bool json_take(struct json_scan *s, char c);

/* Reads a string into *out, in place of what it held, in UTF-8.  False when
 * there is none, or when it is malformed, not UTF-8, or has half a surrogate
 * pair. */
bool json_string(struct json_scan *s, struct buf *out);

/* Reads a value of any kind and forgets it; `word` is overwritten.  False when
 * it is malformed or nested too deep. */
bool json_skip(struct json_scan *s, struct buf *word);

/*
 * Goes through the members of an object: returns 1 with the key in *key and
 * the value next, 0 behind the closing brace, -1 when malformed.  *first is
 * true before the first call, which expects the opening brace to be behind us.
 */
int json_member(struct json_scan *s, bool *first, struct buf *key);

#endif
