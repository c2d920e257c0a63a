/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * asnobody COMMAND [ARGUMENT...]: runs COMMAND as a plain user.  Root becomes
 * user and group 65534 with no other group; anyone else stays who they are.
 *
 * COMMAND is opened before that, so a program that only root can reach (in a
 * build tree below /root) runs all the same; a script must be reachable.
 *
 * Exit status: COMMAND's; 125 when it could not be run.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { NOBODY = 65534, CANNOT = 125 };

extern char **environ;

static int complain(const char *what)
{
    fprintf(stderr, "asnobody: %s: %s\n", what, strerror(errno));
    return CANNOT;
}

/* Gives up root for good.  Returns 0, or -1 with errno set. */
static int become_nobody(void)
{
    if (setgroups(0, NULL) != 0 || setresgid(NOBODY, NOBODY, NOBODY) != 0 ||
        setresuid(NOBODY, NOBODY, NOBODY) != 0)
        return -1;
    if (setuid(0) == 0) {
        errno = EPERM;
        return -1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fputs("usage: asnobody COMMAND [ARGUMENT...]\n", stderr);
        return CANNOT;
    }
    int fd = strchr(argv[1], '/') ? open(argv[1], O_PATH | O_CLOEXEC) : -1;
    if (geteuid() == 0 && become_nobody() != 0)
        return complain("cannot drop privileges");
    if (fd >= 0)
        fexecve(fd, argv + 1, environ);
    execvp(argv[1], argv + 1);
    return complain(argv[1]);
}
