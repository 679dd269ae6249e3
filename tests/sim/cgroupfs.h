/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The figures of a simulated container as the texts of cgroup v2 files.
 *
 * Pure.
 */
#ifndef TESTS_SIM_CGROUPFS_H
#define TESTS_SIM_CGROUPFS_H

#include "common/buf.h"
#include "tests/sim/node.h"

enum cgroupfs_file {
    CGROUPFS_CPU_STAT,
    CGROUPFS_CPU_MAX,
    CGROUPFS_CPU_PRESSURE,
    CGROUPFS_MEMORY_CURRENT,
    CGROUPFS_MEMORY_STAT,
    CGROUPFS_MEMORY_EVENTS,
    CGROUPFS_MEMORY_MAX,
    CGROUPFS_MEMORY_PEAK,
    CGROUPFS_FILES,
};

#define CGROUPFS_TEXT_MAX 512

/* "cpu.stat" */
const char *cgroupfs_name(enum cgroupfs_file file);

/* Appends the file's text, of less than CGROUPFS_TEXT_MAX bytes. */
void cgroupfs_text(enum cgroupfs_file file, const struct node_cgroup *cgroup,
                   struct gt_buf *out);

#endif
