#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# totals.sh BUILDDIR: adds up the cases of the last `make check` there and
# prints one line, "N passed, N failed, N skipped".  Check programs close with
# "100%: Checks: N, Failures: N, Errors: N", scripts with a line like ours; a
# test that closed with neither (it crashed, say) counts as one case.

find "$1/tests" -name '*.trs' | LC_ALL=C sort | while read -r trs; do
    sed -n 's/^:global-test-result: */result /p' "$trs"
    cat "${trs%.trs}.log"
    echo end
done | awk '
    /^result / && !open { open = 1; result = $2; p = f = s = 0 }
    /^[0-9]+%: Checks: [0-9]+, Failures: [0-9]+, Errors: [0-9]+$/ {
        p += $3 - $5 - $7
        f += $5 + $7
    }
    /^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$/ {
        p += $1
        f += $3
        s += $5
    }
    /^end$/ {
        if (result ~ /FAIL|ERROR|XPASS/ && f == 0)
            f = 1
        else if (p + f + s == 0 && result == "SKIP")
            s = 1
        else if (p + f + s == 0)
            p = 1
        passed += p
        failed += f
        skipped += s
        open = 0
    }
    END {
        printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
    }'
