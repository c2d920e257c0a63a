/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/msg.h"
#include "common/buf.h"

enum {
    REDRAW_NS = 100 * 1000 * 1000,
    SIZE_ALWAYS = 256,     /* files whose sizes are looked up in any case */
    SIZE_IF_SLOWER = 5000, /* later only at fewer files a second */
};

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static double seconds(const struct progress *p)
{
    double s = (double)(now_ns() - p->start_ns) / 1e9;
    return s > 1e-6 ? s : 1e-6;
}

void progress_start(struct progress *p, const struct options *o)
{
    bool wanted = o->progress < 0 ? !o->quiet : o->progress;
    *p = (struct progress){.start_ns = now_ns()};
    p->shown = wanted && isatty(STDERR_FILENO);
    p->drawn_ns = p->start_ns;
}

void progress_expect(struct progress *p, const char *path)
{
    struct stat st;
    p->known++;
    if (!p->shown || p->sized + 1 != p->known)
        return;
    if (p->known > SIZE_ALWAYS && (double)p->done > seconds(p) * SIZE_IF_SLOWER)
        return;
    p->sized++;
    if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
        p->sized_bytes += (uint64_t)st.st_size;
}

/* --- numbers for people -------------------------------------------------- */

/* 1234567 as 1,234,567 */
static void put_count(struct buf *b, uint64_t n)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, n);
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            buf_putc(b, ',');
        buf_putc(b, digits[i]);
    }
}

static void put_bytes(struct buf *b, double n)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    size_t u = 0;
    for (; n >= 1000 && u + 1 < sizeof units / sizeof *units; u++)
        n /= 1000;
    buf_printf(b, "%.*f %s", u && n < 100 ? 1 : 0, n, units[u]);
}

static void put_time(struct buf *b, double s)
{
    unsigned long t = (unsigned long)(s + 0.5);
    if (t >= 3600)
        buf_printf(b, "%lu:%02lu:%02lu", t / 3600, t / 60 % 60, t % 60);
    else
        buf_printf(b, "%lu:%02lu", t / 60, t % 60);
}

/* --- the line ------------------------------------------------------------ */

/* The share of the run that is done: by bytes where all sizes are known, else
 * by files.  0: unknown. */
static double share_done(const struct progress *p, uint64_t bytes)
{
    if (!p->all_known || !p->known)
        return 0;
    if (p->sized == p->known && p->sized_bytes)
        return bytes < p->sized_bytes ? (double)bytes / (double)p->sized_bytes
                                      : 1;
    return (double)p->done / (double)p->known;
}

static void put_line(struct buf *b, const struct progress *p, uint64_t bytes)
{
    double s = seconds(p);
    put_count(b, p->done);
    buf_puts(b, p->done == 1 ? " file, " : " files, ");
    put_bytes(b, (double)bytes);
    buf_puts(b, ", ");
    put_bytes(b, (double)bytes / s);
    buf_printf(b, "/s, %.0f files/s, ", (double)p->done / s);
    if (p->failed) {
        put_count(b, p->failed);
        buf_puts(b, p->failed == 1 ? " error, " : " errors, ");
    }
    put_time(b, s);
    double share = share_done(p, bytes);
    if (share > 0) {
        buf_puts(b, ", ETA ");
        put_time(b, s / share - s);
    }
}

/* The terminal's width less one, so that the line never wraps. */
static size_t width(void)
{
    struct winsize w;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) < 0 || w.ws_col < 2)
        return 79;
    return w.ws_col - 1u;
}

void progress_draw(struct progress *p, const tmill_pool *pool)
{
    if (!p->shown || now_ns() - p->drawn_ns < REDRAW_NS)
        return;
    struct buf b = {0};
    tmill_stats stats;
    p->drawn_ns = now_ns();
    tmill_pool_stats(pool, &stats);
    put_line(&b, p, stats.work);
    if (b.n > width())
        b.n = width();
    buf_putc(&b, '\0');
    if (!b.failed)
        msg_status(b.p);
    buf_free(&b);
}

void progress_end(struct progress *p)
{
    if (p->shown)
        msg_status("");
}

/* --- the figures --------------------------------------------------------- */

static void say_busy(const tmill_pool *pool, double s)
{
    struct buf b = {0};
    unsigned n = tmill_pool_processes(pool);
    for (unsigned i = 0; i < (n ? n : 1); i++)
        buf_printf(&b, " %.0f%%", (double)tmill_pool_busy(pool, i) / s / 1e7);
    buf_putc(&b, '\0');
    if (!b.failed)
        msg_say("workers    %u, busy%s", n, b.p);
    buf_free(&b);
}

void progress_stats(const struct progress *p, const tmill_pool *pool,
                    const struct options *o)
{
    tmill_stats stats;
    double s = seconds(p);
    tmill_pool_stats(pool, &stats);
    msg_say("files      %" PRIu64 " (%" PRIu64 " failed)", p->done, p->failed);
    msg_say("bytes      %" PRIu64, stats.work);
    msg_say("seconds    %.3f", s);
    msg_say("files/s    %.0f", (double)p->done / s);
    msg_say("MB/s       %.1f", (double)stats.work / s / 1e6);
    say_busy(pool, s);
    msg_say("chunks     %" PRIu64, stats.chunks);
    msg_say("chunksize  %zu%s", stats.chunksize,
            o->chunksize == TMILL_CHUNK_AUTO && !o->serial
                ? " (auto, the last one)"
                : "");
    if (stats.deaths)
        msg_say("deaths     %" PRIu64 " workers replaced", stats.deaths);
}
