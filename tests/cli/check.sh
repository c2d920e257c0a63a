#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# check: verdicts, in order, the summary, the options and exit statuses.

# shellcheck disable=SC2012,SC2016
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
LC_ALL=C
export LC_ALL
chmod 755 "$tmp" "$tmp/work" || exit 99
nobody=${builddir:?}/tests/asnobody

empty=d41d8cd98f00b204e9800998ecf8427e
hello=b1946ac92492d2347c6235b4d2611184
# text LINE...: that is what stdout had
text()
{
    printf '%s\n' "$@" >"$tmp/text"
    same "$out" "$tmp/text"
}

mkdir -p dir/sub
echo hello | tee a b dir/c dir/sub/d >/dev/null
chmod 000 b

t 'verdicts, in the order of the manifest, and a summary'
echo other >c
mkfifo fifo
cat >manifest <<END
$hello  dir/c
$hello  c
$hello  nowhere
$hello  b
$hello  a/x
$hello  dir
$hello  fifo
$hello  a
END
status 1 timeout 10 "$nobody" "$TREEMILL" check manifest
text 'dir/c: OK' 'c: FAILED' 'nowhere: MISSING' 'b: UNREADABLE' \
    'a/x: MISSING' 'dir: UNREADABLE' 'fifo: UNREADABLE' 'a: OK'
is "$(cat "$err")" "treemill: b: Permission denied
treemill: dir: Is a directory
treemill: fifo: not a regular file
treemill: 8 files: 2 OK, 1 FAILED, 2 MISSING, 3 UNREADABLE"
chmod 644 b

t '--unordered: the same as a set'
cp "$out" expected
status 1 "$TREEMILL" check --unordered manifest
sed 's/b: UNREADABLE/b: OK/' expected | sort >"$tmp/text"
sort -o "$out" "$out"
same "$out" "$tmp/text"

t '--quiet prints only what is not OK'
status 1 "$TREEMILL" check --quiet manifest
text 'c: FAILED' 'nowhere: MISSING' 'a/x: MISSING' 'dir: UNREADABLE' \
    'fifo: UNREADABLE'
has "$err" '^treemill: 8 files: 3 OK, 1 FAILED, 2 MISSING, 2 UNREADABLE$'
echo "$hello  a" >good
status 0 "$TREEMILL" check -q good
is "$(cat "$out" "$err")" ''

t '--json: an object a line'
printf '%s  \351\n' $hello >>manifest
status 1 "$TREEMILL" check --json manifest
text '{"path":"dir/c","status":"OK"}' '{"path":"c","status":"FAILED"}' \
    '{"path":"nowhere","status":"MISSING"}' '{"path":"b","status":"OK"}' \
    '{"path":"a/x","status":"MISSING"}' \
    '{"path":"dir","status":"UNREADABLE","error":"Is a directory"}' \
    '{"path":"fifo","status":"UNREADABLE","error":"not a regular file"}' \
    '{"path":"a","status":"OK"}' '{"path_base64":"6Q==","status":"MISSING"}'

t 'special files are never opened'
"${builddir:?}/tests/hostile" -d -u tree
for special in tree/special/fifo tree/special/socket tree/links/to-fifo \
    /dev/null /dev/zero; do
    echo "$empty  $special" >manifest
    status 1 timeout 10 "$TREEMILL" check manifest
    text "$special: UNREADABLE"
    has "$err" "^treemill: $special: not a regular file$"
done

t 'several manifests, one after the other'
echo "$hello  b" >good-2
status 0 "$TREEMILL" check good good-2 good
text 'a: OK' 'b: OK' 'a: OK'
has "$err" '^treemill: 3 files: 3 OK$'

t 'standard input: none, -, among others'
status 0 "$TREEMILL" check <good
text 'a: OK'
status 0 "$TREEMILL" check good-2 - <good
text 'b: OK' 'a: OK'
status 2 "$TREEMILL" check - - <good

t 'the name - is standard input, unless the manifest is'
echo "$hello  -" >dash
echo hello | status 0 "$TREEMILL" check dash
text '-: OK'
echo other | status 1 "$TREEMILL" check -j0 dash
text '-: FAILED'
echo hello >-
status 0 "$TREEMILL" check <dash
rm ./-

t 'a manifest that cannot be read: the others are'
status 1 "$TREEMILL" check good nowhere dir good-2
text 'a: OK' 'b: OK'
has "$err" '^treemill: nowhere: No such file or directory$'
has "$err" '^treemill: dir: Is a directory$'

t 'a manifest without a line that is valid is an error'
: >empty
printf '# nothing\n\n' >comments
echo 'no digest here' >garbage
head -c 100000 "$TREEMILL" >binary
for manifest in empty comments garbage binary /dev/null; do
    status 1 "$TREEMILL" check $manifest
    has "$err" "^treemill: $manifest: no digest of a file in it$"
    status 1 "$TREEMILL" check good $manifest good-2
    text 'a: OK' 'b: OK'
done
status 1 "$TREEMILL" check <empty

t 'malformed lines are counted, and an error with --strict'
{
    cat good
    echo 'what is this'
    cat good-2
    echo "${hello}0  a"
} >manifest
status 0 "$TREEMILL" check manifest
text 'a: OK' 'b: OK'
has "$err" '^treemill: manifest: 2 lines are malformed, the first is line 2$'
status 1 "$TREEMILL" check --strict manifest
text 'a: OK' 'b: OK'
status 0 "$TREEMILL" check --strict good

t '--ignore-missing'
echo "$hello  nowhere" >>good-2
status 1 "$TREEMILL" check good-2
text 'b: OK' 'nowhere: MISSING'
status 0 "$TREEMILL" check --ignore-missing good-2
text 'b: OK'
status 1 "$TREEMILL" check --ignore-missing garbage good-2
echo "$hello  nowhere" >manifest
status 1 "$TREEMILL" check --ignore-missing manifest
has "$err" 'no file was verified'
is "$(cat "$out")" ''

t '-C DIR resolves names, not manifests'
(cd dir && "$TREEMILL" hash) >manifest
status 0 "$TREEMILL" check -C dir manifest
text './c: OK' './sub/d: OK'
status 0 "$TREEMILL" check --directory dir "$PWD/manifest" manifest
text './c: OK' './sub/d: OK' './c: OK' './sub/d: OK'
status 2 "$TREEMILL" check -C nowhere manifest
has "$err" '^treemill: nowhere: No such file or directory$'

t '-o is relative to where treemill was started, with -C too'
for file in new new ./new dir/new "$PWD/new"; do
    status 0 "$TREEMILL" check -C dir -o "$file" manifest
    is "$(cat "$out")" ''
    printf './c: OK\n./sub/d: OK\n' >"$tmp/text"
    same "$file" "$tmp/text"
done
is "$(ls -A dir | tr '\n' ' ')" 'c new sub '
rm -f new dir/new

t 'absolute names, and names with .., are checked'
cat >manifest <<END
$hello  $PWD/a
$hello  ../a
$hello  sub/../../a
END
status 0 "$TREEMILL" check -C dir manifest

t '--beneath refuses to leave the directory'
ln -s ../a dir/out
ln -s "$PWD/dir/c" dir/absolute
ln -s .. dir/up
ln -s sub/d dir/in
ln -s ../dir/c dir/out-and-in
mkdir -p dir/x
cat >>manifest <<END
$hello  out
$hello  absolute
$hello  up/a
$hello  out-and-in
$hello  in
$hello  x/../c
$hello  c
$hello  ../nowhere
END
status 1 "$TREEMILL" check --beneath -C dir manifest
text "$PWD/a: UNREADABLE" '../a: UNREADABLE' 'sub/../../a: UNREADABLE' \
    'out: UNREADABLE' 'absolute: UNREADABLE' 'up/a: UNREADABLE' \
    'out-and-in: UNREADABLE' 'in: OK' 'x/../c: OK' 'c: OK' \
    '../nowhere: UNREADABLE'
has "$err" '^treemill: out: leads outside the directory (--beneath)$'
is "$(grep -c 'leads outside' "$err")" 8
(cd dir && status 1 "$TREEMILL" check --beneath ../manifest)
has "$out" '^up/a: UNREADABLE$'
status 1 "$TREEMILL" check -C dir manifest
is "$(grep -c ': OK$' "$out")" 10

t 'deep paths, --beneath and not'
"${builddir:?}/tests/hostile" -u full
"$TREEMILL" hash full/deep >manifest
for option in '' --beneath; do
    # shellcheck disable=SC2086
    status 0 "$TREEMILL" check $option manifest
    is "$(grep -c ': OK$' "$out")" 30
done

t 'a size that differs is FAILED'
"$TREEMILL" hash --format json a | sed 's/"size":6/"size":7/' >manifest
status 1 "$TREEMILL" check manifest
text 'a: FAILED'

t 'a file that changes meanwhile is CHANGED'
truncate -s 160M growing
while :; do echo x; done >>growing &
writer=$!
until [ "$(stat -c %s growing)" -gt 167772160 ]; do :; done
echo "$(echo | sha256sum | cut -c1-64)  growing" >manifest
status 1 "$TREEMILL" check manifest good
text 'growing: CHANGED' 'a: OK'
has "$err" '^treemill: 2 files: 1 OK, 1 CHANGED$'
kill $writer
wait $writer 2>/dev/null || :

t 'a time limit'
mkfifo hang
exec 3<>hang
status 1 timeout 10 "$TREEMILL" check --timeout 0.3 dash good <hang
text '-: UNREADABLE' 'a: OK'
has "$err" '^treemill: -: took longer than --timeout allows$'
exec 3<&-

t 'jobs and chunksizes agree'
"$TREEMILL" hash -a md5 tree | sed '1~5s/^\(\\*\)../\100/' >manifest
"$TREEMILL" check -j0 manifest >expected 2>"$err"
for jobs in 1 2 5; do
    for chunksize in 1 1000 auto; do
        status 1 "$TREEMILL" check -j $jobs --chunksize $chunksize manifest
        same "$out" expected
        status 1 "$TREEMILL" check -j $jobs --chunksize $chunksize --unordered \
            manifest
        sort "$out" >got
        sort expected | cmp -s - got
        verdict $? "--unordered -j $jobs --chunksize $chunksize differs"
    done
done

t '--stats'
status 0 "$TREEMILL" check --stats -a md5 good
has "$err" '^treemill: files  *1 (0 failed)$'
has "$err" '^treemill: bytes  *6$'

t 'a full disk'
status 2 sh -c '"$TREEMILL" check good >/dev/full'
has "$err" '^treemill: standard output: No space left on device$'
