#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# layers: includes go one way only,
#
#   common  <-  libtreemill  <-  ops, sinks  <-  cli
#
# never between ops and sinks, and what is above libtreemill sees of it
# nothing but treemill.h.  Shown to fail on planted violations.

top=$(cd "$(dirname "$0")/.." && pwd) || exit 99
# shellcheck source=tests/cli/lib.sh
. "$top/tests/cli/lib.sh"

# violations DIR: prints every include under DIR that is not allowed.
violations()
{
    # shellcheck disable=SC2016
    (cd "$1" && find . -name '*.[ch]' | LC_ALL=C sort | xargs awk '
        BEGIN {
            layers = " common libtreemill ops sinks cli "
            may["common"] = " common "
            may["libtreemill"] = " common libtreemill "
            may["ops"] = " common ops "
            may["sinks"] = " common sinks "
            may["cli"] = " common ops sinks cli "
        }
        /^[ \t]*#[ \t]*include/ {
            split(FILENAME, part, "/")
            layer = part[2]
            file = $0
            sub(/^[^"<]*/, "", file)
            quoted = substr(file, 1, 1) == "\""
            file = substr(file, 2)
            sub(/[">].*/, "", file)
            split(file, part, "/")
            if (!quoted && !index(layers, " " part[1] " "))
                next
            if (quoted && index(may[layer], " " part[1] " "))
                next
            if (quoted && file == "libtreemill/treemill.h" &&
                layer ~ /^(ops|sinks|cli)$/)
                next
            print FILENAME ":" FNR ": " $0
        }')
}

# plant FILE INCLUDE: makes a file with that one include.
plant()
{
    echo "#include $2" >"$1"
}

t 'includes go one way'
ok [ -e "$top/src/common/buf.h" ]
is "$(violations "$top/src")" ''

mkdir common libtreemill ops sinks cli
plant common/fine.c '"common/buf.h"'
plant ops/fine.c '"libtreemill/treemill.h"'
plant cli/fine.h '"sinks/sink.h"'
plant cli/fine.c '<errno.h>'
t 'what is allowed is found to be'
is "$(violations .)" ''

while read -r file include; do
    t "$file must not include $include"
    plant "$file" "$include"
    is "$(violations .)" "./$file:1: #include $include"
    rm "$file"
done <<'END'
common/planted.c "libtreemill/treemill.h"
common/planted.h "cli/msg.h"
libtreemill/planted.c "ops/op.h"
libtreemill/planted.c "cli/msg.h"
ops/planted.c "sinks/sink.h"
ops/planted.c "libtreemill/pool.h"
ops/planted.c <libtreemill/pool.h>
ops/planted.c "../libtreemill/pool.h"
sinks/planted.c "ops/op.h"
sinks/planted.c "cli/msg.h"
cli/planted.c "libtreemill/walk.h"
cli/planted.c "options.h"
END
