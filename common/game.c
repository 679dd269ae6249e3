/* SPDX-License-Identifier: Apache-2.0 */
#include "common/game.h"

#include <math.h>

/* How far the load is from the start of the price (0) to capacity (1). */
static double
crowding(const struct gt_congestion *node, double load)
{
    return (load / node->capacity - node->rho0) / (1 - node->rho0);
}

double
gt_game_congestion(const struct gt_congestion *node, double load)
{
    double u = crowding(node, load);

    if (u <= 0) {
        return 0;
    }
    double power = node->exponent + 1;
    double at_capacity = node->p1 * (1 - node->rho0) * node->capacity / power;
    if (u <= 1) {
        return at_capacity * pow(u, power);
    }
    return at_capacity + node->p1 * (load - node->capacity);
}

double
gt_game_price(const struct gt_congestion *node, double load)
{
    double u = crowding(node, load);

    if (u <= 0) {
        return 0;
    }
    return u <= 1 ? node->p1 * pow(u, node->exponent) : node->p1;
}

double
gt_game_own(double x, double penalty, double unserved)
{
    return -GT_GAME_COST * x - penalty * unserved;
}

double
gt_game_utility(const struct gt_congestion *node, double own, double others,
                double x)
{
    return own - (gt_game_congestion(node, others + x) -
                  gt_game_congestion(node, others));
}

double
gt_game_potential_gain(const struct gt_congestion *node, double load,
                       double gain, double step)
{
    return gain - (gt_game_congestion(node, load + step) -
                   gt_game_congestion(node, load));
}

double
gt_game_threshold(double from, double to)
{
    double share = to > from ? GT_GAME_EPS_UP : GT_GAME_EPS_DOWN;

    return share * GT_GAME_COST * from;
}
