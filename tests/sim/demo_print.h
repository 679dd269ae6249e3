/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The demo's words: the live table, a plain line, the summary for people and
 * for programs, and what the summary must show.
 *
 * Pure.
 */
#ifndef TESTS_SIM_DEMO_PRINT_H
#define TESTS_SIM_DEMO_PRINT_H

#include "common/buf.h"
#include "tests/sim/demo_view.h"

/* What the run adds to the view. */
struct demo_run {
    double duration_s; /* of mesh time, in which the books were kept */
    double speed;
    bool simultaneous; /* the control run: without green light */
    uint64_t rss_kib_max, private_kib_max; /* of an agent, at the end */
    bool clean; /* every program ended by itself with 0 */
};

/* A full screen. */
void demo_print_table(const struct demo_view *view, struct gt_buf *out);

/* One line, for a log. */
void demo_print_line(const struct demo_view *view, struct gt_buf *out);

/* The end, for people. */
void demo_print_summary(struct demo_view *view, const struct demo_run *run,
                        struct gt_buf *out);

/* The end, as a JSON object. */
void demo_print_json(struct demo_view *view, const struct demo_run *run,
                     struct gt_buf *out);

/* Appends a line for each promise that the run did not keep; true when it kept
 * all.  A control run promises the opposite: drops. */
bool demo_print_check(struct demo_view *view, const struct demo_run *run,
                      struct gt_buf *out);

#endif
