#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh BUILD TEST...: runs test programs side by side, prints the output of
# those that failed and the totals of all.
set -u
build=$1
shift
out=$build/test-output
rm -rf "$out"
mkdir -p "$out"
printf '%s\n' "$@" | xargs -P "$(nproc)" -I{} sh -c '
    if '"$build"'/{} >'"$out"'/{} 2>&1; then echo "ok   {}"
    else echo "FAIL {} (exit $?)"; : >'"$out"'/{}.failed; fi'
status=0
for name in "$@"; do
    [ -e "$out/$name.failed" ] || continue
    status=1
    echo "---- $name"
    cat "$out/$name"
done
passed=$(grep -hc '^\[       OK \]' "$out"/* | awk '{n += $1} END {print n + 0}')
failed=$(cat "$out"/* | grep -c '^\[  FAILED  \] .*[a-z]$' || true)
[ "$status" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
echo "[==========] $((passed + failed)) test(s) run."
echo "$passed passed, $failed failed"
exit $status
