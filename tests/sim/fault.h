/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fault on order: it lets so many calls pass, then strikes so many times.
 *
 * Pure.  Zeroed memory is a fault that never strikes.
 */
#ifndef TESTS_SIM_FAULT_H
#define TESTS_SIM_FAULT_H

#include <stdbool.h>

struct fault {
    unsigned countdown; /* calls that still pass */
    unsigned repeat;    /* strikes left after them */
};

/* Counts a call; true: this one fails. */
bool fault_strikes(struct fault *f);

#endif
