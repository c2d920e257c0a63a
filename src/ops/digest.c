/* SPDX-License-Identifier: BSD-2-Clause */
#include "ops/digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#ifdef HAVE_XXH_X86DISPATCH
#include <xxh_x86dispatch.h> /* the widest vectors that this processor has */
#else
#include <xxhash.h>
#endif

struct digester {
    unsigned mask; /* begun */
    XXH3_state_t *xxh3[2];
    XXH64_state_t *xxh64;
    XXH32_state_t *xxh32;
    EVP_MD *md[ALGO_COUNT];
    EVP_MD_CTX *ctx[ALGO_COUNT];
};

/* How one algorithm is computed; the functions take the algorithm's id, so
 * that one of each serves all of libcrypto. */
struct method {
    int (*begin)(struct digester *d, int id);
    int (*update)(struct digester *d, int id, const void *bytes, size_t n);
    int (*final)(struct digester *d, int id, unsigned char *out);
    const char *evp; /* libcrypto's name, EVP_MD_fetch(3) */
};

/* --- XXH ----------------------------------------------------------------- */

static int xxh3_begin(struct digester *d, int id)
{
    XXH3_state_t **s = &d->xxh3[id == ALGO_XXH128];
    if (!*s && !(*s = XXH3_createState()))
        return -ENOMEM;
    if (id == ALGO_XXH128)
        XXH3_128bits_reset(*s);
    else
        XXH3_64bits_reset(*s);
    return 0;
}

static int xxh3_update(struct digester *d, int id, const void *p, size_t n)
{
    (void)id;
    return XXH3_64bits_update(d->xxh3[0], p, n) == XXH_OK ? 0 : -EIO;
}

static int xxh128_update(struct digester *d, int id, const void *p, size_t n)
{
    (void)id;
    return XXH3_128bits_update(d->xxh3[1], p, n) == XXH_OK ? 0 : -EIO;
}

static int xxh3_final(struct digester *d, int id, unsigned char *out)
{
    (void)id;
    XXH64_canonicalFromHash((XXH64_canonical_t *)out,
                            XXH3_64bits_digest(d->xxh3[0]));
    return 0;
}

static int xxh128_final(struct digester *d, int id, unsigned char *out)
{
    (void)id;
    XXH128_canonicalFromHash((XXH128_canonical_t *)out,
                             XXH3_128bits_digest(d->xxh3[1]));
    return 0;
}

static int xxh64_begin(struct digester *d, int id)
{
    (void)id;
    if (!d->xxh64 && !(d->xxh64 = XXH64_createState()))
        return -ENOMEM;
    XXH64_reset(d->xxh64, 0);
    return 0;
}

static int xxh64_update(struct digester *d, int id, const void *p, size_t n)
{
    (void)id;
    return XXH64_update(d->xxh64, p, n) == XXH_OK ? 0 : -EIO;
}

static int xxh64_final(struct digester *d, int id, unsigned char *out)
{
    (void)id;
    XXH64_canonicalFromHash((XXH64_canonical_t *)out, XXH64_digest(d->xxh64));
    return 0;
}

static int xxh32_begin(struct digester *d, int id)
{
    (void)id;
    if (!d->xxh32 && !(d->xxh32 = XXH32_createState()))
        return -ENOMEM;
    XXH32_reset(d->xxh32, 0);
    return 0;
}

static int xxh32_update(struct digester *d, int id, const void *p, size_t n)
{
    (void)id;
    return XXH32_update(d->xxh32, p, n) == XXH_OK ? 0 : -EIO;
}

static int xxh32_final(struct digester *d, int id, unsigned char *out)
{
    (void)id;
    XXH32_canonicalFromHash((XXH32_canonical_t *)out, XXH32_digest(d->xxh32));
    return 0;
}

/* --- libcrypto ----------------------------------------------------------- */

static const struct method methods[ALGO_COUNT];

static int evp_begin(struct digester *d, int id)
{
    if (!d->md[id] && !(d->md[id] = EVP_MD_fetch(NULL, methods[id].evp, NULL)))
        return -ENOTSUP;
    if (!d->ctx[id] && !(d->ctx[id] = EVP_MD_CTX_new()))
        return -ENOMEM;
    return EVP_DigestInit_ex2(d->ctx[id], d->md[id], NULL) ? 0 : -ENOTSUP;
}

static int evp_update(struct digester *d, int id, const void *p, size_t n)
{
    return EVP_DigestUpdate(d->ctx[id], p, n) ? 0 : -EIO;
}

static int evp_final(struct digester *d, int id, unsigned char *out)
{
    return EVP_DigestFinal_ex(d->ctx[id], out, NULL) ? 0 : -EIO;
}

#define EVP(name)                              \
    {                                          \
        evp_begin, evp_update, evp_final, name \
    }

static const struct method methods[ALGO_COUNT] = {
    [ALGO_XXH3] = {xxh3_begin, xxh3_update, xxh3_final, NULL},
    [ALGO_XXH128] = {xxh3_begin, xxh128_update, xxh128_final, NULL},
    [ALGO_XXH64] = {xxh64_begin, xxh64_update, xxh64_final, NULL},
    [ALGO_XXH32] = {xxh32_begin, xxh32_update, xxh32_final, NULL},
    [ALGO_MD5] = EVP("MD5"),
    [ALGO_SHA1] = EVP("SHA1"),
    [ALGO_SHA256] = EVP("SHA256"),
    [ALGO_SHA384] = EVP("SHA384"),
    [ALGO_SHA512] = EVP("SHA512"),
    [ALGO_SHA3_256] = EVP("SHA3-256"),
    [ALGO_BLAKE2B] = EVP("BLAKE2B-512"),
};

/* --- all ----------------------------------------------------------------- */

struct digester *digester_new(void)
{
    return calloc(1, sizeof(struct digester));
}

void digester_free(struct digester *d)
{
    if (!d)
        return;
    XXH3_freeState(d->xxh3[0]);
    XXH3_freeState(d->xxh3[1]);
    XXH64_freeState(d->xxh64);
    XXH32_freeState(d->xxh32);
    for (int id = 0; id < ALGO_COUNT; id++) {
        EVP_MD_CTX_free(d->ctx[id]);
        EVP_MD_free(d->md[id]);
    }
    free(d);
}

int digester_begin(struct digester *d, unsigned mask)
{
    d->mask = mask;
    for (int id = 0; id < ALGO_COUNT; id++) {
        int err = mask >> id & 1 ? methods[id].begin(d, id) : 0;
        if (err)
            return err;
    }
    return 0;
}

int digester_update(struct digester *d, const void *bytes, size_t n)
{
    for (int id = 0; id < ALGO_COUNT; id++) {
        int err = d->mask >> id & 1 ? methods[id].update(d, id, bytes, n) : 0;
        if (err)
            return err;
    }
    return 0;
}

int digester_final(struct digester *d, int id, unsigned char *out)
{
    return methods[id].final(d, id, out);
}

unsigned algo_mask(const struct algo_list *list)
{
    unsigned mask = 0;
    for (int i = 0; i < list->n; i++)
        mask |= 1u << list->id[i];
    return mask;
}
