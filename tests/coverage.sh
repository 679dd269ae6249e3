#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# coverage.sh BUILD FILE...: line coverage of the pure files; fails below the
# floor.
set -eu
floor=85
build=$1
shift
filters=$(printf -- '--filter %s$ ' "$@")
# shellcheck disable=SC2086  # a list of flags
gcovr --root . $filters --fail-under-line $floor "$build"
