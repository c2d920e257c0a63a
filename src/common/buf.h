/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * buf: a growing run of bytes, for output lines and messages.
 *
 * Appending never fails on the spot: the first failed allocation marks the
 * buffer, later appends do nothing, and buf_error() tells, once, where the
 * bytes are about to be used.
 */
#ifndef TREEMILL_COMMON_BUF_H
#define TREEMILL_COMMON_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* Zero-initialised is empty.  p[0..n) are the bytes, owned by the buffer. */
struct buf {
    char *p;
    size_t n;
    size_t cap;
    bool failed;
};

/* Makes room for n more bytes; returns where they go, NULL when out of
 * memory.  The caller writes there and adds to b->n. */
char *buf_reserve(struct buf *b, size_t n);

void buf_put(struct buf *b, const void *bytes, size_t n);
void buf_putc(struct buf *b, char c);
void buf_puts(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

/* Appends bytes[0..n) as 2 * n lower-case hexadecimal digits. */
void buf_hex(struct buf *b, const unsigned char *bytes, size_t n);

/* Forgets the bytes and keeps the memory. */
void buf_clear(struct buf *b);

/* 0, or -ENOMEM when an append was lost since the buffer was made. */
int buf_error(const struct buf *b);

/* Gives the memory back; the buffer is empty and may be used again. */
void buf_free(struct buf *b);

#endif
