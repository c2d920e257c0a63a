/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * digest: computes any set of the algorithms over one pass of bytes, with
 * xxHash (XXH*) and libcrypto (the rest).
 */
#ifndef TREEMILL_OPS_DIGEST_H
#define TREEMILL_OPS_DIGEST_H

#include "common/algo.h"

/* The states of all algorithms, made as they are first needed. */
struct digester;

/* NULL: out of memory. */
struct digester *digester_new(void);
void digester_free(struct digester *d);

/* Begins the algorithms whose bits (1 << algo_id) are in mask.  0, -ENOMEM, or
 * -ENOTSUP when libcrypto refuses one (a FIPS configuration, say). */
int digester_begin(struct digester *d, unsigned mask);

/* Adds bytes[0..n).  0, or -EIO when libcrypto fails. */
int digester_update(struct digester *d, const void *bytes, size_t n);

/* Writes the digest of one begun algorithm, algos[id].bytes long.  Once per
 * begin.  0, or -EIO. */
int digester_final(struct digester *d, int id, unsigned char *out);

/* The bits of a list. */
unsigned algo_mask(const struct algo_list *list);

#endif
