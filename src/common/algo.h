/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * algo: the names of the digest algorithms, as options and every manifest
 * format spell them.  What computes them is ops/digest; what prints and
 * reads them is sinks.
 */
#ifndef TREEMILL_COMMON_ALGO_H
#define TREEMILL_COMMON_ALGO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum algo_id {
    ALGO_XXH3,
    ALGO_XXH128,
    ALGO_XXH64,
    ALGO_XXH32,
    ALGO_MD5,
    ALGO_SHA1,
    ALGO_SHA256,
    ALGO_SHA384,
    ALGO_SHA512,
    ALGO_SHA3_256,
    ALGO_BLAKE2B,
    ALGO_COUNT
};

enum { ALGO_MAX_BYTES = 64 };

/* One algorithm; the strings are static. */
struct algo {
    const char *name;   /* for -a, and the key in JSON: "sha256" */
    const char *tag;    /* in a BSD tag line: "SHA256" */
    const char *prefix; /* before the digits in a GNU line: "XXH3_" or "" */
    const char *mtree;  /* mtree(5) keyword, NULL: carried as a tag */
    size_t bytes;       /* digest length */
    const char *help;   /* one line for --algorithm help */
};

extern const struct algo algos[ALGO_COUNT];

/* A set of algorithms in the order in which the user named them. */
struct algo_list {
    uint8_t n;
    uint8_t id[ALGO_COUNT];
};

/* The algorithm called name[0..n) by option or JSON key (case does not
 * matter), or -1. */
int algo_by_name(const char *name, size_t n);

/* The algorithm of a tag line, every spelling of xxhsum, coreutils, OpenSSL
 * and BSD accepted ("SHA2-256", "BLAKE2b-512", "XXH3_LE"), or -1.  *little
 * says whether the digits are little-endian (xxhsum --little-endian). */
int algo_by_tag(const char *tag, size_t n, bool *little);

/* Reads a list such as "xxh128,sha256".  Returns 0, or -EINVAL with
 * bad[0..*nbad) pointing into text at the name that is unknown or empty.  An
 * algorithm named twice counts once. */
int algo_list_parse(struct algo_list *list, const char *text, const char **bad,
                    size_t *nbad);

#endif
