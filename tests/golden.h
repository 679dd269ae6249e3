/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Golden files: texts below tests/data/, read whole, and changed in one place.
 * Tests run in the root of the source tree.
 */
#ifndef TESTS_GOLDEN_H
#define TESTS_GOLDEN_H

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct golden {
    char text[16384];
    size_t len;
};

static inline void
golden_read(struct golden *golden, const char *path)
{
    FILE *file = fopen(path, "r");

    if (file == NULL) {
        fail_msg("cannot read %s", path);
        return;
    }
    golden->len = fread(golden->text, 1, sizeof(golden->text) - 1, file);
    golden->text[golden->len] = '\0';
    assert_int_equal(fclose(file), 0);
}

/* Puts @with in the place of the first @what. */
static inline void
golden_replace(struct golden *golden, const char *what, const char *with)
{
    char *at = strstr(golden->text, what);

    if (at == NULL) {
        fail_msg("there is no %s", what);
        return;
    }
    assert_true(golden->len + strlen(with) < sizeof(golden->text));
    memmove(at + strlen(with), at + strlen(what),
            strlen(at + strlen(what)) + 1);
    memcpy(at, with, strlen(with));
    golden->len = strlen(golden->text);
}

#endif
