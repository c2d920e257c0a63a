/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * treemill check: manifests -> verdicts, in manifest order; with --audit, then
 * the files below a directory that no manifest has.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/engine.h"
#include "cli/msg.h"
#include "cli/pathset.h"
#include "cli/selection.h"
#include "common/io.h"
#include "common/sig.h"
#include "ops/verify.h"
#include "sinks/json.h"
#include "sinks/manifest.h"
#include "sinks/text.h"

/* What is printed, and counted, for a file. */
enum { NEW = VERDICT_COUNT, NVERDICTS };
static const char *const words[NVERDICTS] = {
    [VERDICT_OK] = "OK",           [VERDICT_FAILED] = "FAILED",
    [VERDICT_MISSING] = "MISSING", [VERDICT_UNREADABLE] = "UNREADABLE",
    [VERDICT_CHANGED] = "CHANGED", [NEW] = "NEW"};

struct run {
    const struct options *options;
    struct output output;
    /* the manifests, one after the other */
    size_t next; /* operand */
    int home;    /* the directory that their names are relative to */
    int fd;      /* of the one that is open */
    struct manifest *manifest;
    const char *name;
    struct expect expect;
    uint64_t entries, malformed, unknown; /* of this manifest */
    uint64_t first_bad;                   /* line */
    bool unreadable;                      /* reading it failed */
    char unknown_name[32];
    tmill_fileid *files; /* of all manifests, for --audit */
    size_t nfiles;
    bool stdin_is_manifest;
    /* in all */
    uint64_t total;
    uint64_t counts[NVERDICTS];
    bool failed; /* something beside the verdicts was wrong */
    /* --audit */
    char *cwd;
    struct pathset listed;
};

/* --- manifests ----------------------------------------------------------- */

static int manifest_error(struct run *r, int err)
{
    msg_path(r->name, strlen(r->name), "%s", strerror(-err));
    r->failed = true;
    return err;
}

static int remember_file(struct run *r)
{
    struct stat st;
    if (fstat(r->fd, &st) < 0)
        return -errno;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    tmill_fileid *files = realloc(r->files, (r->nfiles + 1) * sizeof *r->files);
    if (!files)
        return -ENOMEM;
    r->files = files;
    r->files[r->nfiles++] = (tmill_fileid){st.st_dev, st.st_ino};
    return 0;
}

static int open_manifest(struct run *r, const char *name)
{
    bool in = strcmp(name, "-") == 0;
    r->name = in ? "standard input" : name;
    r->entries = r->malformed = r->unknown = 0;
    r->unreadable = false;
    r->fd = in ? STDIN_FILENO : openat(r->home, name, O_RDONLY | O_CLOEXEC);
    if (r->fd < 0)
        return manifest_error(r, -errno);
    int err = in ? 0 : remember_file(r);
    if (!err)
        err = manifest_open(&r->manifest, r->fd, &r->options->algos);
    return err ? manifest_error(r, err) : 0;
}

static void close_manifest(struct run *r)
{
    manifest_close(r->manifest);
    r->manifest = NULL;
    if (r->fd > STDERR_FILENO)
        io_close(&r->fd);
    r->fd = -1;
}

/* What its lines were worth, at its end. */
static void assess_manifest(struct run *r)
{
    size_t n = strlen(r->name);
    if (r->unknown)
        msg_path(r->name, n,
                 "%" PRIu64 " file%s not checked: treemill does not have %s",
                 r->unknown, r->unknown == 1 ? "" : "s", r->unknown_name);
    if (r->malformed)
        msg_path(r->name, n,
                 "%" PRIu64 " line%s malformed, the first is line %" PRIu64,
                 r->malformed, r->malformed == 1 ? " is" : "s are",
                 r->first_bad);
    if (!r->entries && !r->unknown && !r->unreadable)
        msg_path(r->name, n, "no digest of a file in it");
    r->failed |=
        !r->entries || r->unknown || (r->malformed && r->options->strict);
}

static void note_unknown(struct run *r)
{
    if (!r->unknown++)
        memcpy(r->unknown_name, r->expect.unknown, sizeof r->unknown_name);
}

/* The next entry of the open manifest: 1, 0 at its end, or what stops the
 * run. */
static int next_entry(struct run *r)
{
    for (;;) {
        uint64_t line;
        int got = manifest_next(r->manifest, &r->expect, &line);
        if (got == 1) {
            r->entries++;
            return 1;
        }
        if (got == 2 && !r->malformed++)
            r->first_bad = line;
        if (got == 3)
            note_unknown(r);
        if (sig_stop)
            return -EINTR;
        if (got == -ENOMEM)
            return manifest_error(r, got);
        if (got < 0) {
            manifest_error(r, got); /* the others may be readable */
            r->unreadable = true;
        }
        if (got <= 0)
            return 0;
    }
}

/* The next entry of all: 1, 0 at the end, or a negative errno. */
static int next_of_all(struct run *r)
{
    static char dash[] = "-";
    static char *in[] = {dash};
    const struct options *o = r->options;
    char **names = o->noperands ? o->operands : in;
    size_t n = o->noperands ? o->noperands : 1;
    for (;;) {
        int got = r->manifest ? next_entry(r) : 0;
        if (got)
            return got;
        if (r->manifest)
            assess_manifest(r);
        close_manifest(r);
        if (r->next == n)
            return 0;
        if (open_manifest(r, names[r->next++]) < 0)
            close_manifest(r);
    }
}

/* --- tasks --------------------------------------------------------------- */

static void fill_verify(struct verify_task *v, const struct expect *e)
{
    memset(v, 0, sizeof *v); /* padding travels too */
    v->size = e->size;
    v->has_size = e->has_size;
    v->n = e->n;
    for (int i = 0; i < e->n; i++) {
        v->digest[i].candidates = e->digest[i].candidates;
        v->digest[i].n = e->digest[i].n;
        v->digest[i].little = e->digest[i].little;
        memcpy(v->digest[i].bytes, e->digest[i].bytes, e->digest[i].n);
    }
}

static int next_task(void *u, struct buf *to)
{
    struct run *r = u;
    struct verify_task verify;
    int got = next_of_all(r);
    if (got <= 0)
        return got;
    const struct buf *path = &r->expect.path;
    if (r->options->audit) {
        int err = pathset_add(&r->listed, r->cwd, path->p, path->n);
        if (err)
            return manifest_error(r, err);
    }
    fill_verify(&verify, &r->expect);
    const char *slash = memrchr(path->p, '/', path->n);
    bool in = path->n == 1 && *path->p == '-' && !r->stdin_is_manifest;
    struct task task = {.flags = TASK_FOLLOW | (in ? TASK_STDIN : 0) |
                                 (r->options->beneath ? TASK_BENEATH : 0),
                        .path = path->p,
                        .len = path->n,
                        .base = slash ? (size_t)(slash - path->p) + 1 : 0,
                        .extra = &verify,
                        .nextra = VERIFY_TASK_BYTES(&verify)};
    task_pack(to, &task);
    return 1;
}

/* --- verdicts ------------------------------------------------------------ */

static void print_json(struct run *r, const char *path, size_t n, int verdict,
                       const char *reason)
{
    struct buf *b = &r->output.buf;
    buf_putc(b, '{');
    json_put_path(b, path, n);
    buf_printf(b, ",\"status\":\"%s\"", words[verdict]);
    if (reason) {
        buf_puts(b, ",\"error\":");
        json_put_string(b, reason, strlen(reason));
    }
    buf_puts(b, "}\n");
}

static void print_text(struct run *r, const char *path, size_t n, int verdict)
{
    struct buf *b = &r->output.buf;
    if (text_must_escape(path, n)) {
        buf_putc(b, '\\');
        text_escape(b, path, n);
    } else {
        buf_put(b, path, n);
    }
    buf_printf(b, ": %s\n", words[verdict]);
}

/* Counts and prints.  reason: why UNREADABLE, else NULL. */
static void pronounce(struct run *r, const char *path, size_t n, int verdict,
                      const char *reason)
{
    const struct options *o = r->options;
    r->counts[verdict]++;
    if (verdict == VERDICT_MISSING && o->ignore_missing)
        return;
    if (reason)
        msg_path(path, n, "%s", reason);
    if (verdict == VERDICT_OK && o->quiet)
        return;
    if (o->json)
        print_json(r, path, n, verdict, reason);
    else
        print_text(r, path, n, verdict);
}

static const char *why_unreadable(int err)
{
    return err == -EXDEV     ? "leads outside the directory (--beneath)"
           : err == -ENOSYS  ? "--beneath needs Linux 5.6"
           : err == -ENOTSUP ? "not a regular file"
                             : strerror(-err);
}

static bool result(void *u, const struct task *t, const tmill_item *item)
{
    struct run *r = u;
    struct verify_reply reply = {.verdict = VERDICT_UNREADABLE};
    const char *reason = NULL;
    if (item->why != TMILL_OK)
        reason = engine_reason(item);
    else
        memcpy(&reply, item->out.p, sizeof reply);
    if (reply.verdict == VERDICT_UNREADABLE && !reason)
        reason = why_unreadable(reply.err);
    r->total++;
    pronounce(r, t->path, t->len, reply.verdict, reason);
    return reply.verdict != VERDICT_OK &&
           !(reply.verdict == VERDICT_MISSING && r->options->ignore_missing);
}

/* --- audit --------------------------------------------------------------- */

/* One file that is there.  False when memory is out. */
static bool audit_entry(struct run *r, const tmill_entry *e)
{
    int listed = e->err ? 0 : pathset_has(&r->listed, r->cwd, e->path, e->len);
    if (e->err) {
        msg_path(e->path, e->len, "%s",
                 e->err == -ENOTSUP ? "not a regular file" : strerror(-e->err));
        r->failed = true;
    } else if (!listed) {
        pronounce(r, e->path, e->len, NEW, NULL);
    }
    return listed >= 0;
}

/* The skip list: the manifests, and what we are writing. */
static int audit_skip(struct run *r)
{
    size_t n = r->nfiles + r->output.nfiles;
    tmill_fileid *files = realloc(r->files, (n ? n : 1) * sizeof *files);
    if (!files)
        return -ENOMEM;
    r->files = files;
    memcpy(files + r->nfiles, r->output.files,
           r->output.nfiles * sizeof *files);
    r->nfiles = n;
    return 0;
}

static int audit_walk(struct run *r)
{
    struct selection s;
    tmill_entry entry;
    struct selection_attr attr = {.paths = &r->options->audit, .npaths = 1};
    int got = audit_skip(r);
    attr.skip = r->files;
    attr.nskip = r->nfiles;
    if (!got)
        got = selection_open(&s, r->options, &attr);
    if (got < 0)
        return got;
    while ((got = tmill_walk_next(s.walk, &entry)) == 1) {
        if (!audit_entry(r, &entry))
            got = -ENOMEM;
        int err = got < 0 ? got : output_flush_some(&r->output);
        if (err) {
            got = err;
            break;
        }
    }
    selection_close(&s);
    return got;
}

/* Runs inside the engine, so that its care for signals and output covers the
 * walk; what the walk could not do is told by the run's state. */
static int audit(void *u)
{
    struct run *r = u;
    return r->options->audit ? audit_walk(r) : 0;
}

/* --- a run --------------------------------------------------------------- */

static void summarise(const struct run *r)
{
    struct buf b = {0};
    buf_printf(&b, "%" PRIu64 " file%s:", r->total, r->total == 1 ? "" : "s");
    const char *comma = " ";
    for (int i = 0; i < NVERDICTS; i++) {
        if (!r->counts[i] && i != VERDICT_OK)
            continue;
        buf_printf(&b, "%s%" PRIu64 " %s", comma, r->counts[i], words[i]);
        comma = ", ";
    }
    buf_putc(&b, '\0');
    if (!b.failed)
        msg_say("%s", b.p);
    buf_free(&b);
}

static int verdict_status(struct run *r)
{
    bool bad = r->failed;
    for (int i = 0; i < NVERDICTS; i++)
        if (i != VERDICT_OK && r->counts[i] &&
            !(i == VERDICT_MISSING && r->options->ignore_missing))
            bad = true;
    if (r->options->ignore_missing && r->total &&
        r->total == r->counts[VERDICT_MISSING]) {
        msg_say("no file was verified: all of them are missing");
        bad = true;
    }
    return bad ? STATUS_SOME : STATUS_OK;
}

static int run(struct run *r)
{
    struct engine_job job = {.options = r->options,
                             .op = &op_verify,
                             .next = next_task,
                             .result = result,
                             .after = audit,
                             .u = r,
                             .output = &r->output};
    int status = engine_commit(&r->output, engine_run(&job));
    if (status == STATUS_FATAL)
        return status;
    status = verdict_status(r);
    if ((status || !r->options->quiet) && (r->total || r->counts[NEW]))
        summarise(r);
    return status;
}

/* Goes to -C DIR, and remembers where the manifests' names are from. */
static int go_to_directory(struct run *r)
{
    const char *dir = r->options->directory;
    r->home = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (r->home < 0) {
        msg_say("the working directory: %s", strerror(errno));
        return STATUS_FATAL;
    }
    if (dir && chdir(dir) < 0) {
        msg_path(dir, strlen(dir), "%s", strerror(errno));
        return STATUS_FATAL;
    }
    r->cwd = r->options->audit ? getcwd(NULL, 0) : NULL;
    if (r->options->audit && !r->cwd) {
        msg_say("the working directory: %s", strerror(errno));
        return STATUS_FATAL;
    }
    return STATUS_OK;
}

static int check_usage(struct run *r)
{
    const struct options *o = r->options;
    size_t stdins = 0;
    for (size_t i = 0; i < o->noperands; i++)
        stdins += strcmp(o->operands[i], "-") == 0;
    r->stdin_is_manifest = stdins || !o->noperands;
    if (stdins > 1)
        return msg_usage("standard input can be read once only");
    return STATUS_OK;
}

static int check(const struct options *o)
{
    struct run r = {.options = o, .home = -1, .fd = -1, .output = {.fd = -1}};
    int status = check_usage(&r);
    if (!status && output_open(&r.output, o->output) < 0)
        status = STATUS_FATAL;
    if (!status)
        status = go_to_directory(&r);
    if (!status)
        status = run(&r);
    output_close(&r.output);
    close_manifest(&r);
    io_close(&r.home);
    expect_free(&r.expect);
    pathset_free(&r.listed);
    free(r.files);
    free(r.cwd);
    return status;
}

const struct command cmd_check = {
    .name = "check",
    .bit = CMD_CHECK,
    .operands = "[MANIFEST]...",
    .summary = "verifies files against manifests",
    .about =
        "Reads digests from each MANIFEST (standard input by default, or "
        "'-'), of any\nformat that hash, sha256sum and its like, xxhsum, "
        "OpenSSL, BSD's md5 and mtree\nwrite, and prints 'PATH: OK', FAILED, "
        "MISSING, UNREADABLE or CHANGED for each\nfile.",
    .run = check,
};
