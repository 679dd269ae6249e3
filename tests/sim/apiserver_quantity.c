/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proto/quantity.h"
#include "tests/sim/apiserver_state.h"

/* A quantity keeps the family in which it was written. */
enum family { DECIMAL, BINARY, EXPONENT };

static enum family
family_of(const char *suffix)
{
    size_t len = strlen(suffix);

    if ((suffix[0] == 'e' || suffix[0] == 'E') && len > 1) {
        return EXPONENT;
    }
    return len > 0 && suffix[len - 1] == 'i' ? BINARY : DECIMAL;
}

/* Divides out @base while nothing is lost; returns how often. */
static unsigned
divide_out(int64_t *amount, int64_t base, unsigned most)
{
    unsigned times = 0;

    while (*amount != 0 && *amount % base == 0 && times < most) {
        *amount /= base;
        times++;
    }
    return times;
}

static void
spell(enum gt_resource resource, enum family family, int64_t amount,
      char out[APISERVER_SPELLING_MAX])
{
    static const char *const decimal[] = {"m", "",  "k", "M",
                                          "G", "T", "P", "E"};
    static const char *const binary[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi"};
    bool whole = resource == GT_MEMORY || amount % 1000 == 0;
    int64_t units = resource == GT_MEMORY ? amount : amount / 1000;

    if (family == BINARY && whole && units >= 1024) {
        unsigned power = divide_out(&units, 1024, 5);
        (void)snprintf(out, APISERVER_SPELLING_MAX, "%" PRId64 "%s", units,
                       binary[power]);
        return;
    }
    unsigned start = resource == GT_MEMORY ? 1 : 0;
    unsigned power = start + divide_out(&amount, 1000, 6);
    power = amount == 0 ? 1 : power;
    if (family == EXPONENT && power != 1) {
        (void)snprintf(out, APISERVER_SPELLING_MAX, "%" PRId64 "e%d", amount,
                       3 * (int)power - 3);
        return;
    }
    (void)snprintf(out, APISERVER_SPELLING_MAX, "%" PRId64 "%s", amount,
                   decimal[power]);
}

/* ^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$ */
static bool
has_the_format(const char *text)
{
    text += *text == '+' || *text == '-' ? 1 : 0;
    size_t digits = strspn(text, "0123456789.");
    text += digits;
    text += strspn(text, "eEinumkKMGTP");
    text += *text == '+' || *text == '-' ? 1 : 0;
    text += strspn(text, "0123456789");
    return digits > 0 && *text == '\0';
}

enum apiserver_quantity
apiserver_quantity(enum gt_resource resource, const char *text, int64_t *amount,
                   char out[APISERVER_SPELLING_MAX])
{
    bool negative = *text == '-';
    const char *number = negative ? text + 1 : text;

    if (!has_the_format(text) || strlen(text) >= APISERVER_SPELLING_MAX) {
        return APISERVER_QUANTITY_FORMAT;
    }
    if (quantity_decode(resource, number, amount) != QUANTITY_OK) {
        return APISERVER_QUANTITY_SUFFIX;
    }
    enum family family = family_of(number + strspn(number, "+0123456789."));
    char spelling[APISERVER_SPELLING_MAX];
    spell(resource, family, *amount, spelling);
    (void)snprintf(out, APISERVER_SPELLING_MAX, "%s%.*s", negative ? "-" : "",
                   APISERVER_SPELLING_MAX - 2, spelling);
    return negative && *amount > 0 ? APISERVER_QUANTITY_NEGATIVE
                                   : APISERVER_QUANTITY_OK;
}
