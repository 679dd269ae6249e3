/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of the bus messages that encoder and decoder share; private to
 * proto/wire*.c.
 *
 * Pure.
 */
#ifndef PROTO_WIRE_WORDS_H
#define PROTO_WIRE_WORDS_H

#include "proto/wire.h"

#define WIRE_WORD_SIGNAL "signal" /* kind of a signal */

struct wire_flag_word {
    enum wire_flag flag;
    const char *word;
};

static const struct wire_flag_word wire_flag_words[] = {
    {WIRE_FLAG_THROTTLED, "throttled"},
    {WIRE_FLAG_OOM,       "oom"      },
    {WIRE_FLAG_HANDSHAKE, "handshake"},
    {WIRE_FLAG_ALONE,     "alone"    },
};

static const char *const wire_light_words[] = {
    [WIRE_GREEN] = "green",
    [WIRE_RED] = "red",
};

#endif
