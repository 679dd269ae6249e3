#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# lint.sh BUILD: refuses what the compiler cannot: a wrong include, an impure
# core, mutable state, a file too long.  BUILD holds the objects.
set -eu
build=$1
status=0
bad() {
    echo "lint: $1" >&2
    status=1
}
# The sources below some folders; nothing where there is no such folder.
sources() { find "$@" -name '*.[ch]' 2>/dev/null || true; }
includes() { grep -nE "^[[:space:]]*#[[:space:]]*include[[:space:]]*$1" "$2"; }

# 1. Arrows.  Each line: who | may never include.
while read -r who never; do
    for f in $(sources "$who"); do
        ! hits=$(includes "\"($never)" "$f") ||
            bad "$who must not include: $f:$hits"
    done
done <<'RULES'
common proto/|agent/|arbiter/|tests/
proto agent/|arbiter/|tests/
agent arbiter/|tests/
arbiter agent/|tests/
tests/sim tests/test_
RULES

# 2. Paths start at the root, so that every include line shows its arrow.
product=$(sources common proto agent arbiter)
sim=$(sources tests/sim)
for f in $product $sim; do
    ! hits=$(includes '"' "$f" |
        grep -vE '"(common|proto|agent|arbiter|tests/sim)/[a-z_/]+\.h"') ||
        bad "not a path from the root: $f:$hits"
done

# 3. Pure files include no *_io.h and nothing of the world.
pure=$(for f in $product $sim; do
    case $f in
    arbiter/ctl/* | *_io.[ch] | */main.c | tests/sim/*_main.c) ;;
    *) echo "$f" ;;
    esac
done)
world='<(nng|curl|microhttpd|sys/|arpa/|net|unistd|time|signal|fcntl|pthread'
world="$world|poll|dirent|threads)"
for f in $pure; do
    ! hits=$(includes "(\".*_io\\.h\"|$world)" "$f") ||
        bad "pure file reaches for the world: $f:$hits"
done

# 4. Purity, as the linker sees it: the cores may not even use json-c.
objects_of() { # objects_of FOLDER: of its pure files
    for f in $pure; do
        case $f in "$1"/*.c) echo "$build/${f%.c}.o" ;; esac
    done
}
symbols() { awk 'NF > 1 {print $1}' | sort -u; }
# shellcheck disable=SC2046  # lists of files
nm --defined-only -P $(for d in common proto agent arbiter tests/sim; do
    objects_of $d; done) | symbols >"$build/lint.have"
for folder in common proto agent arbiter tests/sim; do
    objects=$(objects_of $folder)
    [ -n "$objects" ] || continue
    sed -n -e '/^#/d' -e '/^[a-z/]* /!p' -e "s|^$folder ||p" \
        tests/purity.allow >"$build/lint.allowed"
    # shellcheck disable=SC2086
    for symbol in $(nm -u -P $objects | symbols |
        comm -23 - "$build/lint.have" | grep -vxEf "$build/lint.allowed"); do
        bad "pure $folder calls $symbol"
    done
done

# 5. No mutable file-scope variables: nothing in .data or .bss but constants.
for f in $product $sim; do
    case $f in *.h) continue ;; esac
    hits=$(objdump -t "$build/${f%.c}.o" | grep -E ' O \.t?(data|bss)' |
        grep -v '\.data\.rel\.ro' | awk '{print $NF}')
    [ -z "$hits" ] || bad "mutable file-scope state in $f: $hits"
done

# 6. Size and licence.
for f in $product $(sources tests) $(find tests -name '*.sh') .ci/run Makefile
do
    n=$(wc -l <"$f")
    [ "$n" -le 500 ] || bad "$f has $n lines; 500 are the limit"
    head -n 3 "$f" | grep -q 'SPDX-License-Identifier: Apache-2.0' ||
        bad "$f has no SPDX line"
done
exit $status
