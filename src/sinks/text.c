/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * text: see text.h.  What only one format uses is in that format's file.
 */
#include "sinks/text.h"

#include <string.h>

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The escaped bytes and the letters that stand for them. */
static const char raw[] = {'\\', '\n', '\r'};
static const char letter[] = {'\\', 'n', 'r'};

bool text_blank(char c)
{
    return c == ' ' || c == '\t';
}

const char *text_skip_blanks(const char *p, const char *end)
{
    while (p < end && text_blank(*p))
        p++;
    return p;
}

size_t text_hex_span(const char *p, size_t n)
{
    size_t i = 0;
    while (i < n && digit(p[i]) >= 0)
        i++;
    return i;
}

bool text_hex(unsigned char *to, const char *hex, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        to[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

bool text_must_escape(const char *p, size_t n)
{
    for (size_t i = 0; i < sizeof raw; i++)
        if (memchr(p, raw[i], n))
            return true;
    return false;
}

void text_escape(struct buf *out, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *found = memchr(raw, p[i], sizeof raw);
        if (found) {
            buf_putc(out, '\\');
            buf_putc(out, letter[found - raw]);
        } else {
            buf_putc(out, p[i]);
        }
    }
}

bool text_unescape(struct buf *out, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] != '\\') {
            buf_putc(out, p[i]);
            continue;
        }
        const char *found = NULL;
        if (++i < n)
            found = memchr(letter, p[i], sizeof letter);
        if (!found)
            return false;
        buf_putc(out, raw[found - letter]);
    }
    return true;
}

size_t text_utf8(const char *p, size_t n, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *u = (const unsigned char *)p;
    size_t len = u[0] < 0x80   ? 1
                 : u[0] < 0xc2 ? 0
                 : u[0] < 0xe0 ? 2
                 : u[0] < 0xf0 ? 3
                 : u[0] < 0xf5 ? 4
                               : 0;
    if (len == 0 || len > n)
        return 0;

    *code = len == 1 ? u[0] : u[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((u[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (u[i] & 0x3f);
    }
    bool surrogate = *code >= 0xd800 && *code <= 0xdfff;
    return *code < least[len] || *code > 0x10ffff || surrogate ? 0 : len;
}

void text_put_utf8(struct buf *out, uint32_t code)
{
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    int len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    buf_putc(out, (char)(lead[len] | code >> 6 * (len - 1)));
    for (int i = len - 2; i >= 0; i--)
        buf_putc(out, (char)(0x80 | (code >> 6 * i & 0x3f)));
}
