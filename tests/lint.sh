#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# lint.sh BUILD: refuses what the compiler cannot: a wrong include, an impure
# core, mutable state, a file too long.
set -eu
build=$1
status=0
bad() {
    echo "lint: $1" >&2
    status=1
}

# 1. Arrows.  Each line: who | may never include.
while read -r who never; do
    hits=$(grep -rnE "^#include \"($never)" "$who" --include='*.[ch]' || true)
    [ -z "$hits" ] || bad "$who must not include: $hits"
done <<'RULES'
common proto/|agent/|arbiter/|tests/
proto agent/|arbiter/|tests/
agent arbiter/|tests/
arbiter agent/|tests/
RULES

# 2. Pure files include no *_io.h and none of the IO libraries.
pure=$(find common proto agent arbiter -maxdepth 1 -name '*.[ch]' \
    ! -name '*_io.[ch]' ! -name main.c)
# shellcheck disable=SC2086  # a list of files
hits=$(grep -nE '_io\.h"|<(nng|curl|microhttpd|sys/socket|sys/epoll|unistd|time|stdlib)' \
    $pure | grep -v '^proto/.*<stdlib' || true)
[ -z "$hits" ] || bad "pure file reaches for the world: $hits"

# 3. Purity, as the linker sees it: proto may use json-c, the others may not.
for folder in common proto agent arbiter; do
    objects=$(for f in $pure; do
        case $f in "$folder"/*.c) echo "$build/${f%.c}.o" ;; esac
    done)
    [ -n "$objects" ] || continue
    # shellcheck disable=SC2086
    nm -u -P $objects | awk 'NF > 1 {print $1}' | sort -u >"$build/need"
    nm --defined-only -P "$build/libgtcas.a" | awk 'NF > 1 {print $1}' |
        sort -u >"$build/have"
    grep -v '^#' tests/purity.allow |
        { [ "$folder" = proto ] && sed 's/^proto //' || grep -v '^proto '; } \
            >"$build/allowed"
    comm -23 "$build/need" "$build/have" | grep -vxEf "$build/allowed" |
        sed "s/^/lint: pure $folder calls /" >"$build/hits" || true
    [ ! -s "$build/hits" ] || { cat "$build/hits" >&2; status=1; }
done

# 4. No mutable file-scope variables: nothing in .data or .bss but constants.
for f in common proto agent arbiter; do
    hits=$(find "$build/$f" -name '*.o' -exec objdump -t {} + |
        grep -E ' O \.t?(data|bss)' | grep -v '\.data\.rel\.ro' |
        awk '{print $NF}' || true)
    [ -z "$hits" ] || bad "mutable file-scope state in $f: $hits"
done

# 5. Size and licence.
for f in $(git ls-files '*.c' '*.h' '*.sh' Makefile); do
    n=$(wc -l <"$f")
    [ "$n" -le 500 ] || bad "$f has $n lines; 500 are the limit"
    head -n 3 "$f" | grep -q 'SPDX-License-Identifier: Apache-2.0' ||
        bad "$f has no SPDX line"
done
exit $status
