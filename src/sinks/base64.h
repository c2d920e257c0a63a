/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base64: RFC 4648, section 4, with padding and without line ends; how JSON
 * carries names that are not UTF-8.
 */
#ifndef TREEMILL_SINKS_BASE64_H
#define TREEMILL_SINKS_BASE64_H

#include "common/buf.h"

#include <stdbool.h>
#include <stddef.h>

/* Appends p[0..n) encoded. */
void base64_put(struct buf *out, const char *p, size_t n);

/* Appends what p[0..n) encodes.  False when it is not canonical base64; what
 * was appended until then stays. */
bool base64_get(struct buf *out, const char *p, size_t n);

#endif
