/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a container's cgroup files below a root: ROOT/CONTAINER/memory.current
 * and so on for v2; for v1 ROOT/CONTAINER/{cpu,cpuacct,memory}/ with the names
 * of v1.  Which of the two is found by looking, each time.
 *
 * Nothing stays open: a restarted container has another folder of the same
 * name.
 */
#ifndef AGENT_CGROUP_IO_H
#define AGENT_CGROUP_IO_H

#include "agent/cgroup.h"
#include "common/err.h"

/*
 * One reading of @container.  Writes @out only on CGROUP_OK, otherwise @err
 * with what could not be read, why, and which right is missing.
 */
enum cgroup_outcome cgroup_io_read(const char *root, const char *container,
                                   struct cgroup_sample *out,
                                   struct gt_err *err);

#endif
