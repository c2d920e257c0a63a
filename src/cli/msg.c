/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/msg.h"

#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/io.h"
#include "sinks/text.h"

static bool status_shown;

static const char erase_line[] = "\r\033[K";

/* One write per line, so that lines of several processes stay whole.  There
 * is nobody to tell when stderr fails. */
static void put_line(struct buf *b)
{
    if (b->failed)
        buf_free(b);
    io_write_full(STDERR_FILENO, b->p, b->n);
    buf_free(b);
}

static void begin_line(struct buf *b)
{
    if (status_shown)
        buf_puts(b, erase_line);
    status_shown = false;
    buf_puts(b, "treemill: ");
}

/* One byte, so that a terminal shows it and does not obey it. */
static void put_octal(struct buf *b, unsigned char c)
{
    if (c == '\n')
        buf_puts(b, "\\n");
    else
        buf_printf(b, "\\%03o", c);
}

/* Appends p[0..n) with the control characters of ASCII and of Unicode (C1)
 * escaped, bytes that are not UTF-8, which some terminals take for those, and
 * the byte `also`. */
static void put_safe(struct buf *b, const char *p, size_t n, char also)
{
    while (n) {
        uint32_t code;
        size_t len = text_utf8(p, n, &code);
        bool plain = len && code >= 0x20 && (code < 0x7f || code >= 0xa0);
        if (also && *p == also)
            buf_putc(b, '\\');
        if (plain)
            buf_put(b, p, len);
        for (size_t i = 0; !plain && i < (len ? len : 1); i++)
            put_octal(b, (unsigned char)p[i]);
        len += !len;
        p += len;
        n -= len;
    }
}

/* The text, tail, and out with it. */
static void end_line(struct buf *b, const char *fmt, va_list ap,
                     const char *tail)
{
    struct buf text = {0};
    buf_vprintf(&text, fmt, ap);
    put_safe(b, text.p, text.n, '\0');
    buf_puts(b, tail);
    buf_free(&text);
    put_line(b);
}

void msg_say(const char *fmt, ...)
{
    struct buf b = {0};
    va_list ap;
    begin_line(&b);
    va_start(ap, fmt);
    end_line(&b, fmt, ap, "\n");
    va_end(ap);
}

void msg_path(const char *path, size_t n, const char *fmt, ...)
{
    struct buf b = {0};
    va_list ap;
    begin_line(&b);
    put_safe(&b, path, n, '\\');
    buf_puts(&b, ": ");
    va_start(ap, fmt);
    end_line(&b, fmt, ap, "\n");
    va_end(ap);
}

int msg_usage(const char *fmt, ...)
{
    struct buf b = {0};
    va_list ap;
    begin_line(&b);
    va_start(ap, fmt);
    end_line(&b, fmt, ap, "\ntreemill: try 'treemill --help'\n");
    va_end(ap);
    return STATUS_FATAL;
}

void msg_status(const char *text)
{
    struct buf b = {0};
    if (!*text && !status_shown)
        return;
    buf_puts(&b, erase_line);
    buf_puts(&b, text);
    status_shown = *text != '\0';
    put_line(&b);
}
