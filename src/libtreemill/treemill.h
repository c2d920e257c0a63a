/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * treemill.h: a pool of worker processes, and a walker of directory trees.
 *
 * The pool is Python's multiprocessing.Pool for C programs: a fixed number of
 * forked workers runs one function over the items of a lazy source, and the
 * outcomes come back in input order (tmill_imap) or as they finish
 * (tmill_imap_unordered).  A worker that dies costs the item that it was
 * running and nothing else.
 *
 * Conventions, unless a declaration says otherwise:
 *
 * - A function that can fail returns 0 or a negative errno; one that makes a
 *   handle sets it to NULL then.
 * - Structures that the caller fills begin with `size`, set to sizeof the
 *   structure; a zero in any other field asks for the default.
 * - Byte strings are pointer and length, may hold any byte, and are borrowed
 *   for the call only.
 * - Handles belong to the process that made them: in a child made by fork()
 *   every call that can fail returns -ECHILD.
 * - One thread at a time may use a pool, with its iterators, or a walk;
 *   different pools and walks are independent.
 * - The library prints nothing, does not exit, installs no signal handler and
 *   changes neither signal mask nor working directory of its caller.  Its
 *   descriptors are close-on-exec.
 */
#ifndef TREEMILL_H
#define TREEMILL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* ------------------------------------------------------------------------ */
/* The pool                                                                 */

typedef struct tmill_pool tmill_pool;
typedef struct tmill_iter tmill_iter;

/* What a task function sees of the worker that runs it. */
typedef struct tmill_ctx tmill_ctx;

/* n bytes at p; p may be NULL when n is 0. */
typedef struct {
    const void *p;
    size_t n;
} tmill_buf;

enum {
    TMILL_FOREVER = -1, /* as milliseconds to wait in a call: no limit */
    TMILL_DEFAULT = 0
};

/* As a chunksize: as many items as make about 4 ms of work, found
 * while the run goes on; between 1 and 256. */
#define TMILL_CHUNK_AUTO ((size_t)-1)

/* Why an item ended as it did. */
enum tmill_why {
    TMILL_OK,      /* the function returned 0 */
    TMILL_EFN,     /* the function failed: tmill_item.err, .msg */
    TMILL_EDIED,   /* its worker died while it ran: .wstatus */
    TMILL_ETIME,   /* it exceeded its time limit: .wstatus when killed */
    TMILL_ECANCEL, /* the pool was terminated before it ended */
    TMILL_ESOURCE, /* not an item: the source failed, .err; the last outcome */
    TMILL_EINIT,   /* the workers could not be made or initialised: .err */
    TMILL_ETOOBIG  /* its reply is larger than a reply may be */
};

/* One outcome.  All pointers are borrowed from the iterator, until its next
 * tmill_next() or tmill_iter_free(). */
typedef struct {
    uint64_t index; /* place in the input, from 0 */
    enum tmill_why why;
    int err;           /* negative errno; 0 with TMILL_OK */
    int wstatus;       /* as waitpid(2) has it, when a worker died */
    uint32_t attempts; /* how often it was started */
    tmill_buf out;     /* what tmill_reply() collected; empty unless OK */
    tmill_buf msg;     /* text of tmill_fail(), not NUL-terminated */
    tmill_buf in;      /* the item, as the source gave it */
} tmill_item;

/*
 * A task function.  Runs in a worker, a process with one thread.  arg[0] is
 * the item (nargs is 1 in imap), borrowed until it returns.  0 is success;
 * a negative errno fails the item, as tmill_fail() does; other values fail it
 * with -EINVAL.  It must be mapped when the pool is created, since workers are
 * forked, not executed.
 */
typedef int tmill_fn(tmill_ctx *ctx, const tmill_buf *arg, size_t nargs);

/*
 * A source of items, called in the parent, by the thread that uses the pool,
 * when the window has room.  Returns 1 and sets *item (borrowed until the next
 * call), 0 at the end, or a negative errno, which ends the input: the items
 * before it are delivered, then one outcome TMILL_ESOURCE, then the end.
 */
typedef int tmill_src(void *u, tmill_buf *item);

/* --- inside a worker: tmill_init, tmill_fini and tmill_fn only ----------- */

/* Appends n bytes to the item's reply.  -ENOMEM when the worker has no
 * memory, -EMSGSIZE when the reply would exceed 64 MiB: the item then fails
 * (TMILL_ETOOBIG) whatever the function returns. */
int tmill_reply(tmill_ctx *ctx, const void *bytes, size_t n);

/* Fails the item: keeps err (made negative) and the message, of which at most
 * 4096 bytes are kept, drops the reply so far.  Returns the negative err, to
 * be returned by the task function. */
int tmill_fail(tmill_ctx *ctx, int err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Nonzero once the running item has exceeded its time limit: a long task may
 * look and return. */
int tmill_stopping(tmill_ctx *ctx);

/* The worker's place, 0 .. processes-1; a replacement takes its
 * predecessor's. */
int tmill_worker_slot(tmill_ctx *ctx);

/* Where the worker may keep a pointer from init to fini, NULL at first. */
void **tmill_local(tmill_ctx *ctx);

/* Adds n to the pool's count of work done (tmill_stats.work), in units of the
 * caller's choice, seen by the parent at once. */
void tmill_progress(tmill_ctx *ctx, uint64_t n);

/* --- the parent ----------------------------------------------------------- */

/* Flags of tmill_attr. */
enum {
    TMILL_NO_THREAD = 1, /* accepted: the library makes no thread yet */
    TMILL_SERIAL = 16    /* no processes: items run in the caller, inside
                            tmill_next().  Time limits, retries and
                            maxtasksperchild do nothing. */
};

/* How to make a pool.  Copied by tmill_pool_create(). */
typedef struct {
    size_t size;        /* sizeof(tmill_attr) */
    unsigned processes; /* workers, at most 1024; 0: tmill_cpus() */
    /* Runs first in every worker, replacements included: 0, or a negative
     * errno, which breaks the pool.  NULL: nothing to do. */
    int (*init)(tmill_ctx *ctx, void *initarg);
    void *initarg;
    void (*fini)(tmill_ctx *ctx); /* runs last in a worker that is not killed */
    unsigned maxtasksperchild;    /* replace a worker after so many ITEMS */
    int timeout_ms;      /* an item's limit, from its start; 0: none.  Then
                            tmill_stopping() turns true and SIGTERM is sent, */
    int grace_ms;        /* and so much later SIGKILL; 0: 1000 */
    unsigned retries;    /* re-run an item so often after EDIED or ETIME */
    size_t reply_budget; /* bytes of outcomes held while the caller does not
                            take them; 0: 64 MiB.  Exceeded by at most one
                            outcome per worker. */
    unsigned flags;
} tmill_attr;

/* How to run one imap.  Copied by the call. */
typedef struct {
    size_t size;       /* sizeof(tmill_opt) */
    size_t chunksize;  /* items sent to a worker at once; 0: 1 */
    size_t buffersize; /* the window: items taken from the source and not yet
                          delivered; 0: 4 * processes * chunksize (1,024 *
                          processes with TMILL_CHUNK_AUTO, at most 32,768) */
} tmill_opt;

/* The processors that this process may use: its affinity mask, cut to the
 * cgroup's CPU quota (rounded up).  At least 1.  Thread-safe. */
unsigned tmill_cpus(void);

/*
 * Makes a pool with its workers running.  attr NULL: all defaults.  The
 * workers are forked from a helper process made here, which is forked from
 * the calling thread: everything that the task function needs must exist by
 * now.  Workers have default signal dispositions, ignore SIGINT, and die with
 * the calling process.  Blocks until every worker exists.
 *
 * -EINVAL: an attribute is out of range; -EAGAIN, -ENOMEM, -EMFILE...: what
 * the system said; nothing is left behind.
 */
int tmill_pool_create(tmill_pool **pool, const tmill_attr *attr);

/* The number of workers (0 in a serial pool). */
unsigned tmill_pool_processes(const tmill_pool *pool);

/*
 * Opens an iterator over fn(item) for the items of src, delivered in input
 * order.  u is passed to src.  Nothing runs yet: items are pulled, run and
 * delivered by tmill_next().  -EPIPE: the pool was closed or terminated, or
 * is broken.
 */
int tmill_imap(tmill_pool *pool, tmill_fn *fn, tmill_src *src, void *u,
               const tmill_opt *opt, tmill_iter **iter);

/* The same, each outcome delivered as soon as it is there. */
int tmill_imap_unordered(tmill_pool *pool, tmill_fn *fn, tmill_src *src,
                         void *u, const tmill_opt *opt, tmill_iter **iter);

/*
 * The next outcome.  Returns 1 with *item set, 0 at the end (again and again
 * after it), -ETIMEDOUT when ms milliseconds pass first (nothing is lost: the
 * next call goes on), or -EINTR when a signal handler ran meanwhile (likewise).
 * A pool that cannot go on (its workers could not be initialised or made, its
 * helper was killed) delivers what it has, the rest of what the source gave as
 * TMILL_EINIT, and then, unless that was the source's end, returns the negative
 * errno that broke it, again and again.
 * ms 0 looks once, TMILL_FOREVER waits.  Every item that the source gave is
 * delivered exactly once; after tmill_pool_terminate(), as TMILL_ECANCEL.
 */
int tmill_next(tmill_iter *iter, tmill_item *item, int ms);

/* Frees the iterator.  Items not yet started are dropped; outcomes of those
 * that run are discarded.  NULL is fine. */
void tmill_iter_free(tmill_iter *iter);

/* No further imap; open iterators go on pulling.  Idempotent. */
int tmill_pool_close(tmill_pool *pool);

/* Kills the workers now: what has not ended is cancelled.  Idempotent; does
 * not block. */
int tmill_pool_terminate(tmill_pool *pool);

/*
 * After close or terminate: waits until every worker has gone.  -EBUSY: the
 * pool is still open; -EDEADLK: an iterator is not exhausted (only its owner
 * can go on); -ETIMEDOUT: ms milliseconds passed, call again.
 */
int tmill_pool_join(tmill_pool *pool, int ms);

/* terminate, join, free.  Iterators must have been freed.  NULL is fine.  In a
 * forked child it frees nothing. */
void tmill_pool_destroy(tmill_pool *pool);

/* What a pool has done so far. */
typedef struct {
    uint64_t items;   /* delivered or ready to be */
    uint64_t chunks;  /* sent to workers */
    uint64_t work;    /* sum of tmill_progress() */
    uint64_t deaths;  /* workers that ended without being asked to */
    size_t chunksize; /* in use now */
    unsigned processes;
} tmill_stats;

/* Fills *stats.  Does not block. */
void tmill_pool_stats(const tmill_pool *pool, tmill_stats *stats);

/* Nanoseconds that the workers of place `slot` have spent on items so far,
 * the running chunk not counted; 0 when there is no such place. */
uint64_t tmill_pool_busy(const tmill_pool *pool, unsigned slot);

/* ------------------------------------------------------------------------ */
/* The walker                                                               */

typedef struct tmill_walk tmill_walk;

/* One selection rule; see tmill_walk_attr.rules. */
typedef struct {
    const char *glob; /* NUL-terminated */
    int include;      /* 0: an exclude rule */
} tmill_rule;

/* A file, whatever its names. */
typedef struct {
    dev_t dev;
    ino_t ino;
} tmill_fileid;

/* Flags of tmill_walk_attr. */
enum {
    TMILL_WALK_FOLLOW = 1, /* follow symbolic links below the paths too */
    TMILL_WALK_ONE_FS = 2, /* stay on the file system of each path */
    TMILL_WALK_STDIN = 4   /* a path "-" is standard input */
};

/*
 * What to walk.  Everything that it points to is borrowed until
 * tmill_walk_close().
 */
typedef struct {
    size_t size; /* sizeof(tmill_walk_attr) */
    const char *const *paths;
    size_t npaths;
    /* Gives further paths, after those: each item is one path, NUL-terminated
     * or not, without a NUL inside (-EINVAL for that path otherwise).  NULL:
     * none. */
    tmill_src *more;
    void *more_u;
    /*
     * Selection.  The last rule that matches decides; when none matches, a
     * file is taken unless the first rule is an include rule (as in grep).  A
     * directory is descended into unless an exclude rule decides.  A glob
     * (fnmatch(3)) without a slash is matched with the base name; with one, and
     * with FNM_PATHNAME, with the path below the walked path: with all of it
     * when the glob begins with a slash, else with any tail of it that begins
     * after a slash.  A slash at the end restricts it to directories.  Paths
     * given by hand are not subject to rules.
     */
    const tmill_rule *rules;
    size_t nrules;
    unsigned levels; /* how deep, the given paths being level 1; 0: no limit */
    const tmill_fileid *skip; /* files that are passed over in silence */
    size_t nskip;
    size_t memory; /* bytes of one directory's names that are sorted in
                      memory, longer lists go through temporary files in
                      $TMPDIR or /tmp; 0: 32 MiB */
    const volatile int *stop; /* when it turns nonzero, tmill_walk_next()
                                 returns -EINTR soon, in a huge directory too */
    unsigned flags;
} tmill_walk_attr;

/* One regular file, or one path that could not be walked.  Pointers are
 * borrowed until the next tmill_walk_next() or tmill_walk_close(). */
typedef struct {
    const char *path; /* NUL-terminated; the given path, a slash, the rest */
    size_t len;       /* strlen(path) */
    size_t base;      /* where the base name begins in path */
    size_t below;     /* where what is below the given path begins; len when
                         the entry is the given path itself */
    uint64_t root;    /* which of the given paths, from 0 */
    unsigned level;   /* 1 for a given path */
    int is_stdin;     /* "-" with TMILL_WALK_STDIN */
    int follow;       /* it may be a symbolic link that is to be followed */
    int err;          /* 0, or the negative errno that befell this path:
                         -ELOOP a directory that contains itself through links,
                         -ENOTSUP given by hand and neither file nor directory,
                         others as the system said */
} tmill_entry;

/*
 * Opens a walk over the regular files below attr's paths.  A given path that
 * is a symbolic link is followed.  Files come in walk order: the given paths
 * in their order, each depth first, the entries of a directory in byte order,
 * a directory compared as its name and a slash (LC_ALL=C sort over the full
 * paths).  Directories of any size are sorted; paths may be longer than
 * PATH_MAX.  Special files are never opened, and are passed over below the
 * given paths.  Opens no file and no directory yet.
 */
int tmill_walk_open(tmill_walk **walk, const tmill_walk_attr *attr);

/*
 * The next file or failure: 1 with *entry set (look at entry->err), 0 at the
 * end, or a negative errno when the walk cannot go on: -EINTR (stop), -ENOMEM,
 * or what attr->more returned.  Blocks as directory reads do.
 */
int tmill_walk_next(tmill_walk *walk, tmill_entry *entry);

/* Frees the walk.  NULL is fine. */
void tmill_walk_close(tmill_walk *walk);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
