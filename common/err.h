/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A failure in words, for shells that meet outside text.  Cores return named
 * outcomes instead and never compose sentences.
 *
 * The innermost layer sets the sentence, each layer above that knows more puts
 * what it was doing in front: "cannot list nodes: connect to 10.0.0.1:6443:
 * Connection refused".
 *
 * Pure.
 */
#ifndef COMMON_ERR_H
#define COMMON_ERR_H

#include "common/base.h"

struct gt_err {
    int code;       /* negative errno or a module's positive outcome; 0: none */
    char text[256]; /* cut at its end where it does not fit */
};

/* Sets code and sentence; returns @code, so that callers may return it. */
int gt_err_set(struct gt_err *err, int code, const char *format, ...)
    gt_printf(3, 4);

/* Puts "FORMAT: " before the sentence; returns the code. */
int gt_err_wrap(struct gt_err *err, const char *format, ...) gt_printf(2, 3);

#endif
