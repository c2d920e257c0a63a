/* SPDX-License-Identifier: BSD-2-Clause */
#include "ops/task.h"

#include <string.h>

/* Before the path and its NUL; extra follows those. */
struct head {
    uint32_t flags;
    int32_t err;
    uint32_t len;
    uint32_t base;
};

void task_pack(struct buf *to, const struct task *t)
{
    struct head head = {t->flags, t->err, (uint32_t)t->len, (uint32_t)t->base};
    buf_clear(to);
    buf_put(to, &head, sizeof head);
    buf_put(to, t->path, t->len);
    buf_putc(to, '\0');
    buf_put(to, t->extra, t->nextra);
}

void task_unpack(struct task *t, const tmill_buf *item)
{
    struct head head;
    memcpy(&head, item->p, sizeof head);
    const char *path = (const char *)item->p + sizeof head;
    *t = (struct task){.flags = head.flags,
                       .err = head.err,
                       .path = path,
                       .len = head.len,
                       .base = head.base,
                       .extra = path + head.len + 1,
                       .nextra = item->n - sizeof head - head.len - 1};
}

void task_of_entry(struct task *t, const tmill_entry *e)
{
    unsigned flags = (e->is_stdin ? TASK_STDIN : 0) |
                     (e->follow ? TASK_FOLLOW : 0) |
                     (e->err ? 0 : TASK_REGULAR);
    *t = (struct task){.flags = flags,
                       .err = e->err,
                       .path = e->path,
                       .len = e->len,
                       .base = e->base};
}
