/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of cgroup files, v2 and v1, to one sample of a container.
 *
 * Files: Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/ of the Linux
 * kernel, PSI: Documentation/accounting/psi.rst.  Unknown lines are skipped, as
 * kernels add them; a known line that is malformed is CGROUP_E_SYNTAX.  The
 * kernel ends every line, so a number without its line end was cut and is
 * malformed, too.
 *
 * Pure.  The texts are borrowed for the call.
 */
#ifndef AGENT_CGROUP_H
#define AGENT_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

enum cgroup_outcome {
    CGROUP_OK,
    CGROUP_E_SYNTAX,  /* a figure that should be there is not a number */
    CGROUP_E_MISSING, /* a file or figure without which we are blind */
};

enum cgroup_version { CGROUP_V2, CGROUP_V1 };

/* Counters and gauges as the kernel shows them; counters since creation. */
struct cgroup_sample {
    /* cpu.stat (v1: cpuacct.usage, cpu.stat) */
    uint64_t usage_us;
    uint64_t periods;
    uint64_t throttled_periods;
    uint64_t throttled_us;
    bool has_periods; /* no CPU limit, no periods */
    /* cpu.pressure, "some": v2 only */
    uint64_t pressure_us;
    bool has_pressure;
    /* memory.current (v1: memory.usage_in_bytes): the gate figure */
    int64_t memory_bytes;
    /* memory.stat: what the kernel can take back */
    int64_t active_file_bytes;
    int64_t inactive_file_bytes;
    int64_t slab_reclaimable_bytes;
    /* memory.events (v1: memory.oom_control) */
    uint64_t oom_kills;
};

/* The texts of one container's files; NULL where a file is absent. */
struct cgroup_texts {
    enum cgroup_version version;
    const char *cpu_stat;
    const char *cpu_usage;    /* v1 only: cpuacct.usage */
    const char *cpu_pressure; /* may be absent */
    const char *memory_current;
    const char *memory_stat;
    const char *memory_events; /* may be absent */
};

/* Writes @out only on CGROUP_OK. */
enum cgroup_outcome cgroup_parse(struct cgroup_sample *out,
                                 const struct cgroup_texts *texts);

/* What the kernel cannot take back: it kills when this exceeds the limit. */
int64_t cgroup_floor_bytes(const struct cgroup_sample *sample);

/* memory.current less inactive_file, never below 0: what the kubelet and
 * kubectl top call the working set. */
int64_t cgroup_working_set_bytes(const struct cgroup_sample *sample);

#endif
