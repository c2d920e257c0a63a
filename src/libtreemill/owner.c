/* SPDX-License-Identifier: BSD-2-Clause */
#include "libtreemill/owner.h"

#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096 }; /* the kernel rounds up */

void owner_init(struct owner *o)
{
    *o = (struct owner){.pid = getpid()};
    unsigned char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return;
    if (madvise(page, PAGE, MADV_WIPEONFORK) < 0) {
        munmap(page, PAGE);
        return;
    }
    *page = 1;
    o->here = page;
}

void owner_destroy(struct owner *o)
{
    if (o->here)
        munmap((void *)o->here, PAGE);
    o->here = NULL;
}

bool owner_is_parent(const struct owner *o)
{
    return o->here ? !*o->here : o->pid != getpid();
}
