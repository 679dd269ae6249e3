/* SPDX-License-Identifier: Apache-2.0 */
#include "common/grid.h"

#include <math.h>

#define MIB ((int64_t)1 << 20)

const char *
gt_resource_name(enum gt_resource resource)
{
    return resource == GT_CPU ? "cpu" : "memory";
}

int64_t
gt_grid_amount(enum gt_resource resource, int level)
{
    /* 2^(l/4) within an octave; whole octaves are shifts, hence exact */
    static const double steps[] = {
        1.0,
        1.1892071150027210667,
        1.4142135623730950488,
        1.6817928305074290861,
    };
    int l = level < 0 ? 0 : level;

    l = l >= GT_GRID_LEVELS ? GT_GRID_LEVELS - 1 : l;
    double units = steps[l % 4] * (double)(INT64_C(1) << (l / 4));
    if (resource == GT_CPU) {
        return (int64_t)ceil(units * 1000 / 1024);
    }
    return (int64_t)ceil(units) * MIB;
}

int
gt_grid_level_up(enum gt_resource resource, int64_t amount)
{
    int level = 0;

    while (level < GT_GRID_LEVELS - 1 &&
           gt_grid_amount(resource, level) < amount) {
        level++;
    }
    return level;
}

int
gt_grid_level_down(enum gt_resource resource, int64_t amount)
{
    int level = GT_GRID_LEVELS - 1;

    while (level > 0 && gt_grid_amount(resource, level) > amount) {
        level--;
    }
    return level;
}

double
gt_grid_units(enum gt_resource resource, int64_t amount)
{
    return (double)amount / (resource == GT_CPU ? 1000.0 : (double)MIB);
}
