#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# hash_runs: the result does not depend on how the work is shared out, on
# workers that die, or on files that change meanwhile.

# shellcheck disable=SC2046
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
LC_ALL=C
export LC_ALL

# --- processes ----------------------------------------------------------------

children()
{
    cat "/proc/$1/task/$1/children" 2>/dev/null
}

# workers PID: those of that treemill, which are its zygote's children
workers()
{
    for zygote in $(children "$1"); do
        children "$zygote"
    done
}

# kill_workers PID: until it ends, one worker about every 10 ms. How many were
# killed is then in $killed.
kill_workers()
{
    killed=0
    target=$1
    while kill -0 "$target" 2>/dev/null; do
        set -- $(workers "$target")
        if [ $# -gt 0 ]; then
            shift $((killed % $#))
            kill -KILL "$1" 2>/dev/null && killed=$((killed + 1))
        fi
        sleep 0.01
    done
}

# --- how the work is shared out -----------------------------------------------

"${builddir:?}/tests/hostile" -u tree || exit 99
rm tree/sizes/sparse
"$TREEMILL" hash -j0 tree >"$tmp/oracle" || exit 99
sort "$tmp/oracle" >"$tmp/set"

for jobs in 0 1 2 5; do
    for chunksize in 1 1000 auto; do
        t "-j$jobs --chunksize $chunksize agrees with the serial pool"
        status 0 "$TREEMILL" hash -j $jobs --chunksize $chunksize tree
        same "$out" "$tmp/oracle"
        is "$(cat "$err")" ''
        status 0 "$TREEMILL" hash -j $jobs --chunksize $chunksize --unordered \
            tree
        sort "$out" >"$tmp/got"
        same "$tmp/got" "$tmp/set"
    done
done

t '--ordered is the default, the last of the two counts'
status 0 "$TREEMILL" hash --unordered --ordered tree
same "$out" "$tmp/oracle"

t '--max-tasks changes nothing'
for n in 1 7 1000; do
    status 0 "$TREEMILL" hash -j2 --max-tasks $n --chunksize 5 \
        --exclude many/ tree
    "$TREEMILL" hash -j0 --exclude many/ tree >"$tmp/expected"
    same "$out" "$tmp/expected"
done

t 'errors stay in their places'
status 1 "$TREEMILL" hash -j0 --format json tree/order no-1 tree/sizes no-2
cp "$out" "$tmp/expected"
for jobs in 1 2 5; do
    status 1 "$TREEMILL" hash -j $jobs --chunksize 3 --format json \
        tree/order no-1 tree/sizes no-2
    same "$out" "$tmp/expected"
done

# --- workers that die ---------------------------------------------------------

# More work than one tree is: eight times, under names that differ.
eight='tree ./tree ././tree ./././tree .//tree .///tree .////tree ./tree/.'
slow='-j2 --format json -a sha256,sha512,md5,blake2b --exclude deep/'

t 'workers killed at random: every file is reported once'
if [ -z "$(children $$)" ] && [ ! -e "/proc/$$/task/$$/children" ]; then
    skip 'the kernel does not list children'
else
    # shellcheck disable=SC2086
    "$TREEMILL" hash $slow -j0 $eight >"$tmp/expected"
    sed 's/,"type".*//' "$tmp/expected" >"$tmp/paths"
    for order in --ordered --unordered; do
        # shellcheck disable=SC2086
        "$TREEMILL" hash $slow $order $eight >"$out" 2>"$err" &
        pid=$!
        kill_workers $pid
        wait $pid
        is "$?" 1
        ok [ "$killed" -gt 3 ]
        sed 's/,"type".*//' "$out" >"$tmp/got"
        if [ $order = --unordered ]; then
            sort -o "$tmp/got" "$tmp/got"
            sort -o "$tmp/paths" "$tmp/paths"
        fi
        same "$tmp/got" "$tmp/paths"
        failures=$(grep -c '"error":"its worker was killed' "$out")
        ok [ "$failures" -gt 0 ]
        ok [ "$failures" -le "$killed" ]
        is "$(grep -c 'its worker was killed (signal 9, Killed)$' "$err")" \
            "$failures"
    done
fi

t 'with --retries nothing of it is seen'
if [ ! -e "/proc/$$/task/$$/children" ]; then
    skip 'the kernel does not list children'
else
    # shellcheck disable=SC2086
    "$TREEMILL" hash $slow --retries 100 $eight >"$out" 2>"$err" &
    pid=$!
    kill_workers $pid
    wait $pid
    is "$?" 0
    ok [ "$killed" -gt 3 ]
    same "$out" "$tmp/expected"
    is "$(cat "$err")" ''
fi

# --- time limits --------------------------------------------------------------

mkfifo hang
exec 3<>hang

t '--timeout gives up on one file only'
status 1 timeout 10 "$TREEMILL" hash -j1 --timeout 0.3 tree/order - tree/hidden \
    <hang
is "$(cat "$err")" 'treemill: -: took longer than --timeout allows'
"$TREEMILL" hash tree/order tree/hidden >"$tmp/expected"
same "$out" "$tmp/expected"

t '--timeout and --retries'
status 1 timeout 10 "$TREEMILL" hash --timeout 0.1 --retries 2 - <hang
is "$(grep -c . "$err")" 1

t 'a limit that is not reached changes nothing'
status 0 "$TREEMILL" hash --timeout 30 tree
same "$out" "$tmp/oracle"

# --- what is said ---------------------------------------------------------------

t '--stats ends with the figures'
status 0 "$TREEMILL" hash -j2 --chunksize 7 --stats tree/sizes tree/many
files=$(find tree/sizes tree/many -type f | wc -l)
bytes=$(find tree/sizes tree/many -type f -exec cat {} + | wc -c)
has "$err" "^treemill: files  *$files (0 failed)$"
has "$err" "^treemill: bytes  *$bytes$"
has "$err" '^treemill: seconds  *[0-9]*\.[0-9]*$'
has "$err" '^treemill: files/s  *[0-9]*$'
has "$err" '^treemill: MB/s  *[0-9.]*$'
has "$err" '^treemill: workers  *2, busy [0-9]*% [0-9]*%$'
has "$err" '^treemill: chunks  *[0-9]*$'
has "$err" '^treemill: chunksize  *7$'
status 1 "$TREEMILL" hash --stats nowhere
has "$err" '^treemill: files  *1 (1 failed)$'
has "$err" '^treemill: chunksize  *[0-9]* (auto'

t 'silence: results on stdout, nothing on stderr'
for option in '' -q --progress; do
    # shellcheck disable=SC2086
    status 0 "$TREEMILL" hash $option tree
    same "$out" "$tmp/oracle"
    is "$(cat "$err")" ''
done

t '-v says a little more'
status 0 "$TREEMILL" hash -v -j3 tree
same "$out" "$tmp/oracle"
is "$(cat "$err")" 'treemill: hash with 3 workers, results in order'

t '-q still says what is wrong'
status 1 "$TREEMILL" hash -q nowhere
is "$(cat "$err")" 'treemill: nowhere: No such file or directory'

# drawn OPTION...: a run of about 0.6 s with a terminal as stderr
drawn()
{
    : >"$tmp/typed"
    script -qec "'$TREEMILL' hash --timeout 0.6 -j1 $* tree/sizes/31 - \
        3<&- <hang >'$tmp/results'" "$tmp/typed" >/dev/null 2>&1 </dev/null
}

t 'progress on a terminal, at most ten times a second'
if script -qec true /dev/null >/dev/null 2>&1 </dev/null; then
    drawn
    has "$tmp/typed" '1 file, 31 B, .*files/s, .*ETA '
    times=$(tr '\r' '\n' <"$tmp/typed" | grep -a -c 'files/s')
    ok [ "$times" -ge 2 ]
    ok [ "$times" -le 7 ]
    is "$(grep -c . "$tmp/results")" 1
    for option in --no-progress -q; do
        drawn $option
        lacks "$tmp/typed" 'files/s'
        has "$tmp/typed" 'took longer than --timeout allows'
    done
    drawn -q --progress
    has "$tmp/typed" 'files/s'
else
    skip 'there is no script(1), or no terminal for it'
fi
exec 3>&-

# --- files that change ----------------------------------------------------------

t 'a file that grows all the time has no digest'
truncate -s 160M growing
while :; do echo x; done >>growing &
writer=$!
until [ "$(stat -c %s growing)" -gt 167772160 ]; do :; done
for format in gnu bsd mtree json; do
    status 1 "$TREEMILL" hash -a sha256 --format $format tree/sizes/0 growing
    has "$err" '^treemill: growing: changed while being read$'
    has "$out" 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
    if [ $format = json ]; then
        has "$out" '"path":"growing".*"error":"changed while being read"'
    else
        lacks "$out" growing
    fi
done
kill $writer
wait $writer 2>/dev/null || :

t 'a file truncated under us never kills the run'
while :; do
    : >shrinking
    truncate -s 8M shrinking
done &
writer=$!
i=0
while [ $((i += 1)) -le 15 ]; do
    code=0
    "$TREEMILL" hash -j2 shrinking tree/sizes shrinking >"$out" 2>"$err" ||
        code=$?
    ok [ $code -le 1 ]
    is "$(grep -c '  tree/sizes/' "$out")" "$(find tree/sizes -type f | wc -l)"
    is "$(cat "$out" "$err" | grep -c shrinking)" 2
done
kill $writer
wait $writer 2>/dev/null || :
