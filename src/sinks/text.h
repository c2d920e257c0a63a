/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * text: the escapes and encodings that more than one manifest format uses.
 */
#ifndef TREEMILL_SINKS_TEXT_H
#define TREEMILL_SINKS_TEXT_H

#include "common/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True for a space and a tab. */
bool text_blank(char c);

/* The first of p .. end that is not blank, or end. */
const char *text_skip_blanks(const char *p, const char *end);

/* How many bytes at the start of p[0..n) are hexadecimal digits. */
size_t text_hex_span(const char *p, size_t n);

/* Turns the 2 * n digits at hex into n bytes.  False when one is no digit. */
bool text_hex(unsigned char *to, const char *hex, size_t n);

/* True when a line of sha256sum or xxhsum that holds the name p[0..n) must
 * begin with a backslash. */
bool text_must_escape(const char *p, size_t n);

/* Appends p[0..n) with a backslash, LF and CR written as \\, \n and \r. */
void text_escape(struct buf *out, const char *p, size_t n);

/* Undoes text_escape().  False when a backslash has no such meaning. */
bool text_unescape(struct buf *out, const char *p, size_t n);

/* The length of the UTF-8 sequence (RFC 3629) at the start of p[0..n), n > 0,
 * and its code point; 0 when it is not valid. */
size_t text_utf8(const char *p, size_t n, uint32_t *code);

/* Appends the code point in UTF-8. */
void text_put_utf8(struct buf *out, uint32_t code);

#endif
