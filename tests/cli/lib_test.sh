#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# lib_test.sh: a failure that lib.sh is there to find is found. Each case
# writes a small script that sources lib.sh, runs it, and looks at its exit
# status and at what it printed.

lib=$(cd "$(dirname "$0")" && pwd)/lib.sh

# In plain shell first: a lib.sh that finds nothing would also pass itself.
printf '. "%s"\nt bad\nok false\n' "$lib" | TREEMILL=/bin/true sh >/dev/null
if [ $? -ne 1 ]; then
    echo "$0: lib.sh does not report a failure" >&2
    exit 1
fi

# shellcheck source=tests/cli/lib.sh
. "$lib"

# script EXPECTED - runs the script on stdin under lib.sh
script()
{
    {
        printf '. "%s"\n' "$lib"
        cat
    } >script.sh
    status "$1" env TMPDIR="$tmp/work" TREEMILL=/bin/true sh script.sh
}

# fails ASSERTION - a script with this one assertion fails
fails()
{
    printf 't bad\n%s\n' "$1" | script 1
    has "$out" '^not ok - bad$'
    has "$out" '^0 passed, 1 failed, 0 skipped$'
}

t 'assertions that hold pass'
script 0 <<'END'
t one
ok true
is 'a b' 'a b'
echo x >a; echo x >b
same a b
status 3 sh -c 'echo out; echo err >&2; exit 3'
has "$out" '^out$'
has "$err" '^err$'
lacks "$out" err
t two
ok test -x "$TREEMILL"
END
is "$(cat "$out")" 'ok - one
ok - two
2 passed, 0 failed, 0 skipped'

t 'ok finds a failing command'
fails 'ok false'

t 'is finds another string'
fails 'is a b'
has "$out" '^#   is: *a$'
has "$out" '^#   expected: *b$'

t 'same finds another byte, and a missing file'
fails 'printf a >a; printf b >b; same a b'
fails ': >a; same a nowhere'

t 'status finds another status'
fails 'status 0 false'
fails 'status 1 true'

t 'has finds nothing'
fails 'echo a >a; has a b'
fails 'has nowhere b'

t 'lacks finds a match, and a missing file'
fails 'echo a >a; lacks a a'
fails 'lacks nowhere a'

t 'an assertion that fails in a subshell or a pipeline counts'
fails '(ok false)'
fails 'echo x | while read -r _; do ok false; done'

t 'a failure does not hide behind a later success, nor behind a skip'
fails 'ok false; ok true'
fails 'ok false; skip "not now"'

t 'a case without an assertion fails'
fails ':'
has "$out" 'no assertion'

t 'a script without a case fails'
echo : | script 1
echo finish | script 1

t 'a script that ends early fails'
script 1 <<'END'
t one
ok true
echo "$no_such_variable"
END
has "$out" '^0 passed, 1 failed'
printf 't one\nok true\nexit 5\n' | script 1

t 'one failure among passing cases fails'
printf 't a\nok true\nt b\nok false\nt c\nok true\n' | script 1
has "$out" '^2 passed, 1 failed, 0 skipped$'

t 'skips are counted, and end with 77 when nothing else ran'
printf 't a\nskip "no reason"\n' | script 77
has "$out" '^ok - a # SKIP no reason$'
has "$out" '^0 passed, 0 failed, 1 skipped$'
printf 't a\nskip x\nt b\nok true\n' | script 0
echo 'skip_all "not here"' | script 77

t 'a signal ends the script with its status'
printf 't a\nok true\nkill -TERM $$\nok true\n' | script 143

t 'the temporary directory goes, unreadable parts of it as well'
script 0 <<'END'
t a
mkdir locked; : >locked/file; chmod 0 locked
ok test "$PWD" = "$tmp/work"
END
is "$(find . -name 'treemill-cli.*')" ''

t 'a command that is not absolute is refused'
printf '. "%s"\n' "$lib" >script.sh
status 99 env TREEMILL=treemill sh script.sh
