/* SPDX-License-Identifier: BSD-2-Clause */
/* base64: see base64.h. */
#include "sinks/base64.h"

#include <stdint.h>
#include <string.h>

static const char alphabet[64] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_put(struct buf *out, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i += 3) {
        size_t have = n - i < 3 ? n - i : 3;
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (k < have ? (unsigned char)p[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            buf_putc(out,
                     k <= have ? alphabet[bits >> (18 - 6 * k) & 63] : '=');
    }
}

/* Decodes one group of four with `have` digits before its padding. */
static bool group(struct buf *out, const char *p, size_t have)
{
    uint32_t bits = 0;
    for (size_t k = 0; k < 4; k++) {
        const char *at = alphabet;
        if (k < have)
            at = memchr(alphabet, p[k], sizeof alphabet);
        if (!at)
            return false;
        bits = bits << 6 | (uint32_t)(at - alphabet);
    }
    for (size_t k = 0; k < have - 1; k++)
        buf_putc(out, (char)(bits >> (16 - 8 * k)));
    /* Bits that belong to no byte must be 0. */
    return have == 4 || (bits & (0xffffffu >> 8 * (have - 1))) == 0;
}

bool base64_get(struct buf *out, const char *p, size_t n)
{
    if (n % 4)
        return false;
    for (size_t i = 0; i < n; i += 4) {
        size_t have = 4;
        if (i + 4 == n && p[i + 3] == '=')
            have = p[i + 2] == '=' ? 2 : 3;
        if (!group(out, p + i, have))
            return false;
    }
    return true;
}
