/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unserved demand F(x) = E[(D - x)+] as a function of the amount x, for a
 * demand D given as a histogram on the sample grid.
 *
 * The sample grid has 16 bins an octave (4.4 %), four to a level of
 * common/grid.h, so a ratio of two amounts is a difference of two bins.  The
 * mass of a bin sits at its geometric middle; F is then piecewise linear,
 * convex for any content, and answered in O(1) from two suffix sums.
 *
 * Amounts are in units: cores or MiB.
 *
 * Pure.
 */
#ifndef AGENT_CURVE_H
#define AGENT_CURVE_H

#include "common/grid.h"

#define CURVE_OCTAVE 16
#define CURVE_BINS   352 /* 22 octaves, the range of the level grid */

/* The bin of @units; amounts off the grid go into its first or last bin. */
int curve_bin(enum gt_resource resource, double units);

/* The lower edge of @bin in units. */
double curve_edge(enum gt_resource resource, int bin);

struct curve {
    enum gt_resource resource;
    double mass[CURVE_BINS + 1];   /* of the bins from here on */
    double moment[CURVE_BINS + 1]; /* sum of mass x middle, in grid units */
};

/* The curve of a histogram of any total > 0; without mass F is 0. */
void curve_init(struct curve *curve, enum gt_resource resource,
                const double histogram[CURVE_BINS]);

/* F(x) in units, for x >= 0. */
double curve_unserved(const struct curve *curve, double units);

#endif
