/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the cgroup v2 files of every simulated container:
 * DIR/POD/CONTAINER/cpu.stat and so on.
 *
 * A file is replaced as a whole, by rename, so that no reader sees a part of
 * it; a text that is still the same is not written again.
 */
#ifndef TESTS_SIM_CGROUPFS_IO_H
#define TESTS_SIM_CGROUPFS_IO_H

#include "common/err.h"
#include "tests/sim/cgroupfs.h"

struct cgroupfs;

/* Makes the folders, @dir included.  NULL sets @err.  @sim is borrowed. */
struct cgroupfs *cgroupfs_new(const struct node_sim *sim, const char *dir,
                              struct gt_err *err);

/* Writes what changed; 0, or a negative errno with @err set. */
int cgroupfs_write(struct cgroupfs *fs, struct gt_err *err);

/* The files stay.  Returns NULL. */
struct cgroupfs *cgroupfs_free(struct cgroupfs *fs);

#endif
