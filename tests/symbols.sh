#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# symbols: the shared library exports what treemill.h declares, no more and no
# less.

top=$(cd "$(dirname "$0")/.." && pwd) || exit 99
# shellcheck source=tests/cli/lib.sh
. "$top/tests/cli/lib.sh"

lib=${builddir:?}/.libs/libtreemill.so

# The functions that treemill.h declares, one a line.
declared()
{
    # CC may hold options.
    # shellcheck disable=SC2086
    ${CC:-cc} -E -P "$top/src/libtreemill/treemill.h" |
        sed '/^#/d' | tr '\n' ' ' | tr ';' '\n' |
        sed -n '/typedef/d; s/.*[ *]\(tmill_[a-z0-9_]*\)(.*/\1/p' |
        LC_ALL=C sort
}

# The symbols that the library exports; __ are the sanitizers'.
exported()
{
    # NM may hold options.
    # shellcheck disable=SC2086
    ${NM:-nm} -D --defined-only "$lib" | awk '{ print $3 }' |
        grep -Ev '^(_init|_fini|_edata|_end|__.*)$' | LC_ALL=C sort
}

t 'treemill.h declares functions'
declared >want
has want '^tmill_pool_create$'

t 'the library exports them and nothing else'
if [ -e "$lib" ]; then
    exported >got
    same got want
else
    skip 'built without the shared library'
fi
