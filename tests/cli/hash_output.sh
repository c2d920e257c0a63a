#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# hash_output: where results go. A file is replaced whole or not at all, a full
# disk is an error.

# shellcheck disable=SC2012,SC2016
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
chmod 755 "$tmp" "$tmp/work" || exit 99
nobody=${builddir:?}/tests/asnobody

"${builddir:?}/tests/hostile" -u tree || exit 99
rm tree/sizes/sparse
"$TREEMILL" hash tree >"$tmp/expected" || exit 99
mkdir d

# fresh: d holds the file "old" and nothing else
fresh()
{
    chmod 755 d
    rm -rf d
    mkdir d
    echo old >d/old
}

# untouched: that is so still
untouched()
{
    is "$(ls -A d)" old
    is "$(cat d/old)" old
}

t '-o writes what stdout would have'
fresh
for file in d/new d/old "$PWD/d/absolute"; do
    status 0 "$TREEMILL" hash -o "$file" tree
    same "$file" "$tmp/expected"
    is "$(cat "$out" "$err")" ''
done
is "$(ls -A d | tr '\n' ' ')" 'absolute new old '
(cd d && status 0 "$TREEMILL" hash --output here ../tree/order)
"$TREEMILL" hash tree/order | sed 's,  ,  ../,' >"$tmp/got"
same d/here "$tmp/got"

t 'a file that failed does not keep the rest from being written'
fresh
status 1 "$TREEMILL" hash -o d/old nowhere tree
same d/old "$tmp/expected"
is "$(ls -A d)" old

t 'mode: by umask when new, else kept'
fresh
chmod 0604 d/old
(umask 027 && "$TREEMILL" hash -o d/new tree/order)
(umask 077 && "$TREEMILL" hash -o d/old tree/order)
is "$(stat -c %a d/new)" 640
is "$(stat -c %a d/old)" 604
if [ "$(id -u)" = 0 ]; then
    chown 65534:65534 d/old
    "$TREEMILL" hash -o d/old tree/order
    is "$(stat -c %u:%g:%a d/old)" 65534:65534:604
    # In a container, where that owner has no name
    if unshare -r true 2>/dev/null; then
        status 0 unshare -r "$TREEMILL" hash -o d/old tree
        same d/old "$tmp/expected"
    fi
fi

t 'a symbolic link stays, what it names is replaced'
fresh
mkdir links
ln -s ../d/old links/link
status 0 "$TREEMILL" hash -o links/link tree
is "$(readlink links/link)" ../d/old
same d/old "$tmp/expected"
is "$(ls -A d links | tr '\n' ' ')" 'd: old  links: link '

t 'devices and FIFOs are written, not replaced'
status 0 "$TREEMILL" hash -o /dev/null tree
ok [ -c /dev/null ]
mkfifo fifo
cat fifo >"$tmp/got" &
status 0 "$TREEMILL" hash -o fifo tree
wait $!
same "$tmp/got" "$tmp/expected"
ok [ -p fifo ]

t 'what cannot be written ends the run'
fresh
status 2 "$TREEMILL" hash -o d tree
is "$(cat "$err")" 'treemill: d: Is a directory'
status 2 "$TREEMILL" hash -o nowhere/file tree
is "$(cat "$err")" 'treemill: nowhere/file: No such file or directory'
status 2 "$TREEMILL" hash -o '' tree
untouched

t 'a directory without permission'
fresh
chmod 555 d
status 2 "$nobody" "$TREEMILL" hash -o d/new tree/order
is "$(cat "$err")" 'treemill: d/new: Permission denied'
status 2 "$nobody" "$TREEMILL" hash -o d/old tree/order
untouched

t 'a run that cannot go on leaves the old file'
fresh
status 2 "$TREEMILL" hash -o d/old tree --files-from nowhere
untouched
status 2 "$TREEMILL" hash -o d/old --no-such-option tree
untouched

# --- full disks -----------------------------------------------------------------

t 'ENOSPC on stdout is an error'
status 2 sh -c '"$TREEMILL" hash tree >/dev/full'
is "$(cat "$err")" 'treemill: standard output: No space left on device'
status 2 sh -c '"$TREEMILL" hash tree/sizes/0 >/dev/full'
status 2 "$TREEMILL" hash -o /dev/full tree
is "$(cat "$err")" 'treemill: /dev/full: No space left on device'
status 2 sh -c '"$TREEMILL" hash --tree-digest tree >/dev/full'
status 2 sh -c '"$TREEMILL" hash -a help >/dev/full'
status 2 sh -c '"$TREEMILL" help >/dev/full'
status 2 sh -c '"$TREEMILL" --version >/dev/full'

t 'a full disk leaves the old file'
cat >"$tmp/full" <<'END'
mount -t tmpfs -o size=64k none d || exit 99
echo old >d/old
"$TREEMILL" hash -o d/old tree
echo $?
ls -A d
cat d/old
"$TREEMILL" hash tree >d/direct
echo $?
END
if unshare -rm true 2>/dev/null; then
    status 0 unshare -rm sh "$tmp/full"
    is "$(tr '\n' ' ' <"$out")" '2 old old 2 '
    is "$(cat "$err")" "treemill: d/old: No space left on device
treemill: standard output: No space left on device"
else
    skip 'cannot mount'
fi

t 'a file size limit leaves the old file'
fresh
status 2 sh -c 'ulimit -f 8 && exec "$TREEMILL" hash -o d/old tree'
is "$(cat "$err")" 'treemill: d/old: File too large'
untouched

# --- closed descriptors ---------------------------------------------------------

t 'a reader that has enough ends the run quietly'
for order in --ordered --unordered; do
    { "$TREEMILL" hash $order tree 2>"$err"; echo $? >"$tmp/status"; } |
        head -n 1 >"$out"
    is "$(grep -c . "$out")" 1
    is "$(cat "$err")" ''
    if [ $order = --ordered ]; then
        head -n 1 "$tmp/expected" >"$tmp/got"
        same "$out" "$tmp/got"
    fi
    ok [ "$(cat "$tmp/status")" -eq 141 ]
done

t 'a closed pipe is an error to those who ignore SIGPIPE'
# shellcheck disable=SC2016
sh -c 'trap "" PIPE; "$TREEMILL" hash tree 2>"$0"; echo $? >"$1"' \
    "$err" "$tmp/status" | head -n 1 >"$out"
is "$(cat "$err")" 'treemill: standard output: Broken pipe'
is "$(cat "$tmp/status")" 2

t 'closed standard descriptors'
status 2 sh -c '"$TREEMILL" hash tree/order >&-'
status 1 sh -c '"$TREEMILL" hash - <&-'
has "$err" '^treemill: -: Bad file descriptor$'
status 0 sh -c '"$TREEMILL" hash tree <&-'
same "$out" "$tmp/expected"
status 0 sh -c '"$TREEMILL" hash tree 2>&-'
same "$out" "$tmp/expected"

t 'what is said on a closed stderr is not said in the manifest'
fresh
for closed in '2>&-' '<&- >&- 2>&-' '>&- 2>&-' '<&- 2>&-'; do
    status 1 sh -c "\"\$TREEMILL\" hash -o d/old nowhere tree $closed"
    same d/old "$tmp/expected"
    is "$(ls -A d)" old
done
