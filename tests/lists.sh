#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# lists: every source, test and script of the tree is named in Makefile.am, so
# none is left out of the build, of `make check` or of the tarball.

top=$(cd "$(dirname "$0")/.." && pwd) || exit 99
# shellcheck source=tests/cli/lib.sh
. "$top/tests/cli/lib.sh"

# listed FILE: as it is, or, for a program of one source, without its .c.
listed()
{
    grep -Eq "(^|[[:space:]])${1%.c}(\.c)?([[:space:]]|\$)" "$top/Makefile.am"
}

# unlisted DIR: prints the files of DIR that are not.
unlisted()
{
    (cd "$top" && find "$1" -name '*.[ch]' -o -name '*.sh') |
        while read -r file; do
            listed "$file" || echo "$file"
        done
}

t 'sources are in Makefile.am'
is "$(unlisted src)" ''

t 'tests are in Makefile.am'
is "$(unlisted tests)" ''

t 'a file that is not there is not'
ok [ -e "$top/Makefile.am" ]
is "$(listed src/cli/planted.c && echo listed)" ''
