/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container does: the difference of two cgroup samples, and the memory
 * figures that the handshake compares.
 *
 * A restarted container starts its counters again; that pair of samples is
 * SENSOR_E_RESTARTED and tells nothing.
 *
 * Pure.  Holds no pointers.
 */
#ifndef AGENT_SENSOR_H
#define AGENT_SENSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/cgroup.h"
#include "agent/handshake.h"
#include "common/time.h"

enum sensor_outcome {
    SENSOR_OK,
    SENSOR_FIRST,       /* nothing to compare with yet */
    SENSOR_E_RESTARTED, /* counters fell: another container under this name */
};

struct sensor_rates {
    double seconds;            /* between the two samples */
    double cpu_cores;          /* mean usage */
    double throttled_share;    /* of CFS periods; 0 without a CPU limit */
    double throttled_s;        /* seconds throttled */
    double pressure_share;     /* of time some task waited for CPU */
    int64_t working_set_bytes; /* now */
    uint64_t oom_kills;        /* since the sample before */
};

struct sensor {
    bool has_last;
    uint64_t last_ms;
    struct cgroup_sample last;
    /* Largest growth of the floor in a second: this and the last half minute.
     */
    int64_t growth_bytes_s[2];
    uint64_t growth_since_ms;
};

void sensor_init(struct sensor *s);

/* @out is written only on SENSOR_OK.  Samples less than 1 ms apart count as
 * 1 ms apart. */
enum sensor_outcome sensor_read(struct sensor *s,
                                const struct cgroup_sample *sample,
                                struct gt_time now, struct sensor_rates *out);

/* The sensor is blind: the next pair does not count. */
void sensor_lost(struct sensor *s);

/* The figures for handshake_verify(); @peak_bytes is the caller's. */
struct handshake_figures sensor_figures(const struct sensor *s,
                                        int64_t peak_bytes);

#endif
