/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/curve.h"

#include <math.h>

/* Half bins within an octave, 2^(i/32): even ones are edges, odd ones middles.
 * With whole octaves as shifts this is exact: scaling every amount by a power
 * of two changes no bin and no digit. */
static const double halves[] = {
    1.0,
    1.0218971486541166,
    1.0442737824274138,
    1.0671404006768237,
    1.0905077326652577,
    1.1143867425958924,
    1.1387886347566916,
    1.1637248587775775,
    1.189207115002721,
    1.215247359980469,
    1.241857812073484,
    1.2690509571917332,
    1.2968395546510096,
    1.3252366431597413,
    1.3542555469368927,
    1.383909881963832,
    1.4142135623730951,
    1.4451808069770467,
    1.4768261459394993,
    1.5091644275934228,
    1.5422108254079407,
    1.5759808451078865,
    1.6104903319492543,
    1.645755478153965,
    1.681792830507429,
    1.718619298122478,
    1.7562521603732995,
    1.7947090750031072,
    1.8340080864093424,
    1.8741676341103,
    1.9152065613971474,
    1.9571441241754002,
};

#define HALF_OCTAVE (2 * CURVE_OCTAVE)

/* The grid's unit: 1/1024 core or 1 MiB. */
static double
grid_units(enum gt_resource resource, double units)
{
    return resource == GT_CPU ? units * 1024 : units;
}

static double
half(int i)
{
    return halves[i % HALF_OCTAVE] * (double)(INT64_C(1) << (i / HALF_OCTAVE));
}

/* The largest half bin that starts at or below @x; 0 below the grid. */
static int
half_bin(double x)
{
    int exponent = 0;
    int low = 0;

    if (!(x >= 1)) {
        return 0;
    }
    if (x >= half(2 * CURVE_BINS)) {
        return 2 * CURVE_BINS;
    }
    double mantissa = 2 * frexp(x, &exponent); /* [1, 2) */
    for (int step = HALF_OCTAVE / 2; step > 0; step /= 2) {
        if (halves[low + step] <= mantissa) {
            low += step;
        }
    }
    return (exponent - 1) * HALF_OCTAVE + low;
}

int
curve_bin(enum gt_resource resource, double units)
{
    int bin = half_bin(grid_units(resource, units));

    return bin >= 2 * CURVE_BINS ? CURVE_BINS - 1 : bin / 2;
}

double
curve_edge(enum gt_resource resource, int bin)
{
    return half(2 * bin) / grid_units(resource, 1);
}

void
curve_init(struct curve *curve, enum gt_resource resource,
           const double histogram[CURVE_BINS])
{
    double mass = 0;
    double moment = 0;

    curve->resource = resource;
    curve->mass[CURVE_BINS] = 0;
    curve->moment[CURVE_BINS] = 0;
    for (int bin = CURVE_BINS - 1; bin >= 0; bin--) {
        mass += histogram[bin];
        moment += histogram[bin] * half(2 * bin + 1);
        curve->mass[bin] = mass;
        curve->moment[bin] = moment;
    }
}

double
curve_unserved(const struct curve *curve, double units)
{
    double x = grid_units(curve->resource, units);
    /* the first bin whose middle lies above x */
    int bin = (half_bin(x) + 1) / 2;
    double total = curve->mass[0];

    if (bin >= CURVE_BINS || total <= 0) {
        return 0;
    }
    double unserved = (curve->moment[bin] - x * curve->mass[bin]) / total;
    return fmax(unserved, 0) / grid_units(curve->resource, 1);
}
