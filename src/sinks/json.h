/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json: the parts of a JSON line that more than one kind of line has.
 */
#ifndef TREEMILL_SINKS_JSON_H
#define TREEMILL_SINKS_JSON_H

#include "common/buf.h"

/* Appends a JSON string (RFC 8259), in ASCII.  Bytes that are not UTF-8 become
 * U+FFFD. */
void json_put_string(struct buf *out, const char *p, size_t n);

/* Appends the member that names a file, without loss: "path", or
 * "path_base64" when the name is not UTF-8. */
void json_put_path(struct buf *out, const char *p, size_t n);

#endif
