#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# installed: `make installcheck`.  A program outside the tree finds the
# installed library with pkg-config, links with it shared and static, and runs;
# the static library brings no names but ours.

TREEMILL=${bindir:?}/treemill
top=$(cd "$(dirname "$0")/.." && pwd) || exit 99
# shellcheck source=tests/cli/lib.sh
. "$top/tests/cli/lib.sh"

: "${CC:?}" "${NM:?}" "${PKG_CONFIG:?}" "${libdir:?}"
PKG_CONFIG_PATH=$libdir/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
export PKG_CONFIG_PATH

cat >user.c <<'END'
#include <treemill.h>
/* A name that libtreemill.a must neither define nor call. */
int buf_put(void);
int buf_put(void) { return 0; }
int main(void) { return tmill_cpus() > 0 ? buf_put() : 1; }
END

# user FLAGS...: builds and runs the program.
user()
{
    # CC and pkg-config's answer are lists of words.
    # shellcheck disable=SC2046,SC2086
    $CC user.c -o user $("$PKG_CONFIG" --cflags treemill) \
        "$@" && LD_LIBRARY_PATH=$libdir ./user
}

# names: what libtreemill.a defines that is not tmill_*.
names()
{
    # shellcheck disable=SC2086
    $NM -g --defined-only "$libdir/libtreemill.a" |
        awk 'NF == 3 && $3 !~ /^(tmill_|__)/'
}

t 'linked shared'
if [ -e "$libdir/libtreemill.so" ]; then
    # shellcheck disable=SC2046
    ok user $("$PKG_CONFIG" --libs treemill)
else
    skip 'no shared library'
fi

t 'linked static'
if [ -e "$libdir/libtreemill.a" ]; then
    ok user "$libdir/libtreemill.a"
    is "$(names)" ''
else
    skip 'no static library'
fi

t 'the command runs'
status 0 "$TREEMILL" --version
has "$out" '^treemill '
