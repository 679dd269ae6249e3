/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/quantity.h"

#include <inttypes.h>
#include <string.h>

#define DIGITS "0123456789"

/* Exponents saturate here: no text is long enough to make up for one. */
#define EXPONENT_MAX 1000000000

/* A number as written; digit i is worth 10^(before - 1 - i). */
struct number {
    bool negative;
    const char *digits; /* borrowed, with the point in between */
    int64_t before;     /* digits before the point */
    int64_t all;
};

struct suffix {
    const char *text;
    int64_t exponent; /* of ten */
    unsigned shift;   /* of two */
};

static const struct suffix suffixes[] = {
    {"",   0,  0 },
    {"n",  -9, 0 },
    {"u",  -6, 0 },
    {"m",  -3, 0 },
    {"k",  3,  0 },
    {"M",  6,  0 },
    {"G",  9,  0 },
    {"T",  12, 0 },
    {"P",  15, 0 },
    {"E",  18, 0 },
    {"Ki", 0,  10},
    {"Mi", 0,  20},
    {"Gi", 0,  30},
    {"Ti", 0,  40},
    {"Pi", 0,  50},
    {"Ei", 0,  60},
};

/* Only in targets. */
static const struct suffix byte_suffixes[] = {
    {"KB", 3,  0},
    {"kB", 3,  0},
    {"MB", 6,  0},
    {"GB", 9,  0},
    {"TB", 12, 0},
};

/* Returns what follows the number, or NULL where there is none. */
static const char *
read_number(const char *text, struct number *out)
{
    out->negative = *text == '-';
    if (*text == '-' || *text == '+') {
        text++;
    }
    out->digits = text;
    size_t before = strspn(text, DIGITS);
    size_t after = text[before] == '.' ? strspn(text + before + 1, DIGITS) : 0;
    out->before = (int64_t)before;
    out->all = (int64_t)(before + after);
    text += before + (text[before] == '.' ? after + 1 : 0);
    return out->all > 0 ? text : NULL;
}

static unsigned
digit_at(const struct number *number, int64_t i)
{
    return (unsigned)(number->digits[i < number->before ? i : i + 1] - '0');
}

static const struct suffix *
find_suffix(const struct suffix *table, size_t len, const char *text)
{
    for (size_t i = 0; i < len; i++) {
        if (strcmp(table[i].text, text) == 0) {
            return &table[i];
        }
    }
    return NULL;
}

/* e3, E+3, e-3. */
static enum quantity_outcome
read_exponent(const char *text, struct suffix *out)
{
    int64_t value = 0;

    if (*text != 'e' && *text != 'E') {
        return QUANTITY_E_SYNTAX;
    }
    text++;
    bool negative = *text == '-';
    if (*text == '-' || *text == '+') {
        text++;
    }
    size_t len = strspn(text, DIGITS);
    if (len == 0 || text[len] != '\0') {
        return QUANTITY_E_SYNTAX;
    }
    for (; *text != '\0' && value < EXPONENT_MAX; text++) {
        value = value * 10 + (*text - '0');
    }
    *out = (struct suffix){.exponent = negative ? -value : value};
    return QUANTITY_OK;
}

static enum quantity_outcome
read_suffix(const char *text, struct suffix *out)
{
    const struct suffix *known =
        find_suffix(suffixes, GT_ARRAY_LEN(suffixes), text);

    if (known != NULL) {
        *out = *known;
        return QUANTITY_OK;
    }
    return read_exponent(text, out);
}

/* The digits before @point as an integer; false where it is too large. */
static bool
whole_part(const struct number *number, int64_t point, int64_t *out)
{
    int64_t sum = 0;

    for (int64_t i = 0; i < point && (i < number->all || sum > 0); i++) {
        int64_t digit = i < number->all ? digit_at(number, i) : 0;
        if (__builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, digit, &sum)) {
            return false;
        }
    }
    *out = sum;
    return true;
}

/*
 * The digits from @point on, times 2^shift, rounded up; at most 2^shift.
 * Horner's rule from the last digit, rounding up at each step: exact, for
 * ceil((n + x) / 10) = ceil((n + ceil(x)) / 10).  A point left of all digits
 * comes with shift 0 only, where the zeros in between change nothing.
 */
static int64_t
fraction_part(const struct number *number, int64_t point, unsigned shift)
{
    uint64_t unit = UINT64_C(1) << shift;
    uint64_t sum = 0; /* <= unit <= 2^60, so 10 x sum fits */

    for (int64_t i = number->all - 1; i >= point && i >= 0; i--) {
        sum = (digit_at(number, i) * unit + sum + 9) / 10;
    }
    return (int64_t)sum;
}

static enum quantity_outcome
evaluate(const struct number *number, const struct suffix *suffix, int64_t *out)
{
    int64_t point = number->before + suffix->exponent;
    int64_t amount;

    if (!whole_part(number, point, &amount) ||
        __builtin_mul_overflow(amount, INT64_C(1) << suffix->shift, &amount) ||
        __builtin_add_overflow(
            amount, fraction_part(number, point, suffix->shift), &amount) ||
        (number->negative && amount > 0)) {
        return QUANTITY_E_RANGE;
    }
    *out = amount;
    return QUANTITY_OK;
}

enum quantity_outcome
quantity_decode(enum gt_resource resource, const char *text, int64_t *amount)
{
    struct number number;
    struct suffix suffix;

    const char *rest = read_number(text, &number);
    if (rest == NULL || read_suffix(rest, &suffix) != QUANTITY_OK) {
        return QUANTITY_E_SYNTAX;
    }
    if (resource == GT_CPU) {
        suffix.exponent += 3; /* cores to milli-CPU */
    }
    return evaluate(&number, &suffix, amount);
}

enum quantity_outcome
quantity_target_decode(const char *text, int64_t *bytes)
{
    struct number number;

    const char *rest = read_number(text, &number);
    if (rest == NULL) {
        return QUANTITY_E_SYNTAX;
    }
    const struct suffix *suffix =
        find_suffix(byte_suffixes, GT_ARRAY_LEN(byte_suffixes), rest);
    return suffix != NULL ? evaluate(&number, suffix, bytes)
                          : quantity_decode(GT_MEMORY, text, bytes);
}

void
quantity_encode(enum gt_resource resource, int64_t amount, struct gt_buf *out)
{
    static const char *const cpu[] = {"m", "", "k", "M", "G", "T", "P"};
    static const char *const memory[] = {"",   "Ki", "Mi", "Gi",
                                         "Ti", "Pi", "Ei"};
    const char *const *names = resource == GT_CPU ? cpu : memory;
    int64_t step = resource == GT_CPU ? 1000 : 1024;
    size_t i = 0;

    while (amount > 0 && amount % step == 0) {
        amount /= step;
        i++;
    }
    gt_buf_format(out, "%" PRId64 "%s", amount, amount == 0 ? "" : names[i]);
}
