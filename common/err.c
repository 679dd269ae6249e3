/* SPDX-License-Identifier: Apache-2.0 */
#include "common/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int
gt_err_set(struct gt_err *err, int code, const char *format, ...)
{
    va_list args;

    err->code = code;
    va_start(args, format);
    if (vsnprintf(err->text, sizeof(err->text), format, args) < 0) {
        err->text[0] = '\0';
    }
    va_end(args);
    return code;
}

int
gt_err_wrap(struct gt_err *err, const char *format, ...)
{
    char inner[sizeof(err->text)];
    va_list args;

    memcpy(inner, err->text, sizeof(inner));
    va_start(args, format);
    int len = vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    if (len >= 0 && (size_t)len < sizeof(err->text)) {
        char *end = err->text + len;
        size_t room = sizeof(err->text) - (size_t)len;
        if (snprintf(end, room, ": %s", inner) < 0) {
            *end = '\0';
        }
    }
    return err->code;
}
