#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# check_formats: manifests of every kind are recognised and verified, for every
# file name that they can carry.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
LC_ALL=C
export LC_ALL

needs()
{
    command -v "$1" >/dev/null 2>&1 || { skip "$1 is not here" && false; }
}

# all_ok N ARGUMENT...: check says that these N files are OK and nothing else
all_ok()
{
    all=$1
    shift
    status 0 "$TREEMILL" check "$@"
    is "$(cat "$err")" "treemill: $all file$([ "$all" = 1 ] || echo s): $all OK"
    is "$(grep -a -c ': OK$' "$out")" "$all"
    is "$(grep -a -c . "$out")" "$all"
}

"${builddir:?}/tests/hostile" -d -u tree || exit 99
rm tree/sizes/sparse
cd tree || exit 99
find . -type f -print0 | sort -z >"$tmp/names"
files=$(tr -cd '\0' <"$tmp/names" | wc -c)
# Names that no program escapes
find . -type f ! -path "*[\\\\$(printf '\n\r')]*" -print0 | sort -z \
    >"$tmp/plain"
plain=$(tr -cd '\0' <"$tmp/plain" | wc -c)
some=$(find names bytes -type f -print0 | tr -cd '\0' | wc -c)

for format in gnu bsd json mtree 'gnu -z' 'bsd -z'; do
    t "our own $format"
    # shellcheck disable=SC2086
    "$TREEMILL" hash --format $format >"$tmp/manifest"
    all_ok "$files" "$tmp/manifest"
    case $format in *-z) continue ;; esac
    for algorithm in xxh3 xxh64 xxh32 md5 sha1 sha256 sha384 sha512 sha3-256 \
        blake2b xxh128,sha256 md5,xxh128 sha512,blake2b,sha256,sha3-256; do
        # gnu has nothing to tell it from another width by
        # shellcheck disable=SC2086
        "$TREEMILL" hash -a $algorithm --format $format names bytes \
            >"$tmp/manifest"
        all_ok "$some" "$tmp/manifest"
    done
done

for program in md5sum sha1sum sha256sum sha384sum sha512sum b2sum; do
    t "$program: plain, -b, --tag, -z"
    needs $program || continue
    cr=$(printf 'a\rb')
    names=$tmp/names n=$files
    # Before 9.0 carriage returns were not escaped
    case $(cd "$tmp/work" && : >"$cr" && $program "$cr" && rm "$cr") in
    \\*) ;;
    *) names=$tmp/plain n=$plain ;;
    esac
    for option in '' -b --tag -z '--tag -z'; do
        # shellcheck disable=SC2086
        xargs -r0 $program $option <"$names" >"$tmp/manifest"
        all_ok "$n" "$tmp/manifest"
    done
done

t 'verdicts are printed as sha256sum prints them'
xargs -r0 sha256sum <"$tmp/plain" | sed '1~7s/^../00/' >"$tmp/manifest"
sha256sum -c "$tmp/manifest" >"$tmp/expected" 2>/dev/null
status 1 "$TREEMILL" check "$tmp/manifest"
same "$out" "$tmp/expected"

for number in 0 1 2 3; do
    t "xxhsum -H$number: plain, --tag, little-endian"
    needs xxhsum || continue
    for option in '' --tag '--tag --little-endian'; do
        # XXH3 of 64 bits looks like XXH64 before 0.8.3, or is a tag line
        # shellcheck disable=SC2086
        xargs -r0 xxhsum -q $option -H$number <"$tmp/plain" >"$tmp/manifest"
        all_ok "$plain" "$tmp/manifest"
    done
done

t 'openssl dgst'
if needs openssl; then
    # It escapes nothing: only names with line ends are lost.
    find . -type f ! -path "*[$(printf '\n\r')]*" -print0 >"$tmp/lines"
    n=$(tr -cd '\0' <"$tmp/lines" | wc -c)
    for digest in md5 sha1 sha256 sha384 sha512 sha3-256 blake2b512; do
        xargs -r0 openssl dgst -$digest <"$tmp/lines" >"$tmp/manifest"
        all_ok "$n" "$tmp/manifest"
        xargs -r0 openssl dgst -$digest -r <"$tmp/plain" >"$tmp/manifest"
        all_ok "$plain" "$tmp/manifest"
    done
fi

t 'md5 and md5 -r of BSD'
echo hello >h
all_ok 1 - <<'END'
MD5 (h) = b1946ac92492d2347c6235b4d2611184
END
all_ok 2 - <<'END'
b1946ac92492d2347c6235b4d2611184 h
d41d8cd98f00b204e9800998ecf8427e sizes/0
END
all_ok 1 - <<'END'
SHA256 (h) = 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03
END

t 'upper case, blanks in front, CRLF, a byte order mark, no last line end'
all_ok 1 - <<'END'
B1946AC92492D2347C6235B4D2611184  h
END
all_ok 1 - <<'END'
  b1946ac92492d2347c6235b4d2611184  h
END
printf '\357\273\277b1946ac92492d2347c6235b4d2611184  h\r\n' | all_ok 1 -
printf 'b1946ac92492d2347c6235b4d2611184  h' | all_ok 1 -
printf '# text\n\n \t\nb1946ac92492d2347c6235b4d2611184 *h\n' | all_ok 1 -

t 'manifests one after the other, of several formats'
{
    "$TREEMILL" hash sizes/0
    "$TREEMILL" hash --tag -a sha1 sizes/1
    "$TREEMILL" hash --format json -a xxh32,md5 sizes/31
    md5sum sizes/32
    "$TREEMILL" hash --format mtree sizes/240 sizes/241
} >"$tmp/manifest"
all_ok 6 "$tmp/manifest"

t 'mtree of NetBSD'
if needs mtree; then
    mtree -c -k type,size,sha256,md5 -p sizes >"$tmp/manifest"
    all_ok "$(find sizes -type f | wc -l)" -C sizes "$tmp/manifest"
    mtree -C -k type,size,sha256 -f "$tmp/manifest" >"$tmp/converted"
    all_ok "$(find sizes -type f | wc -l)" -C sizes "$tmp/converted"
    mtree -c -k type,size,sha256 -p names >"$tmp/manifest" 2>/dev/null
    all_ok "$(find names -type f -print0 | tr -cd '\0' | wc -c)" -C names \
        "$tmp/manifest"
fi

t 'mtree of bsdtar'
if needs bsdtar; then
    for format in mtree mtree-classic; do
        bsdtar -cf "$tmp/manifest" --format=$format \
            --options='sha256,md5,type,size' sizes
        all_ok "$(find sizes -type f | wc -l)" "$tmp/manifest"
    done
fi

t 'files that failed, and tree digests, are passed over'
"$TREEMILL" hash --format json sizes/1 nowhere >"$tmp/manifest" 2>"$err"
"$TREEMILL" hash --format json --tree-digest sizes >>"$tmp/manifest"
all_ok 1 "$tmp/manifest"

# --- widths that leave a choice ---------------------------------------------

# wrong ALGORITHM: the manifest's digests are not of this one
wrong()
{
    status 1 "$TREEMILL" check -a "$1" "$tmp/manifest"
    is "$(cat "$out")" 'h: FAILED'
}

t 'md5 and xxh128 are both of 32 digits'
md5sum h >"$tmp/manifest"
all_ok 1 "$tmp/manifest"
all_ok 1 -a md5 "$tmp/manifest"
all_ok 1 -a sha256,md5 "$tmp/manifest"
wrong xxh128
"$TREEMILL" hash h >"$tmp/manifest"
all_ok 1 "$tmp/manifest"
all_ok 1 -a xxh128 "$tmp/manifest"
wrong md5

t 'sha512 and blake2b are both of 128, sha256 and sha3-256 of 64'
for pair in sha512:blake2b blake2b:sha512 sha256:sha3-256 sha3-256:sha256; do
    "$TREEMILL" hash -a ${pair%:*} h >"$tmp/manifest"
    all_ok 1 "$tmp/manifest"
    all_ok 1 -a ${pair%:*} "$tmp/manifest"
    wrong ${pair#*:}
done

t '16 digits are xxh64'
all_ok 1 - <<END
$("$TREEMILL" hash -a xxh64 h)
END
status 1 "$TREEMILL" check - <<END
$("$TREEMILL" hash -a xxh3 h | sed 's/^XXH3_//')
END
is "$(cat "$out")" 'h: FAILED'

t 'kinds that take turns'
{
    md5sum sizes/*
    "$TREEMILL" hash sizes
    md5sum h
    "$TREEMILL" hash h
} >"$tmp/manifest"
for jobs in 0 1 3; do
    all_ok "$(($(find sizes -type f | wc -l) * 2 + 1))" -j $jobs "$tmp/manifest"
done

t 'with -a, a width that fits none of them is malformed'
md5sum h >"$tmp/manifest"
status 1 "$TREEMILL" check -a sha256 "$tmp/manifest"
has "$err" "manifest: 1 line is malformed, the first is line 1"
is "$(cat "$out")" ''

t 'a tag decides, whatever -a says'
sha256sum --tag h >"$tmp/manifest"
all_ok 1 -a md5 "$tmp/manifest"

t 'an algorithm that we do not have is named'
for tag in BLAKE3 SHA224 BLAKE2b-256; do
    {
        echo "$tag (h) = $(sha256sum h | cut -c1-64)"
        md5sum --tag h
    } >"$tmp/manifest"
    status 1 "$TREEMILL" check "$tmp/manifest"
    has "$err" "manifest: 1 file not checked: treemill does not have $tag$"
    is "$(cat "$out")" 'h: OK'
done
echo '{"path":"h","digest":{"blake3":"0123456789abcdef"}}' >"$tmp/manifest"
status 1 "$TREEMILL" check "$tmp/manifest"
has "$err" 'treemill does not have blake3$'
