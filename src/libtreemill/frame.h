/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frame: what travels in the channels between the parent and one worker.
 * Both ends are the same program on the same machine, so the bytes are plain
 * structures in host order.
 *
 *     tasks:    chunk_head, then count x (item_head, n bytes)
 *     replies:  reply_head, then n bytes; one per item begun, in the order
 *               begun
 */
#ifndef TREEMILL_FRAME_H
#define TREEMILL_FRAME_H

#include "libtreemill/treemill.h"

struct chunk_head {
    tmill_fn *fn;
    uint32_t first; /* the number of the first item (shared.h, gate) */
    uint32_t count; /* items that follow; 0: leave, there is no more work */
};

struct item_head {
    size_t n;
};

struct reply_head {
    size_t n;     /* of the reply when why is TMILL_OK, else of the message */
    uint32_t seq; /* the item's number */
    int32_t err;
    int32_t why; /* enum tmill_why: OK, EFN or ETOOBIG */
};

#endif
