#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# hash_signals: a signal stops a run within a second, whatever it is doing, and
# leaves neither worker nor temporary file.

# shellcheck disable=SC2012,SC2013,SC2086
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

# A shell starts what it runs in the background with SIGINT ignored.
env --default-signal=INT true 2>/dev/null ||
    skip_all 'this env has no --default-signal'
[ -e "/proc/$$/task/$$/children" ] ||
    skip_all 'the kernel does not list children'

# offspring PID: all its descendants
offspring()
{
    for child in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do
        echo "$child"
        offspring "$child"
    done
}

# gone PID...: none is left, or none but zombies that init has yet to reap
gone()
{
    for pid; do
        case $(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null) in
        '' | Z*) ;;
        *) return 1 ;;
        esac
    done
}

# soon COMMAND...: it is true now or within three seconds
soon()
{
    tries=60
    until "$@"; do
        [ $((tries -= 1)) -gt 0 ] || return 1
        sleep 0.05
    done
}

# has_workers PID: it has begun
has_workers()
{
    [ "$(offspring "$1" | grep -c .)" -ge 2 ]
}

# start ARGUMENT...: treemill in the background, in a process group of its own,
# standard input being the descriptor 3, and waits until it works.
start()
{
    env --default-signal=INT,TERM,HUP setsid "$TREEMILL" "$@" <&3 3<&- \
        >"$out" 2>"$err" &
    pid=$!
    case " $* " in
    *' -j0 '*) sleep 0.2 ;;
    *) ok soon has_workers $pid && sleep 0.05 ;;
    esac
    family=$(offspring $pid)
}

# stops SIGNAL STATUS [-]: the signal, to treemill or to its whole group, ends
# it with this status, in less than a second, and nothing is left
stops()
{
    began=$(date +%s%N)
    kill "-$1" "${3-}$pid"
    soon gone $pid || kill -KILL $pid
    code=0
    wait $pid 2>/dev/null || code=$?
    is "$code" "$2"
    ms=$((($(date +%s%N) - began) / 1000000))
    [ $ms -lt 1000 ]
    verdict $? "it took $ms ms"
    # shellcheck disable=SC2086
    ok gone $family
    is "$(ls -A d)" old
    is "$(cat d/old)" old
    is "$(cat "$err")" ''
    rm -f d/.[!.]*
}

mkdir d
echo old >d/old
mkfifo hang full
exec 3<>hang
truncate -s 200G huge

while read -r signal code group; do
    t "SIG$signal${group:+ to the group}: exit status $code"
    start hash -j2 -o d/old huge huge huge
    stops "$signal" "$code" $group
done <<'END'
INT 130
TERM 143
HUP 129
INT 130 -
TERM 143 -
HUP 129 -
END

t 'while a worker waits for standard input'
start hash -o d/old -
stops TERM 143

t 'while the list of --files-from is waited for'
start hash -o d/old --files-from -
stops INT 130

t 'while check waits for its manifest'
start check -o d/old
stops INT 130
start check -o d/old -
stops TERM 143

t 'while check reads a FIFO named as a manifest'
start check -o d/old hang
stops TERM 143

t 'while check verifies'
echo 'd41d8cd98f00b204e9800998ecf8427e  huge' >manifest
start check -o d/old manifest
stops INT 130
start check -j1 -o d/old manifest
stops TERM 143 -

t 'without workers, too'
start hash -j0 -o d/old huge
stops INT 130
start hash -j0 -o d/old -
stops TERM 143

t 'while nobody reads standard output'
mkdir many
(cd many && seq 3000 | sed 's/$/-of-many-files-with-a-long-name/' | xargs touch)
exec 4<>full
env --default-signal=INT "$TREEMILL" hash many >full 2>"$err" 3<&- 4<&- &
pid=$!
sleep 0.3
family=$(offspring $pid)
stops INT 130
exec 4<&-

t 'while a tree is walked that has no file for a long time'
i=0
mkdir level-25
while [ $i -lt 25 ]; do
    mkdir level-$i
    for link in a b c; do
        ln -s ../level-$((i + 1)) level-$i/$link
    done
    i=$((i + 1))
done
start hash -L -o d/old level-0
stops INT 130

t 'SIGINT that was ignored from the start stays ignored'
sh -c 'trap "" INT; exec "$TREEMILL" hash -o d/old -' <&3 3<&- >"$out" \
    2>"$err" &
pid=$!
ok soon has_workers $pid
family=$(offspring $pid)
kill -INT $pid
sleep 0.3
ok [ -d "/proc/$pid" ]
stops TERM 143

# leaderless ARGUMENT...: treemill hash, whose zygote is killed
leaderless()
{
    start hash -j2 "$@" huge huge huge
    kill -KILL "$(tr -d ' ' <"/proc/$pid/task/$pid/children")"
    soon gone $pid || kill -KILL $pid
    code=0
    wait $pid 2>/dev/null || code=$?
    is $code 2
    has "$err" '^treemill: '
    # shellcheck disable=SC2086
    ok soon gone $family
    is "$(ls -A d)" old
    is "$(cat d/old)" old
}

t 'killed, it takes its workers along'
start hash -j2 huge huge huge
kill -KILL $pid
wait $pid 2>/dev/null
# shellcheck disable=SC2086
ok soon gone $family

t 'without its zygote it ends, and says so'
leaderless -o d/old
leaderless
