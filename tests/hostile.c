/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hostile: makes the tree that the tests run on, with every kind of name and
 * file that has ever broken a tree walker, and removes it again.
 *
 *   hostile [-d] [-u] DIR   makes DIR, which must not exist
 *   hostile -r DIR          removes DIR, whatever is in it
 *
 *   -d  without deep/, whose path is longer than PATH_MAX
 *   -u  without unreadable/, whose entries have mode 000
 *
 * The tree is the same every time, modification times of files included.  What
 * cannot be made is named on stderr and ends the program with status 1.
 *
 *   names/       hostile file names, each file holding its own name
 *   dirs/        the same names as directories, each with a file
 *   bytes/       every name of one byte
 *   long/        names of 255 bytes
 *   order/       names that sort differently as files and as directories
 *   hidden/      .files and .directories
 *   sizes/       empty, around block sizes, 1 MiB + 1, sparse
 *   links/       hard links, symbolic links, dangling and looping ones
 *   special/     a FIFO and a socket
 *   empty/       empty directories
 *   many/        a directory of 3,000 small files
 *   unreadable/  a file and a directory of mode 000
 *   deep/        30 levels of 200 bytes, a file on every level
 *
 * Everything is done relative to directory descriptors, since paths may be too
 * long for the system.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum {
    DEEP_LEVELS = 30,
    DEEP_NAME = 200,
    MANY_FILES = 3000,
    LONG_NAME = 255,
    EPOCH = 1700000000 /* the first file's modification time */
};

#define HOLE (64L << 20)

/* For all files: how many were made, which gives each its own time. */
static int made;

static const char *const names[] = {
    "plain",
    "new\nline",
    "\n",
    "\nfirst",
    "last\n",
    "back\\slash",
    "\\",
    "\\n",
    "\\first",
    "last\\",
    "carriage\rreturn",
    "last\r",
    "both\\of\nthem\r",
    "tab\tin",
    "\tfirst",
    "-",
    "--",
    "-rf",
    "--help",
    "*",
    "?",
    "[",
    "[a-z]",
    "{a,b}",
    " ",
    "  ",
    " first",
    "last ",
    "two  spaces",
    "#comment",
    "\"quoted\"",
    "'quoted'",
    "`id`",
    "$(id)",
    "$HOME",
    "${IFS}",
    "~",
    "!!",
    ";",
    "&",
    "|",
    "<>",
    "...",
    "..hidden",
    "= ",
    "a = b",
    ") = ",
    "SHA256 (x) = 00",
    "MD5 (x",
    "%s%n%d",
    "%00",
    "\\000",
    "\\012",
    "{\"path\":\"x\"}",
    "set type=file",
    "type=file",
    "d41d8cd98f00b204e9800998ecf8427e  x",
    "\xc3\xa9t\xc3\xa9", /* "ete" with accents, UTF-8 */
    "e\xcc\x81t"
    "e\xcc\x81",        /* the same, decomposed */
    "\xe9t\xe9",        /* the same, Latin-1 */
    "\xff\xfe",         /* never UTF-8 */
    "\xc0\xaf",         /* an overlong slash */
    "\xed\xa0\x80",     /* a surrogate */
    "\xf4\x90\x80\x80", /* beyond Unicode */
    "\xe2\x82",         /* a cut-off euro sign */
    "\xf0\x9f\x8c\xb2", /* a tree */
    "\xe2\x80\xae"
    "fdp.exe", /* right-to-left override */
    "\xef\xbb\xbf"
    "bom",         /* a byte order mark first */
    "\x1b[31mred", /* an escape sequence */
    "\x7f",
};

static const char *const order_files[] = {"a-b", "a.b", "a0", "a b", "A",
                                          "aa",  "a+",  "B",  "b"};

static const struct {
    const char *name;
    size_t size;
} sizes[] = {
    {"0", 0},       {"1", 1},         {"31", 31},       {"32", 32},
    {"240", 240},   {"241", 241},     {"4095", 4095},   {"4096", 4096},
    {"4097", 4097}, {"65536", 65536}, {"65537", 65537}, {"1048577", 1048577},
};

static const struct {
    const char *name;
    const char *target;
} symlinks[] = {
    {"to-file", "target"},    {"to-dir", "dir"},
    {"dangling", "nowhere"},  {"to-self", "to-self"},
    {"loop-a", "loop-b"},     {"loop-b", "loop-a"},
    {"chain-1", "chain-2"},   {"chain-2", "chain-3"},
    {"chain-3", "target"},    {"to-fifo", "../special/fifo"},
    {"dir/to-parent", ".."},  {"dir/to-dot", "."},
    {"to-null", "/dev/null"}, {"new\nline -> x", "target"},
};

/* Ends the program: what(name) failed with errno. */
_Noreturn static void die(const char *what, const char *name)
{
    fprintf(stderr, "hostile: %s \"", what);
    int err = errno;
    for (const unsigned char *p = (const unsigned char *)name; *p; p++)
        fprintf(stderr, *p < ' ' || *p > '~' ? "\\%03o" : "%c", *p);
    fprintf(stderr, "\": %s\n", strerror(err));
    exit(1);
}

/* ------------------------------------------------------------------------ */
/* Making it.  Directory descriptors are ours until close_dir().            */

static int open_dir(int at, const char *name)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        die("cannot open", name);
    return fd;
}

static int make_dir(int at, const char *name)
{
    if (mkdirat(at, name, 0777) != 0)
        die("cannot make directory", name);
    return open_dir(at, name);
}

static void close_dir(int fd)
{
    if (close(fd) != 0)
        die("cannot close", "directory");
}

static int create(int at, const char *name)
{
    int fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        die("cannot create", name);
    return fd;
}

/* Writes n bytes at offset off. */
static void put(int fd, const char *name, const void *bytes, size_t n,
                off_t off)
{
    for (size_t done = 0; done < n;) {
        ssize_t put =
            pwrite(fd, (const char *)bytes + done, n - done, off + (off_t)done);
        if (put > 0)
            done += (size_t)put;
        else if (put == 0 || errno != EINTR)
            die("cannot write", name);
    }
}

/* Sets the next modification time, and closes the file. */
static void finish(int fd, const char *name)
{
    struct timespec when = {EPOCH + made, made * 1000003L % 1000000000};
    made++;
    if (futimens(fd, (struct timespec[]){when, when}) != 0)
        die("cannot set the time of", name);
    if (close(fd) != 0)
        die("cannot close", name);
}

static void make_file(int at, const char *name, const void *bytes, size_t n)
{
    int fd = create(at, name);
    put(fd, name, bytes, n, 0);
    finish(fd, name);
}

/* A file that holds its own name. */
static void make_named(int at, const char *name)
{
    make_file(at, name, name, strlen(name));
}

/* A file of n bytes that follow no simple pattern. */
static void make_sized(int at, const char *name, size_t n)
{
    char *bytes = malloc(n ? n : 1);
    if (!bytes)
        die("no memory for", name);
    unsigned x = 1;
    for (size_t i = 0; i < n; i++) {
        x = x * 1103515245u + 12345u;
        bytes[i] = (char)(x >> 16);
    }
    make_file(at, name, bytes, n);
    free(bytes);
}

static void fill_names(int at)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        make_named(at, names[i]);
}

static void fill_dirs(int at)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        int fd = make_dir(at, names[i]);
        make_named(fd, "file");
        close_dir(fd);
    }
}

static void fill_bytes(int at)
{
    for (int c = 1; c < 256; c++) {
        char name[2] = {(char)c, 0};
        if (c != '/' && c != '.')
            make_named(at, name);
    }
}

static void fill_long(int at)
{
    static const char *const units[] = {"a", "\xe2\x82\xac", "\xff", "\n",
                                        "\\"};
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
        char name[LONG_NAME + 1] = "";
        size_t n = strlen(units[i]);
        for (size_t at_byte = 0; at_byte + n <= LONG_NAME; at_byte += n)
            memcpy(name + at_byte, units[i], n);
        make_named(at, name);
    }
    char name[LONG_NAME + 1] = "";
    memset(name, 'd', LONG_NAME);
    int fd = make_dir(at, name);
    memset(name, 'f', LONG_NAME);
    make_named(fd, name);
    close_dir(fd);
}

/* "a" once as a directory and once as a file, among the same neighbours. */
static void fill_order(int at)
{
    static const char *const kinds[] = {"dir", "file"};
    for (int i = 0; i < 2; i++) {
        int fd = make_dir(at, kinds[i]);
        size_t n = sizeof(order_files) / sizeof(*order_files);
        for (size_t j = 0; j < n; j++)
            make_named(fd, order_files[j]);
        if (i == 0) {
            int a = make_dir(fd, "a");
            make_named(a, "x");
            make_named(a, "!");
            close_dir(a);
        } else {
            make_named(fd, "a");
        }
        close_dir(fd);
    }
}

static void fill_hidden(int at)
{
    make_named(at, ".file");
    int fd = make_dir(at, ".dir");
    make_named(fd, ".file");
    make_named(fd, "file");
    close_dir(fd);
}

static void fill_sizes(int at)
{
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
        make_sized(at, sizes[i].name, sizes[i].size);
    int fd = create(at, "sparse");
    put(fd, "sparse", "head", 4, 0);
    put(fd, "sparse", "tail", 4, HOLE);
    finish(fd, "sparse");
    fd = create(at, "hole");
    if (ftruncate(fd, 1 << 20) != 0)
        die("cannot extend", "hole");
    finish(fd, "hole");
}

static void fill_links(int at)
{
    make_named(at, "target");
    int dir = make_dir(at, "dir");
    make_named(dir, "file");
    make_named(dir, "hard-1");
    if (linkat(dir, "hard-1", at, "hard-2", 0) != 0 ||
        linkat(dir, "hard-1", at, "hard-3", 0) != 0)
        die("cannot link", "hard-2");
    for (size_t i = 0; i < sizeof(symlinks) / sizeof(*symlinks); i++) {
        if (symlinkat(symlinks[i].target, at, symlinks[i].name) != 0)
            die("cannot make symbolic link", symlinks[i].name);
    }
    close_dir(dir);
}

static void fill_special(int at)
{
    if (mkfifoat(at, "fifo", 0666) != 0)
        die("cannot make FIFO", "fifo");
    if (mknodat(at, "socket", S_IFSOCK | 0666, 0) != 0)
        die("cannot make socket", "socket");
}

static void fill_empty(int at)
{
    close_dir(make_dir(at, "one"));
    int fd = make_dir(at, "two");
    close_dir(make_dir(fd, "three"));
    close_dir(fd);
}

static void fill_many(int at)
{
    for (int i = 0; i < MANY_FILES; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%04d", i);
        make_sized(at, name, (size_t)(i % 100));
    }
}

static void fill_unreadable(int at)
{
    make_named(at, "file");
    int fd = make_dir(at, "dir");
    make_named(fd, "file");
    if (fchmod(fd, 0) != 0 || fchmodat(at, "file", 0, 0) != 0)
        die("cannot change mode in", "unreadable");
    close_dir(fd);
}

static void fill_deep(int at)
{
    int fd = dup(at);
    if (fd < 0)
        die("cannot open", "deep");
    for (int i = 0; i < DEEP_LEVELS; i++) {
        char name[DEEP_NAME + 1] = "";
        memset(name, 'a' + i % 26, DEEP_NAME);
        int below = make_dir(fd, name);
        make_named(below, "file");
        close_dir(fd);
        fd = below;
    }
    close_dir(fd);
}

static const struct {
    const char *name;
    void (*fill)(int at);
} parts[] = {
    {"names", fill_names},     {"dirs", fill_dirs},
    {"bytes", fill_bytes},     {"long", fill_long},
    {"order", fill_order},     {"hidden", fill_hidden},
    {"sizes", fill_sizes},     {"links", fill_links},
    {"special", fill_special}, {"empty", fill_empty},
    {"many", fill_many},       {"unreadable", fill_unreadable},
    {"deep", fill_deep},
};

static void make_tree(const char *name, bool deep, bool unreadable)
{
    umask(022);
    int root = make_dir(AT_FDCWD, name);
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        if ((parts[i].fill == fill_deep && !deep) ||
            (parts[i].fill == fill_unreadable && !unreadable))
            continue;
        int fd = make_dir(root, parts[i].name);
        parts[i].fill(fd);
        close_dir(fd);
    }
    close_dir(root);
}

/* ------------------------------------------------------------------------ */
/* Removing it                                                              */

/* Opens a directory for removal of what is in it, by force. */
static DIR *open_to_empty(int at, const char *name)
{
    struct stat st;
    if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        die("cannot stat", name);
    if (S_ISDIR(st.st_mode) && (st.st_mode & 0700) != 0700 &&
        fchmodat(at, name, 0700, 0) != 0)
        die("cannot change the mode of", name);
    int fd = open_dir(at, name);
    DIR *dir = fdopendir(fd);
    if (!dir)
        die("cannot read", name);
    return dir;
}

static void remove_dir(int at, const char *name);

static void remove_entry(int at, const char *name)
{
    if (unlinkat(at, name, 0) == 0)
        return;
    if (errno != EISDIR)
        die("cannot remove", name);
    remove_dir(at, name);
}

static void remove_dir(int at, const char *name)
{
    DIR *dir = open_to_empty(at, name);
    struct dirent *e;
    while (errno = 0, (e = readdir(dir)) != NULL) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            remove_entry(dirfd(dir), e->d_name);
    }
    if (errno != 0)
        die("cannot read", name);
    if (closedir(dir) != 0)
        die("cannot close", name);
    if (unlinkat(at, name, AT_REMOVEDIR) != 0)
        die("cannot remove", name);
}

int main(int argc, char **argv)
{
    bool deep = true, unreadable = true, removing = false, wrong = false;
    for (int c; (c = getopt(argc, argv, "dru")) != -1;) {
        deep = deep && c != 'd';
        unreadable = unreadable && c != 'u';
        removing = removing || c == 'r';
        wrong = wrong || c == '?';
    }
    if (wrong || argc - optind != 1) {
        fputs("usage: hostile [-dru] DIR\n", stderr);
        return 2;
    }
    if (removing)
        remove_dir(AT_FDCWD, argv[optind]);
    else
        make_tree(argv[optind], deep, unreadable);
    return 0;
}
