/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash: digests of a file.  The reply is a struct hash_reply, then the digests
 * in the config's order, without gaps.
 */
#ifndef TREEMILL_OPS_HASH_H
#define TREEMILL_OPS_HASH_H

#include "common/algo.h"
#include "ops/op.h"

#include <stdint.h>

struct hash_config {
    struct algo_list algos;
};

struct hash_reply {
    uint64_t size; /* bytes */
    int64_t mtime; /* seconds since 1970 */
    uint32_t mtime_ns;
    uint32_t mode; /* st_mode */
};

/* The algorithms that were asked for, or the default: xxh128. */
static inline struct algo_list hash_algos(const struct algo_list *asked)
{
    return asked->n ? *asked : (struct algo_list){.n = 1, .id = {ALGO_XXH128}};
}

#endif
