#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# hash_formats: every algorithm in every format is what the well-known programs
# print, and what they read back, for every file name that there is.

# shellcheck disable=SC2016
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
LC_ALL=C
export LC_ALL

needs()
{
    for program; do
        if ! command -v "$program" >/dev/null 2>&1; then
            skip "$program is not here"
            return 1
        fi
    done
}

# Before 9.0 coreutils leave carriage returns in names as they are.
escapes_cr()
{
    needs "$1" || return 1
    cr=$(printf 'a\rb')
    : >"$cr"
    line=$("$1" "$cr")
    rm "$cr"
    case $line in
    \\*) ;;
    *)
        skip "this $1 does not escape carriage returns"
        return 1
        ;;
    esac
}

# Every file below the working directory, in walk order, each with NUL.
all_names()
{
    find . -type f -print0 | sort -z
}

# Those whose names no program escapes.
plain_names()
{
    find . -type f ! -path "*[\\\\$(printf '\n\r')]*" -print0 | sort -z
}

"${builddir:?}/tests/hostile" -d -u tree || exit 99
cd tree || exit 99
rm sizes/sparse # 64 MiB, again and again
all_names >"$tmp/names"

while read -r algorithm program; do
    t "$algorithm is what $program prints"
    if escapes_cr "$program"; then
        xargs -r0 "$program" <"$tmp/names" >"$tmp/expected"
        status 0 "$TREEMILL" hash -a "$algorithm"
        same "$out" "$tmp/expected"
        xargs -r0 "$program" --tag <"$tmp/names" >"$tmp/expected"
        status 0 "$TREEMILL" hash -a "$algorithm" --tag
        same "$out" "$tmp/expected"
        status 0 "$TREEMILL" hash -a "$algorithm" --format bsd
        same "$out" "$tmp/expected"
        xargs -r0 "$program" -z <"$tmp/names" >"$tmp/expected"
        status 0 "$TREEMILL" hash -a "$algorithm" -z
        same "$out" "$tmp/expected"
        xargs -r0 "$program" --tag -z <"$tmp/names" >"$tmp/expected"
        status 0 "$TREEMILL" hash -a "$algorithm" --tag --zero
        same "$out" "$tmp/expected"
    fi

    t "$program -c takes our gnu and bsd output"
    if escapes_cr "$program"; then
        for format in gnu bsd; do
            "$TREEMILL" hash -a "$algorithm" --format $format >"$tmp/manifest"
            status 0 "$program" -c --strict "$tmp/manifest"
            is "$(grep -a -c ': OK$' "$out")" "$(tr -cd '\0' <"$tmp/names" |
                wc -c)"
        done
    fi
done <<'END'
md5 md5sum
sha1 sha1sum
sha256 sha256sum
sha384 sha384sum
sha512 sha512sum
blake2b b2sum
END

while read -r algorithm number; do
    t "$algorithm is what xxhsum -H$number prints"
    needs xxhsum || continue
    plain_names >"$tmp/plain"
    xargs -r0 xxhsum -q --tag "-H$number" <"$tmp/plain" >"$tmp/expected"
    status 0 "$TREEMILL" hash -a "$algorithm" --tag -0 --files-from "$tmp/plain"
    same "$out" "$tmp/expected"
    status 0 xxhsum -q -c "$tmp/expected"
    [ "$algorithm" != xxh3 ] || continue
    xargs -r0 xxhsum -q "-H$number" <"$tmp/plain" >"$tmp/expected"
    status 0 "$TREEMILL" hash -a "$algorithm" -0 --files-from "$tmp/plain"
    same "$out" "$tmp/expected"
done <<'END'
xxh32 0
xxh64 1
xxh128 2
xxh3 3
END

t 'xxh128 is the default'
status 0 "$TREEMILL" hash -a xxh128
cp "$out" "$tmp/expected"
status 0 "$TREEMILL" hash
same "$out" "$tmp/expected"

t 'xxh3 has its prefix'
: >"$tmp/work/empty"
status 0 "$TREEMILL" hash -a xxh3 "$tmp/work/empty"
is "$(cat "$out")" "XXH3_2d06800538d394c2  $tmp/work/empty"

t 'sha3-256 is what openssl prints'
if needs openssl; then
    openssl dgst -sha3-256 -r sizes/* | sed 's/ \*/  /' >"$tmp/expected"
    status 0 "$TREEMILL" hash -a sha3-256 sizes/*
    same "$out" "$tmp/expected"
fi

t 'several algorithms: a line each, in the order given'
status 0 "$TREEMILL" hash -a sha1,xxh32,md5 sizes/0
cat >"$tmp/expected" <<'END'
da39a3ee5e6b4b0d3255bfef95601890afd80709  sizes/0
02cc5d05  sizes/0
d41d8cd98f00b204e9800998ecf8427e  sizes/0
END
same "$out" "$tmp/expected"

t 'several algorithms read the file once'
# reads: how often the file is read for these algorithms
reads()
{
    strace -f -y -e trace=openat,read -o "$tmp/trace" "$TREEMILL" hash -j1 \
        -a "$1" sizes/1048577 >"$out" 2>"$err" &&
        grep -c 'read([0-9]*<[^>]*/sizes/1048577>' "$tmp/trace"
}
if needs strace; then
    if one=$(reads xxh128); then
        is "$(reads xxh128,sha256,md5,blake2b)" "$one"
    else
        skip 'strace may not trace'
    fi
fi

t 'json is JSON, and carries every name and digest'
if needs python3; then
    cat >"$tmp/names.py" <<'END'
import base64, json, os, sys
lines = open(sys.argv[1], "rb").read().split(b"\n")
assert lines.pop() == b""
for line in lines:
    line = line.decode("ascii")
    o = json.loads(line)
    assert ("path" in o) != ("path_base64" in o), line
    name = (base64.b64decode(o["path_base64"], validate=True)
            if "path_base64" in o else o["path"].encode())
    st = os.stat(name)
    assert o["type"] == "file" and o["size"] == st.st_size, line
    s, ns = o["mtime"].split(".")
    assert int(s) * 10**9 + int(ns) == st.st_mtime_ns and len(ns) == 9, line
    assert list(o["digest"]) == ["sha1", "xxh64"], line
    assert "error" not in o, line
    sys.stdout.buffer.write(name + b"\0")
END
    status 0 "$TREEMILL" hash --format json -a sha1,xxh64
    mv "$out" "$tmp/manifest"
    status 0 python3 "$tmp/names.py" "$tmp/manifest"
    same "$out" "$tmp/names"
fi

t 'json has the digests that gnu has'
if needs jq; then
    status 0 "$TREEMILL" hash --format json -a md5,sha256
    jq -r '.digest.md5, .digest.sha256' "$out" >"$tmp/digests"
    status 0 "$TREEMILL" hash -a md5,sha256
    sed 's/^\\//; s/ .*//' "$out" >"$tmp/expected"
    same "$tmp/digests" "$tmp/expected"
fi

t 'json says why there is no digest'
status 1 "$TREEMILL" hash --format json sizes/1 nowhere
has "$out" '"path":"nowhere".*"error":"No such file or directory"'
lacks "$out" '"path":"nowhere".*"digest"'
has "$out" '"path":"sizes/1".*"digest"'
is "$(grep -c . "$out")" 2

t 'standard input is named in every format'
status 0 sh -c 'echo hello | "$0" hash -a md5,xxh64 --format json -' "$TREEMILL"
has "$out" '^{"path":"-","type":"stdin",.*"md5":"b1946ac92492d2347c6235b4d261'
status 0 sh -c 'echo hello | "$0" hash -a md5 --tag -' "$TREEMILL"
is "$(cat "$out")" 'MD5 (-) = b1946ac92492d2347c6235b4d2611184'
status 0 sh -c 'echo hello | "$0" hash -a md5 -z -' "$TREEMILL"
is "$(tr '\0' '!' <"$out")" 'b1946ac92492d2347c6235b4d2611184  -!'

t 'bsdtar reads mtree: every file, from every name'
if needs bsdtar; then
    status 0 "$TREEMILL" hash --format mtree -a sha256,xxh3
    cp "$out" "$tmp/manifest"
    has "$out" '^#mtree$'
    status 0 bsdtar -tf "$tmp/manifest"
    mkdir "$tmp/copy"
    status 0 bsdtar -cf - "@$tmp/manifest"
    (cd "$tmp/copy" && bsdtar -xf "$out") 2>"$err"
    (cd "$tmp/copy" && "$TREEMILL" hash) >"$tmp/got"
    "$TREEMILL" hash >"$tmp/expected"
    same "$tmp/got" "$tmp/expected"
fi

# Names with * ? [ are patterns to it, # a comment, however they are written.
t 'NetBSD mtree verifies mtree'
if needs mtree; then
    find . -type f ! -path '*[][*?#]*' -print0 >"$tmp/tame"
    status 0 "$TREEMILL" hash --format mtree -a sha256,md5,xxh128 \
        -0 --files-from "$tmp/tame"
    cp "$out" "$tmp/manifest"
    status 0 mtree -e -p . -f "$tmp/manifest"
    cp -p sizes/31 "$tmp/sizes-31"
    printf x | dd of=sizes/31 conv=notrunc 2>/dev/null
    mtree -e -p . -f "$tmp/manifest" >"$out" 2>&1 && : >"$out"
    has "$out" 'sizes/31'
    cp -p "$tmp/sizes-31" sizes/31
fi

t 'mtree goes on without what failed'
status 1 "$TREEMILL" hash --format mtree sizes/1 nowhere
has "$out" '^\./sizes/1 '
lacks "$out" nowhere

t '--algorithm help lists all of them'
status 0 "$TREEMILL" hash --algorithm help
for algorithm in xxh3 xxh128 xxh64 xxh32 md5 sha1 sha256 sha384 sha512 \
    sha3-256 blake2b; do
    has "$out" "^$algorithm  *[^ ]"
done
is "$(grep -c . "$out")" 11
status 0 "$TREEMILL" check -a help

t 'an unknown algorithm is named'
for list in crc32 md5,crc32 crc32,md5; do
    status 2 "$TREEMILL" hash -a "$list" sizes
    has "$err" "'crc32'"
    is "$(cat "$out")" ''
done
status 2 "$TREEMILL" hash -a '' sizes
status 2 "$TREEMILL" hash -a md5, sizes
status 2 "$TREEMILL" hash --format yaml sizes
has "$err" "'yaml'"
