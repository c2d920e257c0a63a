#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# tree_digest: the digest of a tree is what docs/formats.md says, so that
# anyone can reproduce it.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
LC_ALL=C
export LC_ALL
chmod 755 "$tmp" "$tmp/work" || exit 99
nobody=${builddir:?}/tests/asnobody

# recipe PROGRAM DIR: as in docs/formats.md
recipe()
{
    (cd "$2" && find . -type f -print0 | sort -z | xargs -r0 "$1" | "$1") |
        cut -d' ' -f1
}

"${builddir:?}/tests/hostile" -d -u tree || exit 99
cr=$(printf 'a\rb')
: >"$cr"
case $(sha256sum "$cr") in
\\*) ;;
*) find tree -depth -name "*$(printf '\r')*" -exec rm -r {} + ;;
esac
rm "$cr"

while read -r algorithm program; do
    t "$algorithm: the recipe with $program"
    if command -v "$program" >/dev/null 2>&1; then
        status 0 "$TREEMILL" hash --tree-digest -a "$algorithm" tree
        is "$(cat "$out")" "$(recipe "$program" tree)  tree"
    else
        skip "$program is not here"
    fi
done <<'END'
sha256 sha256sum
md5 md5sum
sha1 sha1sum
sha384 sha384sum
sha512 sha512sum
blake2b b2sum
END

t 'xxh128 is the default'
mkdir plain
echo hello >plain/a
echo world >plain/b
if command -v xxhsum >/dev/null 2>&1; then
    digest=$(cd plain && xxhsum -q -H2 ./a ./b | xxhsum -q -H2 - | cut -d' ' -f1)
    status 0 "$TREEMILL" hash --tree-digest plain
    is "$(cat "$out")" "$digest  plain"
else
    skip 'xxhsum is not here'
fi

sum=$(recipe sha256sum tree)

t 'the same however the directory is named'
for name in tree ./tree tree/ "$PWD/tree" tree/. tree/names/..; do
    status 0 "$TREEMILL" hash --tree-digest -a sha256 "$name"
    is "$(cat "$out")" "$sum  $name"
done
ln -s tree link
status 0 "$TREEMILL" hash --tree-digest -a sha256 link
is "$(cat "$out")" "$sum  link"
cd tree || exit 99
status 0 "$TREEMILL" hash --tree-digest -a sha256
is "$(cat "$out")" "$sum  ."
cd .. || exit 99

t 'the same for every number of jobs'
for jobs in 0 1 5; do
    status 0 "$TREEMILL" hash --tree-digest -a sha256 -j $jobs --chunksize 3 tree
    is "$(cat "$out")" "$sum  tree"
done

t 'an empty tree, and one of empty directories'
mkdir -p empty/one/two
status 0 "$TREEMILL" hash --tree-digest -a sha256 empty
is "$(cat "$out")" "$(printf '' | sha256sum | cut -d' ' -f1)  empty"

t 'several PATHs and algorithms'
status 0 "$TREEMILL" hash --tree-digest -a sha256,md5 tree empty plain
is "$(cat "$out")" "$sum  tree
$(recipe md5sum tree)  tree
$(recipe sha256sum empty)  empty
$(recipe md5sum empty)  empty
$(recipe sha256sum plain)  plain
$(recipe md5sum plain)  plain"

t 'formats'
status 0 "$TREEMILL" hash --tree-digest -a sha256 --tag tree
is "$(cat "$out")" "SHA256 (tree) = $sum"
status 0 "$TREEMILL" hash --tree-digest -a sha256 -z tree
is "$(tr '\0' '!' <"$out")" "$sum  tree!"
status 0 "$TREEMILL" hash --tree-digest -a sha256 --format json tree
is "$(cat "$out")" \
    "{\"path\":\"tree\",\"type\":\"tree\",\"digest\":{\"sha256\":\"$sum\"}}"
status 2 "$TREEMILL" hash --tree-digest --format mtree tree
has "$err" 'mtree'

t 'contents and names count, modes and times do not'
before=$("$TREEMILL" hash --tree-digest plain)
touch -d 2001-01-01 plain/a
chmod 600 plain/a
mkdir plain/dir
ln -s a plain/link
is "$("$TREEMILL" hash --tree-digest plain)" "$before"
echo hullo >plain/a
after=$("$TREEMILL" hash --tree-digest plain)
ok [ "$before" != "$after" ]
echo hello >plain/a
is "$("$TREEMILL" hash --tree-digest plain)" "$before"
mv plain/a plain/c
after=$("$TREEMILL" hash --tree-digest plain)
ok [ "$before" != "$after" ]

t 'selection decides what counts'
status 0 "$TREEMILL" hash --tree-digest -a sha256 --exclude c plain
is "$(cat "$out")" "$(cd plain && sha256sum ./b | sha256sum |
    cut -d' ' -f1)  plain"

t 'the output file does not count'
sum=$(recipe sha256sum plain)
"$TREEMILL" hash --tree-digest -a sha256 plain >plain/out
is "$(cat plain/out)" "$sum  plain"
status 0 "$TREEMILL" hash --tree-digest -a sha256 -o plain/out plain
is "$(cat plain/out)" "$sum  plain"

t 'no digest when any file fails; the other trees have theirs'
mkdir locked
echo x >locked/a
echo x >locked/b
chmod 000 locked/b
status 1 "$nobody" "$TREEMILL" hash --tree-digest -a sha256 empty locked tree
has "$err" '^treemill: locked/b: Permission denied$'
has "$err" '^treemill: locked: has no tree digest'
is "$(sed 's/.*  //' "$out" | tr '\n' ' ')" 'empty tree '
rm -f locked/b
mkdir -m 000 locked/dir
status 1 "$nobody" "$TREEMILL" hash --tree-digest locked
has "$err" '^treemill: locked/dir: Permission denied$'
is "$(cat "$out")" ''

t 'PATHs that are not directories have none'
status 1 "$TREEMILL" hash --tree-digest -a sha256 nowhere plain/b empty
has "$err" '^treemill: nowhere: No such file or directory$'
has "$err" '^treemill: plain/b: Not a directory$'
is "$(sed 's/.*  //' "$out")" empty

t 'options that do not go with it'
status 2 "$TREEMILL" hash --tree-digest --unordered tree
status 2 "$TREEMILL" hash --tree-digest --files-from nowhere
