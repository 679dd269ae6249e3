#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# deps.sh build|lint|fuzz|coverage|valgrind: installs what is missing for it on Debian
# (as root or through sudo), or says exactly what to install.
set -eu
missing=
need() { # need PACKAGE TEST...: the package is missing unless the test passes
    package=$1
    shift
    "$@" >/dev/null 2>&1 || missing="$missing $package"
}
header() { echo "#include <$1>" | cc -E -x c - ; }

case $1 in
build)
    need gcc command -v cc
    need libc6-dev test -e /usr/include/stdio.h
    need pkg-config command -v pkg-config
    if [ -z "$missing" ]; then
        need libnng-dev header nng/nng.h
        need libmicrohttpd-dev header microhttpd.h
        need libcurl4-gnutls-dev header curl/curl.h
        need libjson-c-dev pkg-config json-c
        need libcmocka-dev pkg-config cmocka
        need zlib1g-dev header zlib.h
    else
        missing="$missing libnng-dev libmicrohttpd-dev libcurl4-gnutls-dev"
        missing="$missing libjson-c-dev libcmocka-dev zlib1g-dev"
    fi ;;
lint)
    need clang-format command -v clang-format
    need clang-tidy command -v clang-tidy
    need binutils command -v nm ;;
fuzz)
    need clang command -v clang
    need libclang-rt-14-dev sh -c 'echo "int LLVMFuzzerTestOneInput(void) {return 0;}" |
        clang -fsanitize=fuzzer -x c - -o /dev/null' ;;
coverage)
    need gcovr command -v gcovr ;;
valgrind)
    need valgrind command -v valgrind ;;
*)
    echo "deps.sh: unknown purpose $1" >&2
    exit 2 ;;
esac
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "Missing; install the equivalents of the Debian packages:$missing" >&2
    exit 1
elif [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root=sudo
else
    echo "Missing packages.  Run as root:  apt-get install$missing" >&2
    exit 1
fi
echo "Installing:$missing"
$as_root apt-get update -qq
# shellcheck disable=SC2086  # a list of words
$as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -qq -y --no-install-recommends $missing >/dev/null
