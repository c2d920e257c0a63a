#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# usage: the command line itself: what is refused, and how, and help.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

echo hello >a
echo hello >./-x
"$TREEMILL" hash -a md5 a >m

# wrong PATTERN ARGUMENT...: exit status 2, nothing on stdout, and a line on
# stderr that matches, and one that points to --help
wrong()
{
    pattern=$1
    shift
    status 2 timeout 10 "$TREEMILL" "$@" </dev/null
    is "$(cat "$out")" ''
    has "$err" "^treemill: .*$pattern"
    has "$err" '^treemill: try .*--help'
    is "$(grep -c . "$err")" 2
}

t 'no command, or one that there is not'
wrong 'which command' ''
status 2 "$TREEMILL"
wrong "'hsah'" hsah
wrong "'nothing'" help nothing
wrong "'--no-such-thing'" --no-such-thing

t 'options that there are not'
wrong "'--no-such'" hash --no-such a
wrong "'--no-such=1'" check --no-such=1 m
wrong '-W' hash -W a
wrong '-W' hash -qW a
wrong '-z' check -z m
wrong "'--format'" check --format gnu m
wrong "'--audit" hash --audit=. a
wrong "'--tree-digest'" check --tree-digest
wrong "'--max'" hash --max 1 a
wrong "'--quiet=1'" hash --quiet=1 a

t 'options without their value'
wrong "'-j'" hash a -j
wrong "'--jobs'" hash a --jobs
wrong "'--output'" check m --output
wrong "'-C'" check m -C

t 'values that are wrong'
for n in -1 x 1x '' 1025 1.5 99999999999999999999 ' 1' +1; do
    wrong "--jobs: '$n'" hash -j "$n" a
done
for n in 0 -1 x '' 1000001 Auto; do
    wrong "--chunksize: '$n'" hash --chunksize "$n" a
done
for n in 0 -1 x '' 1s nan inf 1e9; do
    wrong "--timeout: '$n'" hash --timeout "$n" a
done
for option in retries max-tasks max-depth; do
    for n in -1 x '' 99999999999; do
        wrong "--$option: '$n'" hash --$option "$n" a
        wrong "--$option: '$n'" check --$option "$n" m
    done
done
wrong "--algorithm: 'sha0'" hash -a sha0 a
wrong "--algorithm: 'sha0'" check -a md5,sha0 m
wrong "--format: 'xml'" hash --format xml a

t 'values that are right, at the edges'
for options in '-j 0' '-j 1' '--chunksize 1' '--chunksize 1000000' \
    '--timeout 0.001 --retries 3' '--timeout 2000000' '--retries 0' \
    '--max-tasks 0' '--max-depth 0' '-a MD5,Sha256' '--chunksize auto'; do
    # shellcheck disable=SC2086
    timeout 10 "$TREEMILL" hash $options a >"$out" 2>"$err"
    ok [ $? -le 1 ]
done

t 'options that do not go together'
wrong '--null' hash -0 a
wrong 'standard input' hash --files-from - -
wrong 'standard input' check - -
wrong '--tree-digest' hash --tree-digest --unordered .
wrong '--tree-digest' hash --tree-digest --files-from a
wrong '--tree-digest' hash --tree-digest --format mtree .

t 'what does not exist is no wrong usage'
status 2 "$TREEMILL" hash --exclude-from nowhere a
is "$(cat "$err")" 'treemill: nowhere: No such file or directory'

t 'options and arguments in any order; the last of two counts'
expected=$("$TREEMILL" hash -a md5 --tag a m)
for arguments in 'a m -a md5 --tag' '-amd5 a --format=bsd m' \
    '--algorithm=md5 a m --tag' 'a --alg sha1 -a md5 m --format json --tag'; do
    # shellcheck disable=SC2086
    status 0 "$TREEMILL" hash $arguments
    is "$(cat "$out")" "$("$TREEMILL" hash -a md5 --tag a m)"
done
status 0 "$TREEMILL" check m --quiet
is "$(cat "$out")" ''

t '-- ends the options'
status 0 "$TREEMILL" hash -a md5 -- -x
is "$(cat "$out")" 'b1946ac92492d2347c6235b4d2611184  -x'
status 1 "$TREEMILL" hash -- a --tag
has "$err" '^treemill: --tag: No such file or directory$'
cp m ./-m
status 0 "$TREEMILL" check -- -m

t 'POSIXLY_CORRECT ends them at the first argument'
POSIXLY_CORRECT=1 status 1 "$TREEMILL" hash a --tag
has "$err" '^treemill: --tag: No such file or directory$'

t '--help, on stdout'
for arguments in --help -h help; do
    status 0 "$TREEMILL" $arguments
    has "$out" '^usage: treemill COMMAND'
    has "$out" '^  hash  *[a-z]'
    has "$out" '^  check  *[a-z]'
    has "$out" '^exit status: 0'
    is "$(cat "$err")" ''
done
for command in hash check; do
    status 0 "$TREEMILL" $command --help
    cp "$out" help
    has help "^usage: treemill $command "
    for arguments in "$command -h" "help $command" "$command --help --jobs 2"; do
        # shellcheck disable=SC2086
        status 0 "$TREEMILL" $arguments
        same "$out" help
    done
done

t '--help has every shared option'
for command in hash check; do
    status 0 "$TREEMILL" $command --help
    for option in '-j, --jobs N' '--chunksize N' --ordered --unordered \
        '--retries N' '--timeout SECONDS' '--max-tasks N' '--exclude GLOB' \
        '--include GLOB' '--exclude-from FILE' '-x, --one-file-system' \
        '-L, --follow' '--max-depth N' '-o, --output FILE' --progress \
        --no-progress --stats '-q, --quiet' '-v, --verbose' \
        '-a, --algorithm LIST'; do
        has "$out" "^  .*$option  *[^ ]"
    done
done
status 0 "$TREEMILL" hash --help
for option in '--format FORMAT' --tag '-z, --zero' --tree-digest \
    '--files-from FILE' '-0, --null'; do
    has "$out" "^  .*$option  *[^ ]"
done
status 0 "$TREEMILL" check --help
for option in '--audit DIR' --ignore-missing --strict '-C, --directory DIR' \
    --beneath --json; do
    has "$out" "^  .*$option  *[^ ]"
done

t '--help fits a terminal'
for command in '' hash check; do
    status 0 "$TREEMILL" help $command
    ok [ "$(wc -L <"$out")" -le 80 ]
done

t '--version'
status 0 "$TREEMILL" --version
has "$out" '^treemill [0-9]'
is "$(grep -c . "$out")" 1
