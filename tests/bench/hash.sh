#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# hash.sh: how fast `treemill hash` is, beside its peers and beside the floor
# (floor.c), on a warm cache with -j2; and what memory it takes. This is what
# `make bench` runs. README says how to run it by hand.
#
#   hash.sh         makes the trees that are not there yet, prints all rows
#   hash.sh clean   removes the trees
#
# A row is a figure, its limit and PASS or MISS; the exit status is 1 when a
# row missed. The commands of one table run alternating, in one run.
#
# shellcheck disable=SC2016 # commands in single quotes are for measure's shell

set -u
LC_ALL=C
export LC_ALL

# --- set-up ------------------------------------------------------------------

die()
{
    echo "hash.sh: $*" >&2
    exit 2
}

bin=${BENCH_BIN:-$(dirname -- "$0")}
bin=$(cd -- "$bin" && pwd) || exit 2
dir=${TMPDIR:-/tmp}/treemill-bench
scale=${BENCH_SCALE:-1}
rounds=${BENCH_ROUNDS:-7}
missed=0
made=
PATH=$bin:$PATH

# need COMMAND... - all of them, or the end
need()
{
    for need_cmd; do
        command -v "$need_cmd" >/dev/null || die "$need_cmd: not found"
    done
}

# scaled N - N times the scale, at least 1
scaled()
{
    awk -v n="$1" -v s="$scale" \
        'BEGIN { n = int(n * s + 0.5); print (n < 1 ? 1 : n) }'
}

# --- trees -------------------------------------------------------------------

# tree NAME DIRS FILES SIZE SPREAD - makes a tree and the floor's list of its
# files, unless a stamp says that they are there. The stamp is written last.
tree()
{
    stamp="$2 dirs of $3 files of $4 +- $5 bytes"
    [ -f "$1.stamp" ] && [ "$(cat "$1.stamp")" = "$stamp" ] && return
    echo "making $1: $stamp"
    remove_tree "$1"
    made=1
    mkfiles "$@" || die "cannot make $dir/$1"
    find "$1" -type f -print0 | sort -z >"$1.list" || die "cannot list $1"
    echo "$stamp" >"$1.stamp"
}

remove_tree()
{
    rm -f "$1.stamp" "$1.list"
    [ ! -d "$1" ] || mkfiles -r "$1" || die "cannot remove $dir/$1"
}

trees='small big flat10k flat100k flat1m even10k even100k even1m'

make_trees()
{
    tree small "$(scaled 2000)" 100 2048 1024
    tree big 1 16 "$(scaled 168750000)" 0
    # Empty files: the cost that could grow is that of names, not of bytes.
    tree flat10k 1 "$(scaled 10000)" 0 0
    tree flat100k 1 "$(scaled 100000)" 0 0
    tree flat1m 1 "$(scaled 1000000)" 0 0
    tree even10k "$(scaled 10)" 1000 0 0
    tree even100k "$(scaled 100)" 1000 0 0
    tree even1m "$(scaled 1000)" 1000 0 0
    [ -z "$made" ] || sync
}

# count TREE - how many files it has
count()
{
    tr -dc '\0' <"$1.list" | wc -c
}

clean()
{
    [ -d "$dir" ] || return 0
    cd "$dir" || exit 2
    for name in $trees; do
        remove_tree "$name"
    done
    rm -f table manifest.* none.list
    rmdir none 2>/dev/null
    rmdir "$dir"
}

# --- figures -----------------------------------------------------------------

# row TEXT FIGURE LIMIT - prints them and the verdict
row()
{
    verdict=$(awk -v figure="$2" -v limit="$3" -v scale="$scale" 'BEGIN {
        if (figure !~ /^[0-9.]+$/) print "MISS"
        else if (scale != 1) print "-"
        else print (figure + 0 <= limit + 0 ? "PASS" : "MISS")
    }')
    [ "$verdict" != MISS ] || missed=1
    printf '%-52s %9s  limit %6s  %s\n' "$1" "$2" "$3" "$verdict"
}

# table TITLE ARGUMENT... - measures, prints the table, keeps it for ratio()
table()
{
    printf '\n%s\n' "$1"
    shift
    measure -n "$rounds" "$@" >table || : >table
    sed 's/^/    /' table
}

# ratio NAME PEER - of the medians in the last table
ratio()
{
    awk -v name="$1" -v peer="$2" '
        $1 == name { a = $2 }
        $1 == peer { b = $2 }
        END { if (b > 0 && a > 0) printf "%.3f\n", a / b; else print "none" }
    ' table
}

# --- rows --------------------------------------------------------------------

facts()
{
    echo "machine   $(nproc) cores, $(sed -n \
        's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"
    echo "memory    $(awk '/^MemTotal/ { print int($2 / 1024) " MiB" }' \
        /proc/meminfo)"
    echo "kernel    $(uname -srm)"
    echo "trees     $dir ($(stat -f -c %T "$dir")), scale $scale"
    echo "treemill  $("$TREEMILL" --version 2>&1 | head -n 1)"
    echo "xxhsum    $(xxhsum --version 2>&1 | head -n 1)"
    echo "xargs     $(xargs --version | head -n 1)"
    echo "sha256sum $(sha256sum --version | head -n 1)"
    echo "openssl   $(openssl version)"
    echo "run       -j2, warm cache, $rounds alternating rounds, medians"
    if [ "$(head -c 2 "$TREEMILL")" = '#!' ]; then
        echo "note: $TREEMILL is a script; all its times include a shell"
    fi
}

# xxhsum blanks a line on stderr for each file, terminal or not.
small_files()
{
    table "$(count small) files of about 2 KB" -p xargs \
        xargs 'find small -type f -print0 |
            xargs -0 -P2 -n500 stdbuf -oL xxhsum -H2 2>/dev/null' \
        treemill '"$TREEMILL" hash -j2 small' \
        floor 'floor -j2 small.list'
    row 'small files: treemill / xargs xxhsum' "$(ratio treemill xargs)" 0.45
    row 'small files: treemill / floor' "$(ratio treemill floor)" 1.5
}

big_files()
{
    table '16 big files, xxh3' -p floor \
        treemill '"$TREEMILL" hash -j2 -a xxh3 big' \
        floor 'floor -j2 -a xxh3 big.list'
    row 'big files, xxh3: treemill / floor' "$(ratio treemill floor)" 1.1
    table '16 big files, sha256 (sha256sum and openssl are serial)' \
        -p sha256sum \
        sha256sum 'sha256sum big/*/*' \
        openssl 'openssl dgst -sha256 big/*/*' \
        treemill '"$TREEMILL" hash -j2 -a sha256 big' \
        floor 'floor -j2 -a sha256 big.list'
    row 'big files, sha256: treemill / sha256sum' \
        "$(ratio treemill sha256sum)" 0.2
    row 'big files, sha256: treemill / openssl' \
        "$(ratio treemill openssl)" 0.55
}

# One run, not timed. The figures are of single processes: see peak.c.
memory()
{
    printf '\nmemory, ordered, %s files in one directory\n' "$(count flat1m)"
    peak "$TREEMILL" hash -j2 flat1m 2>table >/dev/null ||
        echo '    treemill failed'
    line=$(grep '^parent [0-9]' table)
    echo "    KiB: $line"
    # shellcheck disable=SC2086 # its words: parent N worker N workers N ...
    set -- $line
    row 'peak memory of the parent, KiB' "${2:-none}" 65536
    [ "${6:-0}" -gt 0 ] || set -- none
    row 'private memory of a worker, KiB' "${4:-none}" 8192
}

# per_file WHO SHAPE - cost per file in the three trees of the shape, without
# that of starting and ending, which is a run over no file; the last line is
# the dearest of the three by the cheapest
per_file()
{
    awk -v who="$1" -v a="$(count "$2"10k)" -v b="$(count "$2"100k)" \
        -v c="$(count "$2"1m)" '
        function take(n, us) {
            us = ($2 - start) * 1e6 / n
            text = text sprintf("  %.2f us of %d", us, n)
            if (min == 0 || us < min) min = us
            if (us > max) max = us
        }
        $1 == who "-none" { start = $2 }
        $1 == who "-10k" { take(a) }
        $1 == who "-100k" { take(b) }
        $1 == who "-1m" { take(c) }
        END {
            if (min <= 0 || start == 0) { print "none"; exit }
            printf "    %-9s start %.1f ms, per file:%s\n", who, start * 1e3, text
            printf "%.3f\n", max / min
        }' table
}

# growth SHAPE TITLE
growth()
{
    shape=$1
    export shape
    mkdir -p none
    : >none.list
    table "growth, empty files, $2" \
        treemill-none '"$TREEMILL" hash -j2 none' \
        floor-none 'floor -j2 none.list' \
        treemill-10k '"$TREEMILL" hash -j2 "${shape}10k"' \
        treemill-100k '"$TREEMILL" hash -j2 "${shape}100k"' \
        treemill-1m '"$TREEMILL" hash -j2 "${shape}1m"' \
        floor-10k 'floor -j2 "${shape}10k.list"' \
        floor-100k 'floor -j2 "${shape}100k.list"' \
        floor-1m 'floor -j2 "${shape}1m.list"'
    per_file floor "$1" | sed '$s/^/    floor     dearest by cheapest: /'
    per_file treemill "$1" | sed '$d'
    row "$2: dearest / cheapest per file" \
        "$(per_file treemill "$1" | tail -n 1)" 1.2
}

# bad_lines FILE - lines that are not a digest, two spaces and a name of ours
bad_lines()
{
    grep -c -v -x -E '[0-9a-f]{32}  small/d[0-9]{4}/f[0-9]{6}\.dat' "$1"
}

# Not timed: what comes out when two processes write to one pipe or file.
manifests()
{
    printf '\nmanifests of %s files\n' "$(count small)"
    find small -type f -print0 | xargs -0 -P2 -n500 xxhsum -H2 2>/dev/null |
        cat >manifest.xargs
    xargs -0 xxhsum -H2 <small.list >manifest.right 2>/dev/null
    "$TREEMILL" hash -j2 small >manifest.treemill
    echo "    malformed lines, xargs -P2 xxhsum: $(bad_lines manifest.xargs)"
    row 'malformed lines, treemill' "$(bad_lines manifest.treemill)" 0
    row "lines that differ from a serial, sorted xxhsum's" \
        "$(diff manifest.right manifest.treemill | grep -c '^[<>]')" 0
    rm -f manifest.*
}

# --- main --------------------------------------------------------------------

[ $# -eq 0 ] || [ "$*" = clean ] || die 'usage: hash.sh [clean]'
need mkfiles
if [ $# -eq 1 ]; then
    clean
    exit
fi
[ -n "${TREEMILL:-}" ] || die 'TREEMILL must be the path of the command'
TREEMILL=$(command -v "$TREEMILL") || die 'TREEMILL: no such command'
case $TREEMILL in
/*) ;;
*) TREEMILL=$(pwd)/$TREEMILL ;;
esac
export TREEMILL
need floor measure peak find xargs stdbuf xxhsum sha256sum openssl
mkdir -p "$dir" || exit 2
cd "$dir" || exit 2

make_trees
facts
small_files
big_files
memory
growth flat 'one directory'
growth even '1000 a directory'
manifests
rm -f table
exit "$missed"
