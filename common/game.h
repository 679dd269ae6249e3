/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stage game: utility and potential, in one file because they must agree.
 *
 *     f_i(x)    = -c x - b w F_i(x)                          own part
 *     u_i(a)    = f_i(x_i) - [Gamma(S) - Gamma(S - x_i)]      utility
 *     Phi(a)    = sum_i f_i(x_i) - Gamma(S)                   potential
 *
 * An agent pays its marginal contribution to the congestion of the node, hence
 * du_i = dPhi for every deviation: an exact potential game (Monderer &
 * Shapley, GEB 1996), built as in Marden & Wierman, Operations Research 2013.
 *
 * All quantities are in units of gt_grid_units(): cores or MiB.
 *
 * Pure.  Holds no pointers.
 */
#ifndef COMMON_GAME_H
#define COMMON_GAME_H

/*
 * Congestion of one resource on one node.  With
 * u = (S/capacity - rho0)/(1 - rho0), the price Gamma'(S) is 0 for u <= 0,
 * p1 u^exponent up to capacity and p1 beyond it: convex and C1, and bounded, so
 * that one bad round cannot dominate all averages.
 */
struct gt_congestion {
    double capacity; /* > 0 */
    double rho0;     /* load share where the price starts, in [0, 1) */
    double p1;       /* price at capacity, >= 0 */
    double exponent; /* >= 1 */
};

#define GT_GAME_RHO0     0.9
#define GT_GAME_EXPONENT 3.0
/* 2 x largest b (100) x largest priority (16) x c: nobody's marginal value
 * beats the price at capacity. */
#define GT_GAME_P1 3200.0

/* c: the numeraire; one core or one MiB for one second costs 1. */
#define GT_GAME_COST 1.0

/* Gain thresholds of a move, as a share of c x. */
#define GT_GAME_EPS_UP   0.02
#define GT_GAME_EPS_DOWN 0.10

/* Gamma(load): 0 up to rho0 x capacity. */
double gt_game_congestion(const struct gt_congestion *node, double load);

/* Gamma'(load), within [0, p1]. */
double gt_game_price(const struct gt_congestion *node, double load);

/* f(x) for b x weight = @penalty and F(x) = @unserved. */
double gt_game_own(double x, double penalty, double unserved);

/* u for the own part @own = f(x), with the others' load @others. */
double gt_game_utility(const struct gt_congestion *node, double own,
                       double others, double x);

/*
 * dPhi of one move from @from to @to with own-part gain @gain = f(to) - f(from)
 * while the node's load (the mover included, at @from) is @load.
 */
double gt_game_potential_gain(const struct gt_congestion *node, double load,
                              double gain, double step);

/* eps of a move: what it must gain at least.  @from is the current amount. */
double gt_game_threshold(double from, double to);

#endif
