#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# docs: the documents say what the code has.
#
#   options of --help             =  treemill.1, .It lines, word for word
#   functions of treemill.h       =  treemill.3, .Fo lines
#   constants of treemill.h       in treemill.3, .Dv
#   the example of treemill.3     compiles
#   files that architecture.md names, in backquotes, are there
#
# Each comparison is shown to fail on a planted difference.

top=$(cd "$(dirname "$0")/.." && pwd) || exit 99
# shellcheck source=tests/cli/lib.sh
. "$top/tests/cli/lib.sh"

docs=$top/docs
header=$top/src/libtreemill/treemill.h

# --- options -----------------------------------------------------------------

# helped COMMAND: prints its options, "-j, --jobs N" or "--stats", a line each.
helped()
{
    "$TREEMILL" "$1" --help |
        sed -n 's/^ *\(-.*\)/\1/p' |
        sed 's/\(--[^ ]*\( [A-Z][A-Z]*\)\{0,1\}\) .*/\1/' | LC_ALL=C sort
}

# manned COMMAND <PAGE: prints the same of the manual page: the options of all
# commands, those that hash and check share, and those of this one.
manned()
{
    awk -v command="$1" '
        /^\.S[hs] / { in_it = 0 }
        $0 == ".Ss Options of all commands" { in_it = 1 }
        $0 == ".Ss Options of hash and check" { in_it = command != "tune" }
        $0 == ".Ss Options of " command { in_it = 1 }
        in_it && /^\.It Fl / {
            sub(/^\.It /, "")
            gsub(/Fl Fl /, "--")
            gsub(/Fl /, "-")
            gsub(/ ,/, ",")
            gsub(/Ar /, "")
            print
        }' | LC_ALL=C sort
}

# without TEXT <FILE: the file without the lines that hold it.
without()
{
    grep -v -F -e "$1"
}

for command in hash check tune; do
    t "options of $command"
    ok [ "$(helped "$command" | wc -l)" -ge 8 ]
    is "$(manned "$command" <"$docs/treemill.1")" "$(helped "$command")"
done

t 'an option that the page forgets is missed'
is "$(without 'Fl Fl stats' <"$docs/treemill.1" | manned check |
    grep -c -e '--stats')" 0
is "$(manned check <"$docs/treemill.1" | grep -c -e '--stats')" 1

t 'an option that is only in the page is seen'
sed 's/^\.It Fl Fl strict$/&\n.It Fl p , Fl Fl planted Ar N/' \
    "$docs/treemill.1" >planted.1
is "$(manned check <planted.1 | grep -e planted)" '-p, --planted N'
is "$(manned hash <planted.1 | grep -c -e planted)" 0

t 'commands'
for command in $("$TREEMILL" --help | sed -n 's/^  \([a-z]*\)  *.*/\1/p'); do
    has "$docs/treemill.1" "^\\.Cm $command\$"
done
ok [ -n "$command" ]

t 'algorithms'
"$TREEMILL" hash -a help | while read -r name _; do
    has "$docs/treemill.1" "^\\.Cm .*\\<$name\\>"
done
has "$docs/treemill.1" '^\.Cm .*blake2b'

# --- functions ---------------------------------------------------------------

# declared HEADER: prints the functions, and function types, that it declares.
declared()
{
    # Without comments, which name functions, too.
    sed -e 's,/\*.*\*/,,' -e '/\/\*/,/\*\//d' "$1" |
        grep -o 'tmill_[a-z_]*(' | tr -d '(' | LC_ALL=C sort -u
}

# described PAGE: prints those of the synopsis.
described()
{
    sed -n 's/^\.Fo //p' "$1" | LC_ALL=C sort
}

# unexplained HEADER PAGE: prints the constants that are not in the page.
unexplained()
{
    grep -o '\<TMILL_[A-Z_]*\>' "$1" | LC_ALL=C sort -u |
        while read -r name; do
            grep -q "^\\.\\(It \\)\\{0,1\\}\\(Pq \\)\\{0,1\\}Dv $name\\>" "$2" ||
                echo "$name"
        done
}

t 'functions'
ok [ "$(declared "$header" | wc -l)" -gt 20 ]
is "$(described "$docs/treemill.3")" "$(declared "$header")"

t 'every function is told about'
for name in $(declared "$header"); do
    has "$docs/treemill.3" "^\\.Fn $name\\>"
done

t 'constants'
is "$(unexplained "$header" "$docs/treemill.3")" ''

t 'what is new in the header is missed in the page'
{
    cat "$header"
    echo 'int tmill_planted(void); enum { TMILL_PLANTED };'
} >planted.h
is "$(declared planted.h | grep -vxF "$(described "$docs/treemill.3")")" \
    tmill_planted
is "$(unexplained planted.h "$docs/treemill.3")" TMILL_PLANTED

# --- the example -------------------------------------------------------------

t 'the example of treemill.3 compiles'
sed -n '/^\.\\" example begin/,/^\.\\" example end/p' "$docs/treemill.3" |
    sed -e '/^\./d' -e 's/\\e/\\/g' >example.c
has example.c '^int main('
# CC is a list of words.
# shellcheck disable=SC2086
ok ${CC:-cc} -std=c11 -Wall -Werror -I"${header%/*}" -c -o example.o example.c

# --- files -------------------------------------------------------------------

# named FILE: prints what it names in backquotes that looks like a file or a
# folder of the tree.
named()
{
    # shellcheck disable=SC2016
    grep -o '`[A-Za-z0-9_./-]*`' "$1" | tr -d '`' |
        grep -E '^(src|tests|docs|\.ci)/|\.(c|h|sh|md|ac|am)$' |
        LC_ALL=C sort -u
}

# absent FILE: prints those of them that are not there.
absent()
{
    named "$1" | while read -r file; do
        [ -e "$top/$file" ] || echo "$file"
    done
}

for page in docs/architecture.md docs/formats.md docs/performance.md README; do
    t "files that $page names"
    ok [ -s "$top/$page" ]
    is "$(absent "$top/$page")" ''
done

t 'architecture.md names files'
ok [ "$(named "$docs/architecture.md" | wc -l)" -gt 20 ]

t 'a file that is not there is missed'
# shellcheck disable=SC2016
echo 'As `src/cli/main.c` and `src/cli/planted.c` say.' >planted.md
is "$(absent planted.md)" src/cli/planted.c
