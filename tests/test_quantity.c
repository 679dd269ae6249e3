/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/quantity.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/rng.h"

#define KI INT64_C(1024)
#define MI (KI * KI)
#define GI (KI * MI)

struct spelling {
    const char *text;
    int64_t amount;
};

static void
assert_amount(enum gt_resource resource, const struct spelling *spelling)
{
    int64_t amount = -1;

    if (quantity_decode(resource, spelling->text, &amount) != QUANTITY_OK ||
        amount != spelling->amount) {
        fail_msg("\"%s\" is %" PRId64 ", not %" PRId64, spelling->text, amount,
                 spelling->amount);
    }
}

static void
cpu_is_read_in_milli_rounded_up(void **state)
{
    static const struct spelling spellings[] = {
        {"250m",                                           250      },
        {"2",                                              2000     },
        {"1.25",                                           1250     },
        {"0.5001",                                         501      },
        {"100500u",                                        101      },
        {"100000u",                                        100      },
        {"1n",                                             1        },
        {"1000000n",                                       1        },
        {"1000001n",                                       2        },
        {".5",                                             500      },
        {"5.",                                             5000     },
        {"+0.1",                                           100      },
        {"0",                                              0        },
        {"-0",                                             0        },
        {"-0.0m",                                          0        },
        {"00000000000000000000000000001",                  1000     },
        {"1k",                                             1000000  },
        {"1Ki",                                            1024000  },
        {"1e3",                                            1000000  },
        {"1E3",                                            1000000  },
        {"1e+3",                                           1000000  },
        {"1e-3",                                           1        },
        {"1e-4",                                           1        },
        {"1e-999999999999999999999",                       1        },
        {"0e999999999999999999999",                        0        },
        {"0.0000000000000000000000000000000000000001",     1        },
        {"1.0000000000000000000000000000000000000001",     1001     },
        {"10000000000000000000000000000000000000000e-40",  1000     },
        {"0.00000000000000000000000000000000000000001e41", 1000     },
        {"9223372036854775807m",                           INT64_MAX},
    };
    (void)state;

    for (size_t i = 0; i < GT_ARRAY_LEN(spellings); i++) {
        assert_amount(GT_CPU, &spellings[i]);
    }
}

static void
memory_is_read_in_bytes_rounded_up(void **state)
{
    static const struct spelling spellings[] = {
        {"524288000",                               524288000          },
        {"512Mi",                                   512 * MI           },
        {"1.5Gi",                                   1536 * MI          },
        {"2e8",                                     200000000          },
        {"200e6",                                   200000000          },
        {"262144k",                                 262144000          },
        {"1M",                                      1000000            },
        {"1G",                                      1000000000         },
        {"1T",                                      1000000000000      },
        {"1P",                                      1000000000000000   },
        {"1E",                                      1000000000000000000},
        {"1Ki",                                     KI                 },
        {"1Ti",                                     KI * GI            },
        {"1Pi",                                     MI * GI            },
        {"1Ei",                                     GI * GI            },
        {"7.999999999999999999Ei",                  INT64_MAX          },
        {"100m",                                    1                  },
        {"1000m",                                   1                  },
        {"1001m",                                   2                  },
        {"0.1Ki",                                   103                },
        {"0.0009765625Ki",                          1                  },
        {"0.00097656250000000000000000000000001Ki", 2                  },
        {"0.5Ei",                                   INT64_C(1) << 59   },
        {"0.99999999999999999999Ei",                INT64_C(1) << 60   },
        {"9223372036854775807",                     INT64_MAX          },
        {"9223372036854775806.5",                   INT64_MAX          },
        {"9.223372036854775807E",                   INT64_MAX          },
    };
    (void)state;

    for (size_t i = 0; i < GT_ARRAY_LEN(spellings); i++) {
        assert_amount(GT_MEMORY, &spellings[i]);
    }
}

static void
assert_refused(enum gt_resource resource, const char *text,
               enum quantity_outcome outcome)
{
    int64_t amount = 7;

    if (quantity_decode(resource, text, &amount) != outcome || amount != 7) {
        fail_msg("\"%s\" is not refused as it should be", text);
    }
}

static void
what_a_server_refuses_is_a_syntax_error(void **state)
{
    static const char *const texts[] = {
        "",      "abc",  "128 Mi", " 1",   "1 ",  "500MB", "256mi", "262144K",
        "1KI",   "1mi",  "1i",     "m",    ".",   "+",     "-",     "+-1",
        "1.2.3", "1e",   "1e+",    "1e-",  "1ex", "1e3m",  "1e3.5", "1Eii",
        "0x10",  "nan",  "inf",    "1,5",  "--1", "e3",    "Mi",    "1B",
        "1\xc2", "1 Mi", "1_000",  "1Mim", "1mm", "1e1e1",
    };
    (void)state;

    for (size_t i = 0; i < GT_ARRAY_LEN(texts); i++) {
        assert_refused(GT_CPU, texts[i], QUANTITY_E_SYNTAX);
        assert_refused(GT_MEMORY, texts[i], QUANTITY_E_SYNTAX);
    }
}

static void
negative_and_too_large_are_range_errors(void **state)
{
    static const char *const texts[] = {
        "-100m",
        "-1n",
        "-1e-99",
        "-9223372036854775809",
        "9223372036854775808",
        "9223372036854775807.1",
        "8Ei",
        "7.9999999999999999999Ei",
        "9.3E",
        "1e19",
        "1e999999999999999999999",
        "99999999999999999999999999999999",
        "99999999999999999999999999999999Ki",
    };
    (void)state;

    for (size_t i = 0; i < GT_ARRAY_LEN(texts); i++) {
        assert_refused(GT_MEMORY, texts[i], QUANTITY_E_RANGE);
    }
    assert_refused(GT_CPU, "9223372036854775808m", QUANTITY_E_RANGE);
    assert_refused(GT_CPU, "9223372036854776", QUANTITY_E_RANGE);
}

static void
a_target_may_be_spelt_with_a_b(void **state)
{
    static const struct spelling spellings[] = {
        {"500MB",     500000000   },
        {"1GB",       1000000000  },
        {"64KB",      64000       },
        {"64kB",      64000       },
        {"1.5GB",     1500000000  },
        {"0.5TB",     500000000000},
        {"500Mi",     500 * MI    },
        {"1.5Gi",     1536 * MI   },
        {"524288000", 524288000   },
        {"0.0001KB",  1           },
    };
    static const char *const bad[] = {"",    "MB",   "500mb", "500 MB", "1B",
                                      "1Mb", "1MiB", "1MBB",  "1eB",    "1mB"};
    int64_t bytes;
    (void)state;

    for (size_t i = 0; i < GT_ARRAY_LEN(spellings); i++) {
        assert_int_equal(quantity_target_decode(spellings[i].text, &bytes),
                         QUANTITY_OK);
        assert_true(bytes == spellings[i].amount);
    }
    for (size_t i = 0; i < GT_ARRAY_LEN(bad); i++) {
        assert_int_equal(quantity_target_decode(bad[i], &bytes),
                         QUANTITY_E_SYNTAX);
    }
    assert_int_equal(quantity_target_decode("-1MB", &bytes), QUANTITY_E_RANGE);
    assert_int_equal(quantity_target_decode("10000000TB", &bytes),
                     QUANTITY_E_RANGE);
}

static const char *
encoded(enum gt_resource resource, int64_t amount, char memory[32])
{
    struct gt_buf out;

    gt_buf_init(&out, memory, 32);
    quantity_encode(resource, amount, &out);
    assert_false(out.overflow);
    return out.data;
}

static void
amounts_are_written_as_kubernetes_prints_them(void **state)
{
    char memory[32];
    (void)state;

    assert_string_equal(encoded(GT_CPU, 250, memory), "250m");
    assert_string_equal(encoded(GT_CPU, 2000, memory), "2");
    assert_string_equal(encoded(GT_CPU, 1250, memory), "1250m");
    assert_string_equal(encoded(GT_CPU, 1000000, memory), "1k");
    assert_string_equal(encoded(GT_CPU, 0, memory), "0");
    assert_string_equal(encoded(GT_MEMORY, 512 * MI, memory), "512Mi");
    assert_string_equal(encoded(GT_MEMORY, 1536 * MI, memory), "1536Mi");
    assert_string_equal(encoded(GT_MEMORY, 4 * GI, memory), "4Gi");
    assert_string_equal(encoded(GT_MEMORY, 1000, memory), "1000");
    assert_string_equal(encoded(GT_MEMORY, 0, memory), "0");
    assert_string_equal(encoded(GT_MEMORY, GI * GI, memory), "1Ei");
    assert_string_equal(encoded(GT_MEMORY, INT64_MAX, memory),
                        "9223372036854775807");
    assert_string_equal(encoded(GT_CPU, INT64_C(9000000000000000000), memory),
                        "9P");
}

static void
what_was_written_reads_as_the_same_amount(void **state)
{
    struct gt_rng rng = {.state = 1};
    char memory[32];
    (void)state;

    for (int i = 0; i < 20000; i++) {
        uint64_t bits = gt_rng_next(&rng) >> (i % 64);
        int64_t amount = (int64_t)((bits << (i / 64 % 64)) & INT64_MAX);
        for (int r = GT_CPU; r <= GT_MEMORY; r++) {
            struct spelling spelling = {
                encoded((enum gt_resource)r, amount, memory), amount};
            assert_amount((enum gt_resource)r, &spelling);
        }
    }
}

/* Against a second way to the same figure, in 128-bit arithmetic. */
static void
binary_fractions_are_exact(void **state)
{
    __extension__ typedef unsigned __int128 wide;
    struct gt_rng rng = {.state = 2};
    (void)state;

    for (int i = 0; i < 20000; i++) {
        uint64_t whole = gt_rng_below(&rng, 1000000);
        uint64_t part = gt_rng_below(&rng, 1000000000000);
        char text[64];
        (void)snprintf(text, sizeof(text), "%" PRIu64 ".%012" PRIu64 "Gi",
                       whole, part);

        wide exact = ((wide)whole * 1000000000000 + part) * (wide)GI;
        wide up = (exact + 999999999999) / 1000000000000;

        assert_amount(GT_MEMORY, &(struct spelling){text, (int64_t)up});
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cpu_is_read_in_milli_rounded_up),
        cmocka_unit_test(memory_is_read_in_bytes_rounded_up),
        cmocka_unit_test(what_a_server_refuses_is_a_syntax_error),
        cmocka_unit_test(negative_and_too_large_are_range_errors),
        cmocka_unit_test(a_target_may_be_spelt_with_a_b),
        cmocka_unit_test(amounts_are_written_as_kubernetes_prints_them),
        cmocka_unit_test(what_was_written_reads_as_the_same_amount),
        cmocka_unit_test(binary_fractions_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
