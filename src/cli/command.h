/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * command: the subcommands, each one cmd_*.c and one row of the table in
 * main.c.
 */
#ifndef TREEMILL_CLI_COMMAND_H
#define TREEMILL_CLI_COMMAND_H

#include "cli/options.h"

struct command {
    const char *name;
    unsigned bit;                        /* its options: options.h */
    const char *operands;                /* in the usage line */
    const char *summary;                 /* one line */
    const char *about;                   /* a few lines, for its --help */
    int (*run)(const struct options *o); /* returns the exit status */
};

extern const struct command cmd_hash, cmd_check, cmd_tune;

/* Prints the --help of the command with that bit. */
void command_help(unsigned bit);

/* Flushes stdout: what was printed there must have arrived.  Returns the exit
 * status; ends the process when the reader is gone. */
int command_flush(void);

#endif
