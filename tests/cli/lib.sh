# shellcheck shell=sh
# SPDX-License-Identifier: BSD-2-Clause
#
# lib.sh: what every test of the command sources, as its first act:
#
#   . "$(dirname "$0")/lib.sh"
#
#   t 'an empty file has a digest'
#   : >empty
#   status 0 "$TREEMILL" hash empty
#   has "$out" '  empty$'
#
#   t 'a file without permission is named'
#   if [ "$(id -u)" = 0 ]; then
#       skip 'root may read everything'
#   else
#       ...
#   fi
#
# A case runs from its t to the next, and passes when it made at least one
# assertion and none failed. A failed assertion says what it saw and goes on.
# At exit one line counts the cases; the exit status is 1 when one failed or
# the script ended early, 77 when all were skipped, else 0.
#
# The script starts in an empty directory of its own, $tmp/work, and all of
# $tmp is removed at exit. $TREEMILL, absolute, is the command under test.
# Assertions work in subshells and pipelines, too: their outcome is kept in
# files, in $tmp/case.

set -u

# --- cases -------------------------------------------------------------------

# t NAME - ends the case before and begins this one
t()
{
    end_case
    case_name=$1
    rm -rf "$tmp/case"
    mkdir "$tmp/case"
}

# skip REASON - what this case needs is not here; its failures still count
skip()
{
    printf '%s\n' "$1" >"$tmp/case/skipped"
}

# skip_all REASON - ends the script; nothing in it can run here
skip_all()
{
    t 'all'
    skip "$1"
    finish
}

# finish - ends the script. The end of the script does that, too: call this
# only to end sooner.
finish()
{
    exit 0
}

# --- assertions --------------------------------------------------------------

# ok COMMAND... - it succeeds
ok()
{
    "$@"
    verdict $? "failed: $*"
}

# is ACTUAL EXPECTED - the strings are equal
is()
{
    [ "$1" = "$2" ]
    verdict $? "is:        $1
expected:  $2"
}

# same FILE EXPECTED - the files are equal, byte for byte
same()
{
    difference=$(cmp -- "$1" "$2" 2>&1 || diff -a -u -- "$2" "$1" 2>&1)
    [ -z "$difference" ]
    verdict $? "$difference"
}

# status N COMMAND... - it ends with this status. What it printed is in the
# files $out and $err, for the next assertions.
status()
{
    expected=$1
    shift
    actual=0
    "$@" >"$out" 2>"$err" || actual=$?
    [ "$actual" -eq "$expected" ]
    verdict $? "exit status $actual, expected $expected: $*
$(head -n 10 "$err")"
}

# has FILE PATTERN - a line of the file matches the basic regular expression
has()
{
    grep -a -q -e "$2" -- "$1"
    verdict $? "nothing matches $2 in $1:
$(head -n 10 "$1")"
}

# lacks FILE PATTERN - no line of the file matches; the file must be there
lacks()
{
    found=$(grep -a -n -e "$2" -- "$1" 2>&1)
    [ $? -eq 1 ]
    verdict $? "this matches $2 in $1:
$found"
}

# --- inside ------------------------------------------------------------------

# verdict STATUS TEXT - counts an assertion; the text says what was wrong
verdict()
{
    : >"$tmp/case/asserted"
    [ "$1" -eq 0 ] && return
    printf '%s\n' "$2" >>"$tmp/case/failed"
}

# not_ok NAME - reports it, with the diagnostics that the case has
not_ok()
{
    failed=$((failed + 1))
    printf 'not ok - %s\n' "$1"
    sed 's/^/#   /' "$tmp/case/failed"
}

end_case()
{
    [ -n "$case_name" ] || return 0
    if [ ! -e "$tmp/case/asserted" ] && [ ! -e "$tmp/case/skipped" ]; then
        echo 'no assertion was made' >"$tmp/case/failed"
    fi
    if [ -e "$tmp/case/failed" ]; then
        not_ok "$case_name"
    elif [ -e "$tmp/case/skipped" ]; then
        skipped=$((skipped + 1))
        printf 'ok - %s # SKIP %s\n' "$case_name" "$(cat "$tmp/case/skipped")"
    else
        passed=$((passed + 1))
        printf 'ok - %s\n' "$case_name"
    fi
    case_name=
}

# The EXIT trap. $1 is the status with which the script wanted to end.
end_script()
{
    trap - EXIT
    if [ "$1" -ne 0 ]; then
        echo "the script ended early, with status $1" >>"$tmp/case/failed"
        case_name=${case_name:-the whole script}
    elif [ -z "$case_name" ]; then
        echo 'it has no case' >"$tmp/case/failed"
        case_name='the whole script'
    fi
    end_case
    cd /
    chmod -R u+rwx "$tmp" 2>/dev/null
    rm -rf "$tmp"
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$1" -le 128 ] || exit "$1"
    [ "$failed" -eq 0 ] || exit 1
    [ "$passed" -gt 0 ] || exit 77
    exit 0
}

case ${TREEMILL:-} in
/*) ;;
*)
    echo "$0: TREEMILL must be the absolute path of the command" >&2
    exit 99
    ;;
esac

passed=0 failed=0 skipped=0 case_name=''
tmp=$(mktemp -d "${TMPDIR:-/tmp}/treemill-cli.XXXXXX") || exit 99
out=$tmp/out
err=$tmp/err
trap 'end_script $?' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir "$tmp/work" "$tmp/case"
: >"$out"
: >"$err"
cd "$tmp/work" || exit 99
