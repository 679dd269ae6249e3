#!/usr/bin/awk -f
# SPDX-License-Identifier: Apache-2.0
# The demo's trace: eight made-up pods, 100 minutes on a grid of 5 s.
#
#     awk -f tests/data/demo-trace.awk | gzip -9n >tests/data/demo.csv.gz
#
# The demo's window begins at 3600: the hour before teaches what static requests
# would be.  Pods go round robin on two nodes of 3.6 cores and 2 GiB, so that the
# even ones share a node: web's slope, cart's surge and a shift of the pair
# a/b meet there from 4080 on, while search, busy an hour ago, has calmed down.
# The demand of a node always stays below what it has.

# The same everywhere, unlike rand(): Lehmer's generator.
function random() {
    seed = (seed * 16807) % 2147483647
    return seed / 2147483647
}

# Up from 0 to 1 between @from and @to, smoothly.
function rise(t, from, to,    x) {
    x = (t - from) / (to - from)
    x = x < 0 ? 0 : x > 1 ? 1 : x
    return x * x * (3 - 2 * x)
}

# 1 between @from and @to, with flanks of @flank seconds.
function hill(t, from, to, flank) {
    return rise(t, from, from + flank) - rise(t, to, to + flank)
}

# 1 for @on seconds of every @period.
function pulse(t, period, on, phase) {
    return (t + phase) % period < on
}

function wave(t, period) {
    return sin(6.283185307 * t / period)
}

function row(t, pod, cores, mib) {
    cores *= 0.97 + 0.06 * random()
    printf "%d,%s,%.2f,%d\n", t, pod, cores, int(mib / 4 + 0.5) * 4194304
}

BEGIN {
    seed = 20261123
    print "second,pod,cpu_cores,mem_bytes"
    for (t = 0; t <= 6000; t += 5) {
        # A daily slope, seen from close by, with short bursts.
        web = 0.30 + 0.25 * rise(t, 0, 3600) + 0.35 * hill(t, 3700, 4300, 200) \
            - 0.15 * rise(t, 4300, 4600)
        row(t, "web", web * (1 + 0.5 * pulse(t, 410, 30, 120)),
            220 + 40 * rise(t, 0, 3600) + 20 * hill(t, 3700, 4500, 300))
        # A step up, and down again; what it caches meanwhile goes later.
        row(t, "api", 0.40 + 0.40 * hill(t, 3900, 4200, 5) + 0.22 * pulse(t, 600, 120, 0) * (t < 3600),
            300 + 100 * hill(t, 3900, 4500, 180))
        # A surge.
        surge = hill(t, 4080, 4320, 15)
        row(t, "cart", 0.22 + 0.05 * wave(t, 700) + 0.80 * surge,
            180 + 12 * hill(t, 4080, 4400, 120))
        # A job: ten minutes of every thirty, and late in the window.
        job = pulse(t, 1800, 600, 1300) * (t < 3600) + hill(t, 4500, 4740, 5)
        row(t, "report", 0.08 + 1.10 * job, 160 + 160 * job)
        # Evening falls.
        row(t, "search", 0.20 + 1.00 * (1 - rise(t, 2900, 3900)),
            420 - 120 * rise(t, 2600, 3900))
        # A heap that fills and is collected.
        row(t, "mail", 0.18 + 0.04 * wave(t, 300) + 0.36 * hill(t, 1500, 1860, 10),
            200 + 260 * (t % 480) / 480)
        # Load that moves from one to the other and back.
        shift = wave(t - 4080, 1500)
        pair = 0.50 - 0.20 * rise(t, 3300, 4000)
        row(t, "pair-a", pair * (1 + 0.7 * shift), 200 + 40 * shift)
        row(t, "pair-b", pair * (1 - 0.7 * shift), 200 - 40 * shift)
    }
}
