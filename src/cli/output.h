/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * output: where results go: standard output, or a file that appears, whole,
 * when the run is done and not before.
 */
#ifndef TREEMILL_CLI_OUTPUT_H
#define TREEMILL_CLI_OUTPUT_H

#include "common/buf.h"
#include "libtreemill/treemill.h"

struct output {
    struct buf buf; /* what is to be written; append here */
    int fd;
    const char *name;      /* for messages */
    char *target;          /* to be replaced; NULL: fd is written directly */
    char *temp;            /* what is renamed to it */
    tmill_fileid files[2]; /* temp and target, or a file that is stdout */
    size_t nfiles;
    bool reader_gone;    /* standard output is a pipe that nobody reads */
    uint64_t flushed_ns; /* when, CLOCK_MONOTONIC */
};

/* Opens path, or standard output when it is NULL.  A target that is not a
 * regular file (a device, a FIFO) is written directly.  Says what went wrong;
 * 0 or a negative errno. */
int output_open(struct output *o, const char *path);

/* Writes what is buffered: all of it, or only when it is much or has waited
 * 0.1 s.  Says what went wrong; 0 or a negative errno, -EINTR when a signal
 * asks us to end. */
int output_flush(struct output *o);
int output_flush_some(struct output *o);

/* Flushes, syncs, and puts the file in its place.  Says what went wrong; 0 or
 * a negative errno. */
int output_commit(struct output *o);

/* Ends the process as SIGPIPE would have, when the reader of standard output
 * is gone and nobody asked us to ignore that. */
void output_honour_pipe(const struct output *o);

/* Gives up: the target stays as it was, the temporary file goes.  Fine after
 * commit, and on a zero-initialised output. */
void output_close(struct output *o);

#endif
