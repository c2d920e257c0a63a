#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# tune: treemill tune measures, draws and recommends.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir tree
for name in a b c d; do
    echo "$name" >tree/$name
done

t 'every setting is a line with a bar, and one of each kind is recommended'
status 0 "$TREEMILL" tune tree
has "$out" '^4 files, 0.0 MB, in the page cache; medians of 5$'
has "$out" '^ *1 .* files/s .* MB/s  ##*$'
for size in auto 1 4 16 64 256; do
    has "$out" "^ *$size .* files/s .* MB/s  ##*\$"
done
has "$out" '^fastest, .*: --jobs [0-9]* --chunksize [0-9a-z]*$'
ok [ "$(grep -c '########################################$' "$out")" -ge 2 ]
lacks "$out" '#########################################'
is "$(wc -c <"$err")" 0

t 'what is recommended are settings that hash takes'
# Its words are options.
# shellcheck disable=SC2046
status 0 "$TREEMILL" hash $(sed -n 's/^fastest.*: //p' "$out") tree
is "$(grep -c . "$out")" 4

t 'without a PATH it is the working directory; rules select'
cd tree || exit 1
status 0 "$TREEMILL" tune --exclude '[ab]' -a md5
has "$out" '^2 files'
cd .. || exit 1

t 'a file that cannot be read is named once, and the rest is measured'
status 1 "$TREEMILL" tune tree nowhere
is "$(grep -c 'nowhere: No such file' "$err")" 1
has "$out" '^4 files'

t 'nothing to hash'
mkdir empty
status 2 "$TREEMILL" tune empty
has "$err" 'there is no file to hash'
status 2 "$TREEMILL" tune --jobs 2 tree
