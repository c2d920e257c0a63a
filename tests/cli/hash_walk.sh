#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# hash_walk: which files are hashed, in which order, and what is said about
# those that cannot be.

# shellcheck disable=SC1003,SC2012
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
LC_ALL=C
export LC_ALL
chmod 755 "$tmp" "$tmp/work" || exit 99
nobody=${builddir:?}/tests/asnobody

# paths ARGUMENT...: status 0, and the paths that were hashed, in $out.
paths()
{
    status 0 timeout 20 "$TREEMILL" hash "$@"
    sed 's/^\\\{0,1\}[^ ]*  //' "$out" >"$out.paths"
    mv "$out.paths" "$out"
}

# list WORD...: what the paths should be
list()
{
    printf '%s\n' "$@" >"$tmp/list"
    same "$out" "$tmp/list"
}

"${builddir:?}/tests/hostile" tree || exit 99
rm tree/sizes/sparse

t 'the whole hostile tree, as a plain user: every file or why not'
status 1 timeout 20 "$nobody" "$TREEMILL" hash -z tree
sed -z 's/^[0-9a-f]*  //' "$out" >"$tmp/paths"
(cd tree && find . -path ./unreadable -prune -o -type f -print0) |
    sed -z 's/^\./tree/' | sort -z >"$tmp/expected"
same "$tmp/paths" "$tmp/expected"
is "$(cat "$err")" "treemill: tree/unreadable/dir: Permission denied
treemill: tree/unreadable/file: Permission denied"

t 'no PATH is the working directory'
(cd tree/hidden && paths && list ./.dir/.file ./.dir/file ./.file)

t 'hidden files and directories are hashed'
paths tree/hidden
list tree/hidden/.dir/.file tree/hidden/.dir/file tree/hidden/.file
paths tree/hidden/ tree/hidden/.file
list tree/hidden/.dir/.file tree/hidden/.dir/file tree/hidden/.file \
    tree/hidden/.file

t 'the order is that of sort'
for part in order/dir order/file names dirs bytes; do
    status 0 "$TREEMILL" hash -z "tree/$part"
    sed -z 's/^[0-9a-f]*  //' "$out" >"$tmp/paths"
    sort -z "$tmp/paths" >"$tmp/expected"
    same "$tmp/paths" "$tmp/expected"
done
paths tree/order/dir
cp "$out" "$tmp/got"
sort "$tmp/got" >"$out"
same "$tmp/got" "$out"

t 'paths are walked in the order given, twice when given twice'
paths tree/sizes/31 tree/hidden/.file tree/sizes/31 tree/sizes/0
list tree/sizes/31 tree/hidden/.file tree/sizes/31 tree/sizes/0

t 'symbolic links below a PATH are not followed'
paths tree/links
list tree/links/dir/file tree/links/dir/hard-1 tree/links/hard-2 \
    tree/links/hard-3 tree/links/target

t 'a symbolic link given as PATH is followed'
paths tree/links/to-file tree/links/chain-1 tree/links/to-dir
list tree/links/to-file tree/links/chain-1 tree/links/to-dir/file \
    tree/links/to-dir/hard-1

t '-L follows links, and survives loops'
status 1 timeout 20 "$TREEMILL" hash -L tree/links
has "$out" '  tree/links/to-file$'
has "$out" '  tree/links/chain-3$'
has "$out" '  tree/links/to-dir/file$'
has "$err" '^treemill: tree/links/dangling: No such file or directory$'
has "$err" '^treemill: tree/links/to-self: a loop of symbolic links$'
has "$err" '^treemill: tree/links/loop-a: a loop of symbolic links$'
has "$err" '^treemill: tree/links/dir/to-dot: '
has "$err" '^treemill: tree/links/dir/to-parent: '
lacks "$out" 'to-null\|to-fifo'
lacks "$out" 'to-dot/\|to-parent/'
mkdir -p good/a good/b
: >good/a/file
ln -s ../a good/b/link
paths --follow good
list good/a/file good/b/link/file

t 'a dangling or looping link given by hand is an error'
status 1 "$TREEMILL" hash tree/links/dangling tree/links/to-self \
    tree/links/target
is "$(cat "$err")" "treemill: tree/links/dangling: No such file or directory
treemill: tree/links/to-self: a loop of symbolic links"
has "$out" '  tree/links/target$'

t 'FIFOs, sockets and devices are never opened'
paths tree/special
is "$(cat "$out")" ''
status 1 timeout 20 "$TREEMILL" hash tree/special/fifo tree/special/socket \
    /dev/null tree/links/to-fifo tree/links/to-null
for special in tree/special/fifo tree/special/socket /dev/null \
    tree/links/to-fifo tree/links/to-null; do
    has "$err" "^treemill: $special: not a regular file$"
done
is "$(cat "$out")" ''

t 'paths deeper than PATH_MAX'
paths tree/deep
is "$(grep -c . "$out")" 30
is "$(wc -L <"$out")" "$((9 + 30 * 201 + 5))"
status 0 "$TREEMILL" hash tree/deep
"$TREEMILL" check -q "$out" >"$tmp/verdicts"
is "$(cat "$tmp/verdicts")" ''
"$TREEMILL" check "$out" >"$tmp/verdicts" 2>"$err"
is "$(grep -c ': OK$' "$tmp/verdicts")" 30

t 'missing by hand: named, and the rest goes on'
status 1 "$TREEMILL" hash nowhere tree/sizes/0 tree/sizes/0/x ''
is "$(cat "$err")" "treemill: nowhere: No such file or directory
treemill: tree/sizes/0/x: Not a directory
treemill: : No such file or directory"
has "$out" '  tree/sizes/0$'

t 'unreadable by hand'
status 1 "$nobody" "$TREEMILL" hash tree/unreadable/file tree/unreadable/dir \
    tree/unreadable/dir/file tree/sizes/1
for file in file dir dir/file; do
    has "$err" "^treemill: tree/unreadable/$file: Permission denied$"
done
is "$(sed 's/.*  //' "$out")" tree/sizes/1

t 'control bytes in names stay one line on stderr, and harmless'
name=$(printf 'a\nb\033[31m\\')
status 1 "$TREEMILL" hash "$name"
is "$(cat "$err")" \
    'treemill: a\nb\033[31m\\: No such file or directory'

t '- is standard input, ./- a file'
echo hello | status 0 "$TREEMILL" hash -a md5 -
is "$(cat "$out")" 'b1946ac92492d2347c6235b4d2611184  -'
: >-
echo hello | status 0 "$TREEMILL" hash -a md5 ./- tree/hidden/.file -
is "$(sed 's/.*  //' "$out" | tr '\n' ' ')" './- tree/hidden/.file - '
has "$out" 'd41d8cd98f00b204e9800998ecf8427e  \./-'
status 0 "$TREEMILL" hash -a md5 - <tree/hidden/.file
is "$(cut -d' ' -f1 "$out")" "$(md5sum <tree/hidden/.file | cut -d' ' -f1)"
rm ./-

t '--files-from: lines'
printf 'tree/hidden\n\ntree/sizes/0\nnowhere\ntree/sizes/1' >"$tmp/from"
status 1 "$TREEMILL" hash tree/sizes/31 --files-from "$tmp/from"
is "$(sed 's/.*  //' "$out")" "tree/sizes/31
tree/hidden/.dir/.file
tree/hidden/.dir/file
tree/hidden/.file
tree/sizes/0
tree/sizes/1"
is "$(cat "$err")" 'treemill: nowhere: No such file or directory'

t '--files-from -: from standard input'
printf 'tree/sizes/0\ntree/sizes/1\n' | paths --files-from -
list tree/sizes/0 tree/sizes/1
printf '' | paths --files-from -
is "$(cat "$out")" ''
printf 'tree/sizes/0\n' | status 2 "$TREEMILL" hash --files-from - -

t '--files-from with -0'
find tree/names -type f -print0 | sort -z >"$tmp/from"
status 0 "$TREEMILL" hash -z -0 --files-from "$tmp/from"
"$TREEMILL" hash -z tree/names >"$tmp/expected"
same "$out" "$tmp/expected"
status 0 "$TREEMILL" hash -z --null --files-from - <"$tmp/from"
same "$out" "$tmp/expected"

t '--files-from a list that is not there'
status 2 "$TREEMILL" hash --files-from nowhere -o manifest tree/sizes
has "$err" '^treemill: nowhere: No such file or directory$'
ok [ ! -e manifest ]
status 2 "$TREEMILL" hash --files-from tree/sizes
has "$err" '^treemill: tree/sizes: Is a directory$'

mkdir -p src/lib/.git src/test
for file in a.c a.o lib/b.c lib/b.o lib/.git/c.c test/d.c; do
    : >"src/$file"
done

t '--exclude and --include'
paths src --exclude '*.o' --exclude .git/
list src/a.c src/lib/b.c src/test/d.c
paths --include '*.o' src
list src/a.o src/lib/b.o
paths --exclude '*.c' --include 'b.c' src
list src/a.o src/lib/b.c src/lib/b.o
paths --exclude /lib src
list src/a.c src/a.o src/test/d.c
paths --exclude a.o src/a.o
list src/a.o

t '--exclude-from'
printf '# comment\n\n*.o\n.git\n' >"$tmp/rules"
paths src --exclude-from "$tmp/rules"
list src/a.c src/lib/b.c src/test/d.c
status 2 "$TREEMILL" hash --exclude-from nowhere src
has "$err" '^treemill: nowhere: No such file or directory$'

t '--max-depth'
paths --max-depth 0 src src/a.c
list src/a.c
paths --max-depth 1 src
list src/a.c src/a.o
paths --max-depth 2 src --exclude '*.o'
list src/a.c src/lib/b.c src/test/d.c

t '-x stays on one file system'
mkdir -p mnt/sub
: >mnt/here
cat >"$tmp/mounted" <<'END'
mount -t tmpfs none mnt/sub || exit 99
: >mnt/sub/there
for options in 'mnt' '-x mnt mnt/sub' '--one-file-system mnt'; do
    "$TREEMILL" hash $options | sed 's/.*  //' | tr '\n' ' ' || exit 1
    echo
done
END
if unshare -rm true 2>/dev/null; then
    status 0 unshare -rm sh "$tmp/mounted"
    list 'mnt/here mnt/sub/there ' 'mnt/here mnt/sub/there ' 'mnt/here '
else
    skip 'cannot mount'
fi

t 'the manifest being written is not hashed'
mkdir into
: >into/a
: >into/z
"$TREEMILL" hash into >into/manifest 2>"$err"
is "$(sed 's/.*  //' into/manifest | tr '\n' ' ')" 'into/a into/z '
status 0 "$TREEMILL" hash -o into/manifest into
is "$(sed 's/.*  //' into/manifest | tr '\n' ' ')" 'into/a into/z '
status 0 "$TREEMILL" hash -o into/new into
is "$(sed 's/.*  //' into/new | tr '\n' ' ')" 'into/a into/manifest into/z '
is "$(ls -A into | tr '\n' ' ')" 'a manifest new z '
