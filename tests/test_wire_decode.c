/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/wire.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/golden.h"

#define HELLO  "tests/data/wire/hello.json"
#define INTENT "tests/data/wire/intent.json"
#define SIGNAL "tests/data/wire/signal.json"

/* A text of a golden message and what is put in its place. */
struct twist {
    const char *what;
    const char *with;
};

/* Decodes as what @path is; a refused message must leave no trace. */
static enum wire_outcome
decode(const char *path, const char *bytes, size_t len)
{
    static const struct wire_strategy no_strategy = {.seq = 77};
    static const struct wire_signal no_signal = {.epoch = 77};
    struct wire_strategy strategy = no_strategy;
    struct wire_signal signal = no_signal;
    enum wire_outcome outcome =
        strcmp(path, SIGNAL) == 0 ? wire_signal_decode(&signal, bytes, len)
                                  : wire_strategy_decode(&strategy, bytes, len);

    if (outcome != WIRE_OK) {
        assert_memory_equal(&strategy, &no_strategy, sizeof(strategy));
        assert_memory_equal(&signal, &no_signal, sizeof(signal));
    }
    return outcome;
}

/* Each twist alone turns the message at @path into @outcome. */
static void
assert_twists(const char *path, const struct twist *twists, size_t len,
              enum wire_outcome outcome)
{
    struct golden message;

    for (size_t i = 0; i < len; i++) {
        golden_read(&message, path);
        assert_int_equal(decode(path, message.text, message.len), WIRE_OK);
        golden_replace(&message, twists[i].what, twists[i].with);
        enum wire_outcome got = decode(path, message.text, message.len);
        if (got != outcome) {
            fail_msg("%s for %s is %s", twists[i].with, twists[i].what,
                     wire_outcome_name(got));
        }
    }
}

static void
what_is_no_message_is_refused(void **state)
{
    static const struct twist twists[] = {
        {"{",         "\"{"                               },
        {"{",         "[{"                                },
        {"{",         "text {"                            },
        {"\"v\": 1,", "\"v\": 1,,"                        },
        {"intent",    "int\xff"                           },
        {"[1, 2, 3]", "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]"},
        {"[1, 2, 3]", "[1, 2, 3"                          },
        {"[1, 2, 3]", "/* */ 3"                           },
    };
    (void)state;

    assert_twists(INTENT, twists, GT_ARRAY_LEN(twists), WIRE_E_SYNTAX);
    assert_int_equal(decode(INTENT, "", 0), WIRE_E_SYNTAX);
    assert_int_equal(decode(INTENT, "null", 4), WIRE_E_SYNTAX);
    assert_int_equal(decode(INTENT, "[]", 2), WIRE_E_SYNTAX);
    assert_int_equal(decode(INTENT, "{}", 2), WIRE_E_FIELD);
    assert_int_equal(decode(INTENT, "{}{}", 4), WIRE_E_SYNTAX);
    assert_int_equal(decode(INTENT, "{}\0{}", 5), WIRE_E_SYNTAX);
    assert_int_equal(decode(SIGNAL, "{]", 2), WIRE_E_SYNTAX);
}

static void
every_truncated_message_is_refused(void **state)
{
    static const char *const paths[] = {HELLO, INTENT, SIGNAL};
    struct golden message;
    (void)state;

    for (size_t i = 0; i < GT_ARRAY_LEN(paths); i++) {
        golden_read(&message, paths[i]);
        for (size_t len = 0; len < message.len - 2; len++) {
            assert_int_equal(decode(paths[i], message.text, len),
                             WIRE_E_SYNTAX);
        }
    }
}

static void
white_space_is_no_matter(void **state)
{
    static const struct twist twists[] = {
        {"{",           " \n\t{"       },
        {"\"seq\": 42", "\"seq\":  42 "},
    };
    (void)state;

    assert_twists(INTENT, twists, GT_ARRAY_LEN(twists), WIRE_OK);
}

static void
an_oversize_message_is_refused_unread(void **state)
{
    struct golden message;
    (void)state;
    golden_read(&message, INTENT);
    memset(message.text + message.len, ' ', sizeof(message.text) - message.len);

    assert_int_equal(decode(INTENT, message.text, WIRE_MESSAGE_MAX), WIRE_OK);
    assert_int_equal(decode(INTENT, message.text, WIRE_MESSAGE_MAX + 1),
                     WIRE_E_OVERSIZE);
    assert_int_equal(decode(SIGNAL, message.text, WIRE_MESSAGE_MAX + 1),
                     WIRE_E_OVERSIZE);
}

static void
another_version_is_told_apart(void **state)
{
    static const struct twist other[] = {
        {"\"v\": 1", "\"v\": 2"},
        {"\"v\": 1", "\"v\": 0"},
    };
    static const struct twist none[] = {
        {"\"v\": 1", "\"v\": \"1\""},
        {"\"v\": 1", "\"v\": 1.0"  },
        {"\"v\": 1", "\"v\": -1"   },
        {"\"v\": 1", "\"w\": 1"    },
    };
    (void)state;

    assert_twists(INTENT, other, GT_ARRAY_LEN(other), WIRE_E_VERSION);
    assert_twists(SIGNAL, other, GT_ARRAY_LEN(other), WIRE_E_VERSION);
    assert_twists(INTENT, none, GT_ARRAY_LEN(none), WIRE_E_FIELD);
}

static void
another_kind_is_told_apart(void **state)
{
    static const struct twist strategy[] = {
        {"\"intent\"",            "\"order\"" },
        {"\"intent\"",            "\"signal\""},
        {"\"intent\"",            "3"         },
        {"\"kind\": \"intent\",", ""          },
    };
    static const struct twist signal[] = {
        {"\"signal\"", "\"hello\""},
    };
    (void)state;

    assert_twists(INTENT, strategy, GT_ARRAY_LEN(strategy), WIRE_E_KIND);
    assert_twists(SIGNAL, signal, GT_ARRAY_LEN(signal), WIRE_E_KIND);
}

static void
a_strategy_with_a_bad_header_is_refused(void **state)
{
    static const struct twist twists[] = {
        {"\"ea38",             "\"\\u0000ea38"                     },
        {"\"ea38",             "\"\\nea38"                         },
        {"\"ea38",             "\"\\u00e9ea38"                     },
        {"\"ea38",             "\"\", \"x\": \""                   },
        {"\"ea38",             "\"1234567890123456789012345678ea38"},
        {"\"id\"",             "\"di\""                            },
        {"\"6562d4f1a1b2c3\"", "\"6562D4F1A1B2C3\""                },
        {"\"6562d4f1a1b2c3\"", "\"0\""                             },
        {"\"6562d4f1a1b2c3\"", "\"\""                              },
        {"\"6562d4f1a1b2c3\"", "\"11111222223333344\""             },
        {"\"6562d4f1a1b2c3\"", "6562"                              },
        {"\"seq\": 42",        "\"seq\": 0"                        },
        {"\"seq\": 42",        "\"seq\": -1"                       },
        {"\"seq\": 42",        "\"seq\": 42.5"                     },
        {"\"seq\": 42",        "\"seq\": 4.2e1"                    },
        {"\"seq\": 42",        "\"seq\": \"42\""                   },
        {"\"seq\": 42",        "\"seq\": true"                     },
        {"\"seq\": 42",        "\"seq\": null"                     },
        {"\"seq\": 42",        "\"seq\": 9007199254740992"         },
        {"\"seq\": 42",        "\"seq\": 18446744073709551615"     },
        {"\"seq\": 42",        "\"seq\": -9223372036854775808"     },
        {"\"epoch\": 7",       "\"epoch\": -7"                     },
        {"\"epoch\": 7",       "\"epic\": 7"                       },
        {"\"heard\": {",       "\"heard\": 7, \"x\": {"            },
        {"\"flags\": [",       "\"flags\": 1, \"x\": ["            },
        {"\"intent\"",         "\"refuse\""                        },
        {"\"intent\"",         "\"hello\""                         },
    };
    (void)state;

    assert_twists(INTENT, twists, GT_ARRAY_LEN(twists), WIRE_E_FIELD);
}

static void
an_integer_of_any_length_is_refused_not_clamped(void **state)
{
    static const char *const integers[] = {
        "\"seq\": 99999999999999999999",
        "\"seq\": -99999999999999999999",
        "\"seq\": 1000000000000000000000000000000000000000000000001",
    };
    struct golden message;
    (void)state;

    /* Whether such a number is JSON, json-c's versions see differently. */
    for (size_t i = 0; i < GT_ARRAY_LEN(integers); i++) {
        golden_read(&message, INTENT);
        golden_replace(&message, "\"seq\": 42", integers[i]);
        assert_int_not_equal(decode(INTENT, message.text, message.len),
                             WIRE_OK);
    }
}

static void
text_beyond_ascii_is_for_fields_to_come(void **state)
{
    static const struct twist good[] = {
        {"[1, 2, 3]", "\"caf\xc3\xa9 \xe2\x82\xac\""},
    };
    static const struct twist bad[] = {
        {"[1, 2, 3]", "\"caf\xc3\""            },
        {"[1, 2, 3]", "\"\xc3\xa9\"} {\"x\": 1"},
    };
    (void)state;

    assert_twists(INTENT, good, GT_ARRAY_LEN(good), WIRE_OK);
    assert_twists(INTENT, bad, GT_ARRAY_LEN(bad), WIRE_E_SYNTAX);
}

static void
a_strategy_with_a_bad_player_is_refused(void **state)
{
    static const struct twist twists[] = {
        {"\"containers\": [", "\"containers\": [null, "},
        {"\"containers\"",    "\"container\""          },
        {"\"weight\": 4",     "\"weight\": 16.5"       },
        {"\"weight\": 4",     "\"weight\": 0"          },
        {"\"weight\": 4",     "\"weight\": NaN"        },
        {"\"current\": 100",  "\"current\": -1"        },
        {"\"target\": 100",   "\"target\": \"100\""    },
        {"\"want\": 169",     "\"want\": 1e400"        },
        {"\"want\": 169",     "\"want\": 169.5"        },
        {"\"floor\": 60",     "\"floor\": 2001"        },
        {"\"max\": 2000",     "\"max\": []"            },
        {"1.90625",           "NaN"                    },
        {"1.90625",           "-Infinity"              },
        {"1.90625",           "1e400"                  },
        {"1.90625",           "\"1.9\""                },
        {"-3.25",             "3.25"                   },
        {"\"memory\"",        "\"disk\""               },
        {"\"cpu\": {",        "\"cpu\": 3, \"x\": {"   },
    };
    (void)state;

    assert_twists(INTENT, twists, GT_ARRAY_LEN(twists), WIRE_E_FIELD);
}

static void
a_hello_without_its_names_is_refused(void **state)
{
    static const struct twist twists[] = {
        {"\"node\"",              "\"mode\""         },
        {"\"node-a\"",            "\"node\\na\""     },
        {"\"shop\"",              "\"\""             },
        {"\"cart-7d4b9c-x2x7k\"", "\"\""             },
        {"\"ReplicaSet/",         "\"Replica\\\"Set/"},
        {"\"name\": \"app\"",     "\"name\": \"\""   },
        {"\"name\": \"app\"",     "\"name\": null"   },
    };
    (void)state;

    assert_twists(HELLO, twists, GT_ARRAY_LEN(twists), WIRE_E_FIELD);
}

static void
a_pod_without_a_workload_may_say_hello(void **state)
{
    static const struct twist twists[] = {
        {"\"ReplicaSet/cart-7d4b9c\"", "\"\"" },
        {"\"ReplicaSet/cart-7d4b9c\"", "null" },
        {"\"workload\"",               "\"x\""},
    };
    (void)state;

    assert_twists(HELLO, twists, GT_ARRAY_LEN(twists), WIRE_OK);
}

static void
a_signal_with_a_bad_field_is_refused(void **state)
{
    static const struct twist twists[] = {
        {"\"node-a\"",            "\"\""                  },
        {"\"epoch\": 8",          "\"epoch\": 0"          },
        {"\"part\": 0",           "\"part\": 1"           },
        {"\"parts\": 1",          "\"parts\": 0"          },
        {"\"parts\": 1",          "\"parts\": 1025"       },
        {"45000",                 "3600001"               },
        {"\"deadline_ms\": 5",    "\"deadline_ms\": -5"   },
        {"\"lo\": 1500",          "\"lo\": 1570"          },
        {"2000",                  "2000.5"                },
        {"12.5",                  "-12.5"                 },
        {"0.9",                   "1"                     },
        {"3200",                  "-1e400"                },
        {"\"exponent\": 3",       "\"exponent\": 0.5"     },
        {"\"memory\"",            "\"disk\""              },
        {"\"known\": [",          "\"known\": [1, "       },
        {"\"known\": [",          "\"known\": [\"\\\\\", "},
        {"\"known\": [",          "\"known\": [\"\", "    },
        {"\"known\"",             "\"none\""              },
        {"\"lights\"",            "\"night\""             },
        {"\"lights\": [",         "\"lights\": [[], "     },
        {"\"seq\": 42",           "\"seq\": 0"            },
        {"\"container\": 0",      "\"container\": 8"      },
        {"\"green\"",             "\"yellow\""            },
        {"\"resource\": \"cpu\"", "\"resource\": \"disk\""},
        {"\"amount\": 169",       "\"amount\": -169"      },
    };
    (void)state;

    assert_twists(SIGNAL, twists, GT_ARRAY_LEN(twists), WIRE_E_FIELD);
}

/* Decodes @path with @count times @element put first into the list @key. */
static enum wire_outcome
decode_longer(const char *path, const char *key, size_t count,
              const char *element)
{
    struct golden message;
    char memory[WIRE_MESSAGE_MAX];
    struct gt_buf list;

    gt_buf_init(&list, memory, sizeof(memory));
    gt_buf_text(&list, key);
    for (size_t i = 0; i < count; i++) {
        gt_buf_text(&list, element);
    }
    assert_false(list.overflow);
    golden_read(&message, path);
    golden_replace(&message, key, list.data);
    return decode(path, message.text, message.len);
}

#define PLAYER                                                                 \
    "{\"current\":1,\"target\":1,\"want\":1,\"floor\":1,\"max\":1,"            \
    "\"gain\":0,\"value\":0}"

static void
a_list_longer_than_its_bound_is_refused(void **state)
{
    static const char known[] = "\"known\": [";
    static const char lights[] = "\"lights\": [";
    static const char containers[] = "\"containers\": [";
    static const char light[] =
        "{\"id\":\"a\",\"seq\":1,\"container\":0,\"resource\":\"cpu\","
        "\"light\":\"red\",\"amount\":1},";
    static const char container[] =
        "{\"weight\":1,\"cpu\":" PLAYER ",\"memory\":" PLAYER "},";
    (void)state;

    assert_int_equal(decode_longer(SIGNAL, known, WIRE_KNOWN_MAX - 2, "\"a\","),
                     WIRE_OK);
    assert_int_equal(decode_longer(SIGNAL, known, WIRE_KNOWN_MAX - 1, "\"a\","),
                     WIRE_E_FIELD);
    assert_int_equal(decode_longer(SIGNAL, lights, WIRE_LIGHTS_MAX - 2, light),
                     WIRE_OK);
    assert_int_equal(decode_longer(SIGNAL, lights, WIRE_LIGHTS_MAX - 1, light),
                     WIRE_E_FIELD);
    assert_int_equal(
        decode_longer(INTENT, containers, WIRE_CONTAINERS_MAX - 1, container),
        WIRE_OK);
    assert_int_equal(
        decode_longer(INTENT, containers, WIRE_CONTAINERS_MAX, container),
        WIRE_E_FIELD);
}

static void
the_last_of_duplicate_fields_counts(void **state)
{
    static const struct twist good[] = {
        {"\"seq\": 42", "\"seq\": 0, \"seq\": 42"}
    };
    static const struct twist bad[] = {
        {"\"seq\": 42", "\"seq\": 42, \"seq\": 0"}
    };
    (void)state;

    assert_twists(INTENT, good, GT_ARRAY_LEN(good), WIRE_OK);
    assert_twists(INTENT, bad, GT_ARRAY_LEN(bad), WIRE_E_FIELD);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_message_is_refused),
        cmocka_unit_test(every_truncated_message_is_refused),
        cmocka_unit_test(white_space_is_no_matter),
        cmocka_unit_test(an_oversize_message_is_refused_unread),
        cmocka_unit_test(another_version_is_told_apart),
        cmocka_unit_test(another_kind_is_told_apart),
        cmocka_unit_test(a_strategy_with_a_bad_header_is_refused),
        cmocka_unit_test(an_integer_of_any_length_is_refused_not_clamped),
        cmocka_unit_test(text_beyond_ascii_is_for_fields_to_come),
        cmocka_unit_test(a_strategy_with_a_bad_player_is_refused),
        cmocka_unit_test(a_hello_without_its_names_is_refused),
        cmocka_unit_test(a_pod_without_a_workload_may_say_hello),
        cmocka_unit_test(a_signal_with_a_bad_field_is_refused),
        cmocka_unit_test(a_list_longer_than_its_bound_is_refused),
        cmocka_unit_test(the_last_of_duplicate_fields_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
