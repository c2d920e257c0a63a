#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# audit: check --audit finds the files that no manifest has.

# shellcheck disable=SC2094
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
LC_ALL=C
export LC_ALL
chmod 755 "$tmp" "$tmp/work" || exit 99
nobody=${builddir:?}/tests/asnobody

# text LINE...: that is what stdout had
text()
{
    printf '%s\n' "$@" >"$tmp/text"
    same "$out" "$tmp/text"
}

mkdir -p d/sub/.hidden
for file in a b sub/c sub/.hidden/e; do
    echo $file >d/$file
done
"$TREEMILL" hash d >manifest

t 'nothing is new'
status 0 "$TREEMILL" check --audit d manifest
text 'd/a: OK' 'd/b: OK' 'd/sub/.hidden/e: OK' 'd/sub/c: OK'
has "$err" '^treemill: 4 files: 4 OK$'
status 0 "$TREEMILL" check --quiet --audit d manifest
is "$(cat "$out" "$err")" ''

t 'new files and missing ones, in one pass'
echo new >d/new
echo new >d/sub/.hidden/new
rm d/b
status 1 "$TREEMILL" check --audit d manifest
text 'd/a: OK' 'd/b: MISSING' 'd/sub/.hidden/e: OK' 'd/sub/c: OK' \
    'd/new: NEW' 'd/sub/.hidden/new: NEW'
has "$err" '^treemill: 4 files: 3 OK, 1 MISSING, 2 NEW$'

t '--quiet, --json, --unordered, -o'
status 1 "$TREEMILL" check --quiet --audit d manifest
text 'd/b: MISSING' 'd/new: NEW' 'd/sub/.hidden/new: NEW'
status 1 "$TREEMILL" check --quiet --json --audit d manifest
text '{"path":"d/b","status":"MISSING"}' '{"path":"d/new","status":"NEW"}' \
    '{"path":"d/sub/.hidden/new","status":"NEW"}'
status 1 "$TREEMILL" check --unordered --audit d manifest
is "$(grep -c . "$out")" 6
has "$out" '^d/new: NEW$'
status 1 "$TREEMILL" check --quiet --audit d -o d/result manifest
printf 'd/b: MISSING\nd/new: NEW\nd/sub/.hidden/new: NEW\n' >"$tmp/text"
same d/result "$tmp/text"
rm d/result

t 'new files alone make the status 1'
echo b >d/b
status 1 "$TREEMILL" check --audit d manifest
has "$err" '^treemill: 4 files: 4 OK, 2 NEW$'
rm d/new d/sub/.hidden/new

t 'names and DIR may be spelt differently'
echo n >d/n
for manifest in d ./d "$PWD/d" d/sub/.. .//d/; do
    "$TREEMILL" hash --exclude n "$manifest" >manifest
    for dir in d ./d "$PWD/d" d/ d/sub/.. "$PWD/./d/sub/..//"; do
        status 1 "$TREEMILL" check -q --audit "$dir" manifest
        is "$(grep -c . "$out")" 1
        has "$out" '/n: NEW$'
    done
done

t 'DIR is relative to -C'
(cd d && "$TREEMILL" hash --exclude n) >manifest
status 1 "$TREEMILL" check -q -C d --audit . manifest
text './n: NEW'
cd d || exit 99
status 1 "$TREEMILL" check -q --audit . ../manifest
text './n: NEW'
cd .. || exit 99
status 0 "$TREEMILL" check -q -C d --audit sub manifest
rm d/n

t 'what the manifest has outside DIR is verified, not more'
"$TREEMILL" hash d >manifest
echo n >d/n
status 0 "$TREEMILL" check --audit d/sub manifest
has "$err" '^treemill: 4 files: 4 OK$'
rm d/n

t 'manifests inside DIR, and what is being written, are not new'
"$TREEMILL" hash d/a d/b >"$tmp/m1"
"$TREEMILL" hash d/sub >"$tmp/m2"
mv "$tmp/m1" "$tmp/m2" d
status 0 "$TREEMILL" check -q --audit d d/m1 d/m2 -o d/out
is "$(cat d/out)" ''
status 1 "$TREEMILL" check -q --audit d d/m1 d/m2
text 'd/out: NEW'
"$TREEMILL" check --audit d d/m1 d/m2 >d/out 2>"$err"
lacks d/out NEW
rm d/out d/m1 d/m2

t 'selection: what is excluded is not new'
for file in x.o sub/y.o z; do
    echo x >d/$file
done
status 1 "$TREEMILL" check -q --audit d --exclude '*.o' manifest
text 'd/z: NEW'
status 1 "$TREEMILL" check -q --audit d --exclude sub/ --exclude z manifest
text 'd/x.o: NEW'
status 1 "$TREEMILL" check -q --audit d --max-depth 1 --include '*.o' manifest
text 'd/x.o: NEW'
rm d/x.o d/sub/y.o d/z

t 'a symbolic link is followed only when asked'
echo out >outside
ln -s ../outside d/link
status 0 "$TREEMILL" check -q --audit d manifest
status 1 "$TREEMILL" check -q -L --audit d manifest
text 'd/link: NEW'
rm d/link

t 'special files are no files'
mkfifo d/fifo
status 0 timeout 10 "$TREEMILL" check -q --audit d manifest
rm d/fifo

t 'a directory that cannot be read is an error'
chmod 755 d d/sub
mkdir -m 000 d/locked
status 1 "$nobody" "$TREEMILL" check --audit d manifest
has "$err" '^treemill: d/locked: Permission denied$'
has "$err" '^treemill: 4 files: 4 OK$'
rmdir d/locked
status 1 "$TREEMILL" check --audit nowhere manifest
has "$err" '^treemill: nowhere: No such file or directory$'
is "$(grep -c ': OK$' "$out")" 4

t 'the whole hostile tree'
"${builddir:?}/tests/hostile" -u tree
"$TREEMILL" hash tree >manifest
status 0 "$TREEMILL" check -q --audit tree manifest
is "$(cat "$out" "$err")" ''
for format in bsd json mtree; do
    "$TREEMILL" hash --format $format tree/names tree/bytes >manifest
    status 1 "$TREEMILL" check -q --audit tree manifest
    is "$(grep -a -c ': NEW$' "$out")" \
        "$(find tree -type f ! -path 'tree/names/*' ! -path 'tree/bytes/*' \
            -print0 | tr -cd '\0' | wc -c)"
done

t 'names that leave and come back'
printf '%s  d/../d/a\n%s  ./d/sub/../b\n' "$(md5sum <d/a | cut -c1-32)" \
    "$(md5sum <d/b | cut -c1-32)" >manifest
status 1 "$TREEMILL" check -q --audit d manifest
text 'd/sub/.hidden/e: NEW' 'd/sub/c: NEW'
