/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A rule is compiled by taking the slashes off the ends of its glob, where
 * they only say how to match.  Matching goes from the last rule to the first,
 * since the last one that matches decides.
 */
#include "libtreemill/filter.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

struct rule {
    char *glob;
    bool include;
    bool dir_only; /* ended with a slash */
    bool anchored; /* began with a slash */
    bool tails;    /* has a slash inside: for paths, not for base names */
};

struct filter {
    size_t n;
    struct rule rule[];
};

static int compile(struct rule *r, const tmill_rule *from)
{
    const char *glob = from->glob;
    if (!glob)
        return -EINVAL;

    size_t lead = strspn(glob, "/");
    size_t n = strlen(glob + lead);
    r->include = from->include != 0;
    r->anchored = lead > 0;
    r->glob = strdup(glob + lead);
    if (!r->glob)
        return -ENOMEM;
    while (n && r->glob[n - 1] == '/') {
        r->glob[--n] = '\0';
        r->dir_only = true;
    }
    r->tails = strchr(r->glob, '/') != NULL;
    return 0;
}

static bool matches_tail(const char *glob, const char *path)
{
    for (;;) {
        if (fnmatch(glob, path, FNM_PATHNAME) == 0)
            return true;
        path = strchr(path, '/');
        if (!path)
            return false;
        path++;
    }
}

static bool matches(const struct rule *r, const char *below, const char *base,
                    bool dir)
{
    if (r->dir_only && !dir)
        return false;
    if (r->anchored)
        return fnmatch(r->glob, below, FNM_PATHNAME) == 0;
    if (r->tails)
        return matches_tail(r->glob, below);
    return fnmatch(r->glob, base, 0) == 0;
}

int filter_new(struct filter **filter, const tmill_rule *rules, size_t n)
{
    *filter = NULL;
    if (!n)
        return 0;
    struct filter *f = calloc(1, sizeof *f + n * sizeof f->rule[0]);
    if (!f)
        return -ENOMEM;
    for (; f->n < n; f->n++) {
        int err = compile(&f->rule[f->n], &rules[f->n]);
        if (err) {
            filter_free(f);
            return err;
        }
    }
    *filter = f;
    return 0;
}

bool filter_takes(const struct filter *filter, const char *below,
                  const char *base, bool dir)
{
    if (!filter)
        return true;
    for (size_t i = filter->n; i-- > 0;)
        if (matches(&filter->rule[i], below, base, dir))
            return filter->rule[i].include;
    return dir || !filter->rule[0].include;
}

void filter_free(struct filter *filter)
{
    if (!filter)
        return;
    for (size_t i = 0; i < filter->n; i++)
        free(filter->rule[i].glob);
    free(filter);
}
