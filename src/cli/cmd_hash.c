/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * treemill hash: walk -> digests -> a manifest, or with --tree-digest one
 * digest of what would be the manifest of each tree.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/command.h"
#include "cli/engine.h"
#include "cli/msg.h"
#include "cli/selection.h"
#include "ops/digest.h"
#include "ops/hash.h"
#include "sinks/sink.h"

struct run {
    const struct options *options;
    const struct sink *sink;
    struct sink_opt sink_opt;
    struct buf mtree_dir;
    struct hash_config config;
    struct selection selection;
    struct output output;
    /* --tree-digest */
    const char *tree; /* the PATH; NULL: not asked for */
    struct digester *tree_digesters[ALGO_COUNT]; /* in the order of algos */
    struct buf line;
};

static int next_task(void *u, struct buf *to)
{
    struct run *r = u;
    return selection_next(&r->selection, to);
}

/* --- results ------------------------------------------------------------- */

static void fill_digests(struct record *rec, const struct run *r,
                         const unsigned char *p)
{
    for (int i = 0; i < r->config.algos.n; i++) {
        int id = r->config.algos.id[i];
        rec->digest[id] = p;
        p += algos[id].bytes;
    }
}

/* The record of a task and its outcome; borrows from both. */
static void make_record(struct record *rec, const struct run *r,
                        const struct task *t, const tmill_item *item)
{
    bool in = t->flags & TASK_STDIN;
    *rec = (struct record){.type = in ? RECORD_STDIN : RECORD_FILE,
                           .path = t->path,
                           .len = t->len};
    if (item->why != TMILL_OK) {
        rec->error = engine_reason(item);
        return;
    }
    struct hash_reply reply;
    memcpy(&reply, item->out.p, sizeof reply);
    rec->has_stat = !in || S_ISREG(reply.mode);
    rec->size = reply.size;
    rec->mode = reply.mode & 07777;
    rec->mtime = reply.mtime;
    rec->mtime_ns = reply.mtime_ns;
    fill_digests(rec, r, (const unsigned char *)item->out.p + sizeof reply);
}

static bool file_result(void *u, const struct task *t, const tmill_item *item)
{
    struct run *r = u;
    struct record rec;
    make_record(&rec, r, t, item);
    if (rec.error)
        msg_path(t->path, t->len, "%s", rec.error);
    if (!rec.error || r->sink->writes_errors)
        r->sink->record(&r->output.buf, &r->sink_opt, &rec);
    return rec.error != NULL;
}

/* --- tree digests -------------------------------------------------------- */

/* Adds the file's line in the manifest of one algorithm, its name relative to
 * the tree. */
static void add_line(struct run *r, struct record *rec, int i)
{
    struct sink_opt one = {.algos = {.n = 1, .id = {r->config.algos.id[i]}}};
    buf_clear(&r->line);
    sink_gnu.record(&r->line, &one, rec);
    if (digester_update(r->tree_digesters[i], r->line.p, r->line.n) < 0)
        r->line.failed = true;
}

static bool tree_result(void *u, const struct task *t, const tmill_item *item)
{
    struct run *r = u;
    struct record rec;
    uint32_t below;
    struct buf name = {0};
    make_record(&rec, r, t, item);
    if (rec.error) {
        msg_path(t->path, t->len, "%s", rec.error);
        return true;
    }
    memcpy(&below, t->extra, sizeof below);
    buf_puts(&name, "./");
    buf_put(&name, t->path + below, t->len - below);
    rec.path = name.p;
    rec.len = name.n;
    for (int i = 0; i < r->config.algos.n && !name.failed; i++)
        add_line(r, &rec, i);
    r->line.failed |= name.failed;
    buf_free(&name);
    return false;
}

static int begin_tree(struct run *r)
{
    for (int i = 0; i < r->config.algos.n; i++) {
        struct digester **d = &r->tree_digesters[i];
        if (!*d && !(*d = digester_new()))
            return -ENOMEM;
        int err = digester_begin(*d, 1u << r->config.algos.id[i]);
        if (err)
            return err;
    }
    return 0;
}

static int write_tree(struct run *r)
{
    unsigned char digest[ALGO_COUNT][ALGO_MAX_BYTES];
    struct record rec = {
        .type = RECORD_TREE, .path = r->tree, .len = strlen(r->tree)};
    for (int i = 0; i < r->config.algos.n; i++) {
        int id = r->config.algos.id[i];
        int err = digester_final(r->tree_digesters[i], id, digest[id]);
        if (err)
            return err;
        rec.digest[id] = digest[id];
    }
    r->sink->record(&r->output.buf, &r->sink_opt, &rec);
    return buf_error(&r->line);
}

/* --- a run --------------------------------------------------------------- */

/* Walks and hashes paths[0..n). */
static int run_paths(struct run *r, const char *const *paths, size_t n)
{
    const char *list = r->options->files_from;
    struct selection_attr attr = {
        .paths = paths,
        .npaths = n,
        .list = list != NULL,
        .stdin_is_path = !r->tree && !(list && strcmp(list, "-") == 0),
        .skip = r->output.files,
        .nskip = r->output.nfiles};
    struct engine_job job = {.options = r->options,
                             .op = &op_hash,
                             .config = &r->config,
                             .next = next_task,
                             .result = r->tree ? tree_result : file_result,
                             .u = r,
                             .output = &r->output};
    if (selection_open(&r->selection, r->options, &attr) < 0)
        return STATUS_FATAL;
    int status = engine_run(&job);
    selection_close(&r->selection);
    return status;
}

static int tree_error(const struct run *r, int err)
{
    msg_path(r->tree, strlen(r->tree), "%s", strerror(-err));
    return STATUS_SOME;
}

static int run_tree(struct run *r, const char *path)
{
    struct stat st;
    r->tree = path;
    if (stat(path, &st) < 0)
        return tree_error(r, -errno);
    if (!S_ISDIR(st.st_mode))
        return tree_error(r, -ENOTDIR);
    int err = begin_tree(r);
    if (err)
        return tree_error(r, err);
    int status = run_paths(r, &path, 1);
    if (status == STATUS_SOME)
        msg_path(path, strlen(path), "has no tree digest: some files failed");
    err = status ? 0 : write_tree(r);
    return err ? tree_error(r, err) : status;
}

static int run_trees(struct run *r, const char *const *paths, size_t n)
{
    int worst = STATUS_OK;
    for (size_t i = 0; i < n && worst != STATUS_FATAL; i++) {
        int status = run_tree(r, paths[i]);
        worst = status > worst ? status : worst;
    }
    return worst;
}

static int run_all(struct run *r)
{
    const struct options *o = r->options;
    size_t n;
    const char *const *paths = selection_paths(o, &n);
    if (r->sink->begin)
        r->sink->begin(&r->output.buf, &r->sink_opt);
    int status =
        o->tree_digest ? run_trees(r, paths, n) : run_paths(r, paths, n);
    return engine_commit(&r->output, status);
}

/* Options that do not go together. */
static int check_usage(const struct options *o, const struct sink *sink)
{
    bool list_is_stdin = o->files_from && strcmp(o->files_from, "-") == 0;
    for (size_t i = 0; i < o->noperands && list_is_stdin; i++)
        if (strcmp(o->operands[i], "-") == 0)
            return msg_usage("standard input cannot be both --files-from and "
                             "a PATH");
    if (o->null && !o->files_from)
        return msg_usage("--null goes with --files-from");
    if (o->tree_digest && o->files_from)
        return msg_usage("--tree-digest takes PATHs, not --files-from");
    if (o->tree_digest && o->unordered)
        return msg_usage("--tree-digest needs the order that --unordered "
                         "gives up");
    if (o->tree_digest && !sink->writes_trees)
        return msg_usage("--format %s has no form for --tree-digest",
                         sink->name);
    return 0;
}

static int hash(const struct options *o)
{
    struct run r = {.options = o, .output = {.fd = -1}};
    r.sink = o->format ? sink_find(o->format) : &sink_gnu;
    r.config.algos = hash_algos(&o->algos);
    r.sink_opt = (struct sink_opt){
        .algos = r.config.algos, .zero = o->zero, .dir = &r.mtree_dir};
    int status = check_usage(o, r.sink);
    if (status)
        return status;
    status = output_open(&r.output, o->output) < 0 ? STATUS_FATAL : run_all(&r);
    output_close(&r.output);
    for (int i = 0; i < ALGO_COUNT; i++)
        digester_free(r.tree_digesters[i]);
    buf_free(&r.mtree_dir);
    buf_free(&r.line);
    return status;
}

const struct command cmd_hash = {
    .name = "hash",
    .bit = CMD_HASH,
    .operands = "[PATH]...",
    .summary = "digests of every regular file of a tree",
    .about = "Prints a digest of every regular file below each PATH ('.' by "
             "default; '-' is\nstandard input), in the order of LC_ALL=C sort "
             "over the paths.",
    .run = hash,
};
