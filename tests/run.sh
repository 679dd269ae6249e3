#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh BUILD TEST...: runs test programs side by side, prints the output of
# those that failed and the totals of all.
set -u
build=$1
shift
out=$build/test-output
limit_s=900 # a program that hangs has failed
rm -rf "$out"
mkdir -p "$out"
printf '%s\n' "$@" | xargs -r -P "$(nproc)" -I{} sh -c '
    if timeout '$limit_s' '"$build"'/{} >'"$out"'/{} 2>&1; then echo "ok   {}"
    else echo "FAIL {} (exit $?)"; : >'"$out"'/{}.failed; fi'

# count NAME MARK: cmocka names a test where it ran and again in its summary.
count() { grep -aE "^\\[ +($2) +\\] [a-z0-9_]+\$" "$out/$1" | sort -u | wc -l; }
passed=0 failed=0 skipped=0
for name in "$@"; do
    passed=$((passed + $(count "$name" OK)))
    skipped=$((skipped + $(count "$name" SKIPPED)))
    here=$(count "$name" 'FAILED|ERROR')
    if [ -e "$out/$name.failed" ]; then
        [ "$here" -gt 0 ] || here=1 # crashed between two tests, or was cut off
        echo "---- $name"
        cat "$out/$name"
    fi
    failed=$((failed + here))
done
echo "[==========] $((passed + failed)) test(s) run."
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
