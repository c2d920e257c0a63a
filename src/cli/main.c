/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * treemill: hashes and verifies directory trees in parallel.
 *
 * A map of the source:
 *
 *     src/common/        what every part needs: bytes (buf), whole reads and
 *                        writes (io), long paths (longpath), names of
 *                        algorithms (algo), signals (sig)
 *     src/libtreemill/   the library, by its one header treemill.h
 *       pool, iter         making a pool; windows and deliveries
 *       dispatch           its loop: collect (replies, deaths), feed (chunks)
 *       zygote, worker     the processes; shared, channel, frame: what is
 *                          between them and the parent; serial: no processes
 *       walk               the walker: dirstack (descent), dirlist and merge
 *                          (one directory, sorted), filter (rules)
 *     src/ops/           what workers do with a file: hash, verify; opener,
 *                        reader, digest: their tools
 *     src/sinks/         manifest formats, written and read: gnu, bsd, json,
 *                        mtree
 *     src/cli/           the command
 *       main, command      this file: the table of subcommands
 *       options            the table of options
 *       cmd_hash, cmd_check, cmd_tune  one file for each subcommand
 *       selection          from options to a walk
 *       engine             source -> pool -> results, with signals, progress,
 *                          output
 *       output, progress, msg, pathset   what those need
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/msg.h"
#include "common/sig.h"

static const struct command *const commands[] = {&cmd_hash, &cmd_check,
                                                 &cmd_tune};

enum { NCOMMANDS = sizeof commands / sizeof *commands };

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < NCOMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

void command_help(unsigned bit)
{
    for (size_t i = 0; i < NCOMMANDS; i++) {
        const struct command *c = commands[i];
        if (c->bit != bit)
            continue;
        printf("usage: treemill %s [OPTION]... %s\n\n%s\n\noptions:\n", c->name,
               c->operands, c->about);
        options_help(bit);
    }
}

static void help(void)
{
    puts("usage: treemill COMMAND [OPTION]... [ARGUMENT]...\n");
    for (size_t i = 0; i < NCOMMANDS; i++)
        printf("  %-8s %s\n", commands[i]->name, commands[i]->summary);
    puts("\n'treemill COMMAND --help' has a command's options, treemill(1) all "
         "of it.\n\n"
         "exit status: 0 all done; 1 some file failed, changed or did not "
         "match;\n2 wrong usage, or the run could not go on; 128+n ended by "
         "signal n");
}

int command_flush(void)
{
    if (fflush(stdout) == 0)
        return STATUS_OK;
    if (errno == EPIPE && sig_pipe_is_deadly())
        sig_die(SIGPIPE);
    msg_say("standard output: %s", strerror(errno));
    return STATUS_FATAL;
}

static int run(const struct command *c, int argc, char **argv)
{
    struct options o;
    int status = options_parse(&o, c->bit, argc, argv);
    if (status == OPTIONS_DONE)
        status = command_flush();
    else if (!status)
        status = c->run(&o);
    options_free(&o);
    if (status && sig_stop)
        sig_die(sig_stop); /* it came outside the engine */
    return status;
}

/* `treemill help [COMMAND]` */
static int help_command(int argc, char **argv)
{
    const struct command *c = argc > 2 ? find(argv[2]) : NULL;
    if (argc > 2 && !c)
        return msg_usage("there is no command '%s'", argv[2]);
    if (c)
        command_help(c->bit);
    else
        help();
    return command_flush();
}

/* Where we were started without a standard descriptor, a file that we open
 * must not become it; what stands in for it fails when it is used. */
static void fill_stdio(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    fill_stdio();
    sig_init();
    if (!strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help"))
        return help_command(argc, argv);
    if (!strcmp(word, "--version")) {
        puts("treemill " PACKAGE_VERSION);
        return command_flush();
    }
    const struct command *c = find(word);
    if (!c)
        return *word ? msg_usage("there is no command '%s'", word)
                     : msg_usage("which command?");
    return run(c, argc - 1, argv + 1);
}
