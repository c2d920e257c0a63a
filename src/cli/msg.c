/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/msg.h"

#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/io.h"

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

/* The text, tail, and out with it. */
static void end_line(struct buf *b, const char *fmt, va_list ap,
                     const char *tail)
{
    buf_vprintf(b, fmt, ap);
    buf_puts(b, tail);
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

static void put_safe(struct buf *b, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        if (c == '\n')
            buf_puts(b, "\\n");
        else if (c == '\\')
            buf_puts(b, "\\\\");
        else if (c < 0x20 || c == 0x7f)
            buf_printf(b, "\\%03o", c);
        else
            buf_putc(b, (char)c);
    }
}

void msg_path(const char *path, size_t n, const char *fmt, ...)
{
    struct buf b = {0};
    va_list ap;
    begin_line(&b);
    put_safe(&b, path, n);
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
