/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * algo: the table of algorithms.  A new one is an id in algo.h, a row here, and
 * a row in ops/digest; options, formats and help follow from the row.
 */
#include "common/algo.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

const struct algo algos[ALGO_COUNT] = {
    [ALGO_XXH3] = {"xxh3", "XXH3", "XXH3_", NULL, 8,
                   "XXH3, 64 bits (xxhsum -H3)"},
    [ALGO_XXH128] = {"xxh128", "XXH128", "", NULL, 16,
                     "XXH3, 128 bits (xxhsum -H2); the default"},
    [ALGO_XXH64] = {"xxh64", "XXH64", "", NULL, 8, "XXH64 (xxhsum -H1)"},
    [ALGO_XXH32] = {"xxh32", "XXH32", "", NULL, 4, "XXH32 (xxhsum -H0)"},
    [ALGO_MD5] = {"md5", "MD5", "", "md5digest", 16, "MD5 (md5sum); broken"},
    [ALGO_SHA1] = {"sha1", "SHA1", "", "sha1digest", 20,
                   "SHA-1 (sha1sum); broken"},
    [ALGO_SHA256] = {"sha256", "SHA256", "", "sha256digest", 32,
                     "SHA-256 (sha256sum)"},
    [ALGO_SHA384] = {"sha384", "SHA384", "", "sha384digest", 48,
                     "SHA-384 (sha384sum)"},
    [ALGO_SHA512] = {"sha512", "SHA512", "", "sha512digest", 64,
                     "SHA-512 (sha512sum)"},
    [ALGO_SHA3_256] = {"sha3-256", "SHA3-256", "", NULL, 32,
                       "SHA3-256 (openssl dgst -sha3-256)"},
    [ALGO_BLAKE2B] = {"blake2b", "BLAKE2b", "", NULL, 64,
                      "BLAKE2b, 512 bits (b2sum)"},
};

/* Spellings in tag lines beyond the one that we print. */
static const struct {
    const char *tag;
    enum algo_id id;
    bool little;
} aliases[] = {
    {"XXH3_LE", ALGO_XXH3, true},         {"XXH128_LE", ALGO_XXH128, true},
    {"XXH64_LE", ALGO_XXH64, true},       {"XXH32_LE", ALGO_XXH32, true},
    {"XXH3_64", ALGO_XXH3, false},        {"XXH3_128", ALGO_XXH128, false},
    {"SHA-1", ALGO_SHA1, false},          {"SHA2-256", ALGO_SHA256, false},
    {"SHA-256", ALGO_SHA256, false},      {"SHA2-384", ALGO_SHA384, false},
    {"SHA-384", ALGO_SHA384, false},      {"SHA2-512", ALGO_SHA512, false},
    {"SHA-512", ALGO_SHA512, false},      {"SHA3_256", ALGO_SHA3_256, false},
    {"BLAKE2b-512", ALGO_BLAKE2B, false}, {"BLAKE2b512", ALGO_BLAKE2B, false},
};

static bool same(const char *word, const char *text, size_t n)
{
    return strlen(word) == n && strncasecmp(word, text, n) == 0;
}

int algo_by_name(const char *name, size_t n)
{
    for (int i = 0; i < ALGO_COUNT; i++)
        if (same(algos[i].name, name, n))
            return i;
    return -1;
}

int algo_by_tag(const char *tag, size_t n, bool *little)
{
    *little = false;
    for (int i = 0; i < ALGO_COUNT; i++)
        if (same(algos[i].tag, tag, n))
            return i;
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (same(aliases[i].tag, tag, n)) {
            *little = aliases[i].little;
            return aliases[i].id;
        }
    return -1;
}

static void add_once(struct algo_list *list, uint8_t id)
{
    if (!memchr(list->id, id, list->n))
        list->id[list->n++] = id;
}

int algo_list_parse(struct algo_list *list, const char *text, const char **bad,
                    size_t *nbad)
{
    list->n = 0;
    for (;;) {
        size_t n = strcspn(text, ",");
        int id = algo_by_name(text, n);
        if (id < 0) {
            *bad = text;
            *nbad = n;
            return -EINVAL;
        }
        add_once(list, (uint8_t)id);
        if (!text[n])
            return 0;
        text += n + 1;
    }
}
