/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sink: the manifest formats, each one file and one row of the table.  A row
 * both writes a format (hash) and reads it back (check).
 *
 * Formats append to a buffer and print nothing themselves; a lost append is
 * seen by whoever flushes the buffer (buf_error).
 */
#ifndef TREEMILL_SINKS_SINK_H
#define TREEMILL_SINKS_SINK_H

#include "common/algo.h"
#include "common/buf.h"

#include <stdint.h>

/* How to write. */
struct sink_opt {
    struct algo_list algos; /* the digests of every record, in this order */
    bool zero;              /* end lines with NUL, escape nothing (gnu, bsd) */
    struct buf *dir; /* where mtree remembers the directory that it wrote last;
                        empty at first, the caller's; NULL: it names all
                        directories of a path in every record */
};

enum record_type { RECORD_FILE, RECORD_STDIN, RECORD_TREE };

/* What is known of one file, borrowed for the call. */
struct record {
    enum record_type type;
    const char *path; /* any byte but NUL; "-" for RECORD_STDIN */
    size_t len;
    bool has_stat; /* size, mode and mtime are known */
    uint64_t size;
    uint32_t mode; /* permission bits */
    int64_t mtime; /* seconds since 1970, negative before */
    uint32_t mtime_ns;
    const unsigned char *digest[ALGO_COUNT]; /* by algo_id; NULL: absent */
    const char *error; /* why there is no digest; NULL: there is one */
};

/* One digest of a manifest. */
struct expect_digest {
    uint16_t candidates; /* bit i: may be algos[i]; the width leaves a choice */
    bool little;         /* bytes are least significant first */
    uint8_t n;
    unsigned char bytes[ALGO_MAX_BYTES];
};

/* What a manifest says of one file.  Zero-initialised is empty. */
struct expect {
    struct buf path; /* never empty, without a NUL inside; manifest_next() puts
                        a NUL behind it, at p[n] */
    bool has_size;
    uint64_t size;
    uint8_t n; /* digests, all of which must match */
    struct expect_digest digest[ALGO_COUNT];
    char unknown[32]; /* an algorithm that we do not have, named; or "" */
};

/* What a reader says of a line. */
enum parsed {
    PARSED_ENTRY,   /* *e is filled in */
    PARSED_NOTHING, /* a comment, or a line that holds no file; skip it */
    PARSED_FOREIGN, /* not of this format */
    PARSED_BAD,     /* of this format, and malformed */
    PARSED_UNKNOWN  /* well-formed, all its digests of algorithms that we do
                       not have: e->path and e->unknown are filled in */
};

/* What the readers carry from line to line of one manifest.  Zero-initialised
 * is the beginning of one. */
struct parse_state {
    bool zero;        /* records end with NUL and hold no escapes */
    uint16_t allowed; /* bit i: a bare line may be of algos[i]; 0: any */
    enum {
        GAP_UNKNOWN,
        GAP_TWO,
        GAP_ONE
    } gap;            /* gnu: between digest and
                         name, from the first line */
    bool mtree;       /* the manifest has shown itself to be an mtree */
    uint8_t set_type; /* mtree: the type that /set gave */
    struct buf dir;   /* mtree: the directory that the lines are in */
    struct buf line;  /* mtree: the beginning of a line that goes on */
    struct buf word;  /* json, mtree: the string being read */
};

void parse_state_free(struct parse_state *r);

struct sink {
    const char *name;   /* for --format */
    const char *help;   /* one line */
    bool writes_errors; /* a record with an error is written too */
    bool writes_trees;  /* RECORD_TREE can be expressed */
    void (*begin)(struct buf *out, const struct sink_opt *opt); /* or NULL */
    void (*record)(struct buf *out, const struct sink_opt *opt,
                   const struct record *r);
    /* Reads one line without its terminator, into an *e that is clear.  Lines
     * of other formats are PARSED_FOREIGN.  A failed allocation marks the
     * buffers of r and e (buf_error). */
    enum parsed (*parse)(struct parse_state *r, const char *line, size_t n,
                         struct expect *e);
};

extern const struct sink sink_gnu, sink_bsd, sink_json, sink_mtree;

/* The table, ended by NULL. */
extern const struct sink *const sinks[];

/* The format of that name, or NULL. */
const struct sink *sink_find(const char *name);

/* Forgets what e holds and keeps its memory. */
void expect_clear(struct expect *e);
void expect_free(struct expect *e);

/* Adds the digest hex[0..n).  False when it is not hexadecimal, not as long as
 * the candidates' digests, or there is no room for it. */
bool expect_add(struct expect *e, uint16_t candidates, bool little,
                const char *hex, size_t n);

/* Names an algorithm that we do not have, cut to what e->unknown holds. */
void expect_unknown(struct expect *e, const char *name, size_t n);

/* True when e->path is a name that a file can have. */
bool expect_named(const struct expect *e);

#endif
