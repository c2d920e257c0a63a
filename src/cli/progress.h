/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * progress: the line on the terminal while a run goes on, and the figures
 * after it (--stats).
 */
#ifndef TREEMILL_CLI_PROGRESS_H
#define TREEMILL_CLI_PROGRESS_H

#include "cli/options.h"

#include <stdint.h>

struct progress {
    bool shown;
    uint64_t start_ns;
    uint64_t drawn_ns;
    uint64_t done;   /* files, those that failed included */
    uint64_t failed; /* of those */
    uint64_t known;  /* files that the source has given so far */
    bool all_known;  /* the source has ended */
    uint64_t sized;  /* how many of those have been asked for their size, */
    uint64_t sized_bytes; /* and the sum */
};

/* Begins; shown when o says so, or by default when stderr is a terminal. */
void progress_start(struct progress *p, const struct options *o);

/* The source has given one more file.  While files take long enough for it
 * not to matter, their sizes are looked up, for the ETA. */
void progress_expect(struct progress *p, const char *path);

/* Draws, when it is shown and was not drawn less than 0.1 s ago. */
void progress_draw(struct progress *p, const tmill_pool *pool);

/* Takes the line away. */
void progress_end(struct progress *p);

/* Prints the figures of --stats on standard error. */
void progress_stats(const struct progress *p, const tmill_pool *pool,
                    const struct options *o);

#endif
