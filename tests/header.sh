#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# header: treemill.h compiles alone, as strict C11 and as C++17, without
# feature macros; so does every internal header, with ours.

top=$(cd "$(dirname "$0")/.." && pwd) || exit 99
# shellcheck source=tests/cli/lib.sh
. "$top/tests/cli/lib.sh"

warn='-Wall -Wextra -Wpedantic -Werror -fsyntax-only'

# alone HEADER COMPILER FLAGS...: a file that includes HEADER only, twice.
alone()
{
    header=$1
    shift
    # CC may hold options.
    # shellcheck disable=SC2086
    printf '#include "%s"\n#include "%s"\nint unit_%d(void);\n' \
        "$header" "$header" "$$" |
        "$@" $warn "-I$top/src" -
}

t 'treemill.h as C11'
# shellcheck disable=SC2086
ok alone libtreemill/treemill.h ${CC:-cc} -std=c11 -xc

t 'treemill.h as C++17'
cxx=
for name in ${CXX:-} g++ clang++; do
    [ -n "$cxx" ] || cxx=$(command -v "$name")
done
if [ -n "$cxx" ]; then
    ok alone libtreemill/treemill.h "$cxx" -std=c++17 -xc++
else
    skip 'no C++ compiler'
fi

for path in "$top"/src/*/*.h; do
    header=${path#"$top/src/"}
    t "$header"
    # shellcheck disable=SC2086
    ok alone "$header" ${CC:-cc} -std=c11 -xc -D_GNU_SOURCE
done
