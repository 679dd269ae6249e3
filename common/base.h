/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every file may need and the language lacks.  Closed to additions: a new
 * idea gets a file of its own.
 *
 * Pure.
 */
#ifndef COMMON_BASE_H
#define COMMON_BASE_H

#include <stddef.h>

/* The number of elements of an array (never of a pointer). */
#define GT_ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* The struct of @type whose member @member is at @pointer. */
#define gt_container_of(pointer, type, member)                                 \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* Calls @function with the variable's address when it goes out of scope. */
#define gt_cleanup(function) __attribute__((cleanup(function)))

/* Checks the arguments of a function that takes a printf format. */
#define gt_printf(text, first) __attribute__((format(printf, text, first)))

#endif
