/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verify: compares a file with the digests that a manifest gives.  The task's
 * extra bytes are a struct verify_task; the reply is a struct verify_reply,
 * for files that cannot be read too.
 */
#ifndef TREEMILL_OPS_VERIFY_H
#define TREEMILL_OPS_VERIFY_H

#include "common/algo.h"
#include "ops/op.h"

#include <stdint.h>

/* One digest.  Where its width leaves a choice of algorithms, any of them may
 * be the one. */
struct verify_digest {
    uint16_t candidates; /* bit i: algos[i] */
    uint8_t n;
    uint8_t little; /* bytes are least significant first */
    unsigned char bytes[ALGO_MAX_BYTES];
};

struct verify_task {
    uint64_t size;
    uint8_t has_size; /* a file of another size has failed, unread */
    uint8_t n;        /* digests, all of which must match */
    struct verify_digest digest[ALGO_COUNT];
};

/* The bytes of *v that need to travel. */
#define VERIFY_TASK_BYTES(v) \
    (offsetof(struct verify_task, digest) + (v)->n * sizeof *(v)->digest)

enum verdict {
    VERDICT_OK,
    VERDICT_FAILED,
    VERDICT_MISSING,
    VERDICT_UNREADABLE,
    VERDICT_CHANGED,
    VERDICT_COUNT
};

struct verify_reply {
    int32_t verdict;
    int32_t err; /* negative errno with VERDICT_UNREADABLE */
};

#endif
