/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The level grid: the strategies that a player chooses from.
 *
 * level(l) = 2^(l/4) units; the unit is 1/1024 core or 1 MiB, so a step is
 * 18.9 % and the same index means the same amount to everybody.  Amounts are
 * rounded up to what Kubernetes can say: 1 milli-CPU, 1 MiB.  A current request
 * need not lie on the grid.
 *
 * Pure.
 */
#ifndef COMMON_GRID_H
#define COMMON_GRID_H

#include <stdint.h>

enum gt_resource { GT_CPU, GT_MEMORY, GT_RESOURCES };

/* "cpu", "memory": the word on the wire, in logs, metrics and Kubernetes. */
const char *gt_resource_name(enum gt_resource resource);

#define GT_GRID_LEVELS 89 /* 1/1024 to 4096 cores, 1 MiB to 4 TiB */

/* Milli-CPU or bytes of @level, clamped to the grid; never decreasing. */
int64_t gt_grid_amount(enum gt_resource resource, int level);

/* The smallest level of at least @amount; the top level where none is. */
int gt_grid_level_up(enum gt_resource resource, int64_t amount);

/* The largest level of at most @amount; 0 where none is. */
int gt_grid_level_down(enum gt_resource resource, int64_t amount);

/*
 * The amount in the unit of costs: cores or MiB.  Slack, unserved demand, load
 * and capacity are all counted in it.
 */
double gt_grid_units(enum gt_resource resource, int64_t amount);

#endif
