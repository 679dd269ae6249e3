/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/policy.h"

#define MIB INT64_C(1048576)

/* One container "app" that requests 500m and 256 MiB. */
static struct kube_pod
pod_of(void)
{
    struct kube_pod pod;

    memset(&pod, 0, sizeof(pod));
    pod.containers_len = 1;
    strcpy(pod.containers[0].name, "app");
    pod.containers[0].spec.requests[GT_CPU] = 500;
    pod.containers[0].spec.requests[GT_MEMORY] = 256 * MIB;
    return pod;
}

static void
annotate(struct kube_pod *pod, const char *key, const char *value)
{
    struct kube_annotation *a = &pod->annotations[pod->annotations_len++];

    snprintf(a->key, sizeof(a->key), "%s", key);
    snprintf(a->value, sizeof(a->value), "%s", value);
}

/* Reads a pod with one annotation. */
static enum policy_outcome
read_one(struct policy *policy, const char *key, const char *value)
{
    struct kube_pod pod = pod_of();

    annotate(&pod, key, value);
    return policy_read(policy, &pod, 0, NULL);
}

static void
a_pod_without_annotations_has_the_defaults(void **state)
{
    struct kube_pod pod = pod_of();
    struct policy policy;

    (void)state;
    assert_int_equal(policy_read(&policy, &pod, 0, NULL), POLICY_OK);

    assert_int_equal(policy.mode, POLICY_APPLY);
    assert_int_equal(policy.min[GT_CPU], 10);
    assert_int_equal(policy.min[GT_MEMORY], 32 * MIB);
    assert_int_equal(policy.max[GT_CPU], 2000);
    assert_int_equal(policy.max[GT_MEMORY], 1024 * MIB);
    assert_true(policy.moves[GT_CPU] && policy.moves[GT_MEMORY]);
    assert_false(policy.requests_only);
    assert_float_equal(policy.weight, 1.0, 0.0);
    assert_float_equal(policy.penalty[GT_CPU], 20.0, 0.0);
    assert_float_equal(policy.penalty[GT_MEMORY], 40000.0, 0.0);
    assert_int_equal(policy.release, POLICY_RELEASE_AUTO);
}

static void
every_annotation_is_understood(void **state)
{
    struct kube_pod pod = pod_of();
    struct policy policy;

    (void)state;
    annotate(&pod, "strategy", "potential-game");
    annotate(&pod, "mode", "recommend");
    annotate(&pod, "min-cpu", "0.1");
    annotate(&pod, "max-cpu", "2");
    annotate(&pod, "min-memory", "64Mi");
    annotate(&pod, "max-memory", "1Gi");
    annotate(&pod, "priority", "2.5");
    annotate(&pod, "class", "latency-critical");
    annotate(&pod, "controlled", "requests");
    annotate(&pod, "resources", "memory");
    annotate(&pod, "release", "http:8080/admin/release");

    assert_int_equal(policy_read(&policy, &pod, 0, NULL), POLICY_OK);

    assert_int_equal(policy.mode, POLICY_RECOMMEND);
    assert_int_equal(policy.min[GT_CPU], 100);
    assert_int_equal(policy.max[GT_CPU], 2000);
    assert_int_equal(policy.min[GT_MEMORY], 64 * MIB);
    assert_int_equal(policy.max[GT_MEMORY], 1024 * MIB);
    assert_float_equal(policy.weight, 2.5, 1e-9);
    assert_float_equal(policy.penalty[GT_CPU], 100.0, 0.0);
    assert_float_equal(policy.penalty[GT_MEMORY], 40000.0, 0.0);
    assert_true(policy.requests_only);
    assert_false(policy.moves[GT_CPU]);
    assert_true(policy.moves[GT_MEMORY]);
    assert_int_equal(policy.release, POLICY_RELEASE_HTTP);
    assert_int_equal(policy.release_port, 8080);
    assert_string_equal(policy.release_path, "/admin/release");
}

static void
each_value_of_a_set_is_accepted(void **state)
{
    static const char *const good[][2] = {
        {"mode",       "apply"                  },
        {"mode",       "off"                    },
        {"class",      "batch"                  },
        {"class",      "standard"               },
        {"controlled", "requests-and-limits"    },
        {"resources",  "cpu,memory"             },
        {"resources",  "memory,cpu"             },
        {"resources",  "cpu"                    },
        {"release",    "auto"                   },
        {"release",    "none"                   },
        {"release",    "http:1/"                },
        {"release",    "http:65535/a-b_c/~d%20e"},
        {"priority",   "0.25"                   },
        {"priority",   "16"                     },
    };
    struct policy policy;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(read_one(&policy, good[i][0], good[i][1]), POLICY_OK);
    }
}

static void
a_value_that_is_not_understood_is_bad(void **state)
{
    static const char *const bad[][2] = {
        {"strategy",   "vpa"                        },
        {"strategy",   ""                           },
        {"mode",       "Apply"                      },
        {"mode",       ""                           },
        {"min-cpu",    "-100m"                      },
        {"min-cpu",    "0"                          },
        {"min-cpu",    "abc"                        },
        {"max-cpu",    ""                           },
        {"max-cpu",    "1 "                         },
        {"min-memory", "500MB"                      },
        {"max-memory", "99999999999Gi"              },
        {"priority",   "0.2"                        },
        {"priority",   "16.1"                       },
        {"priority",   "nan"                        },
        {"priority",   "-1"                         },
        {"priority",   ""                           },
        {"class",      "gold"                       },
        {"controlled", "limits"                     },
        {"resources",  ""                           },
        {"resources",  "cpu,"                       },
        {"resources",  "cpu, memory"                },
        {"resources",  "disk"                       },
        {"release",    ""                           },
        {"release",    "jvm"                        },
        {"release",    "signal:HUP"                 },
        {"release",    "http:"                      },
        {"release",    "http:0/x"                   },
        {"release",    "http:65536/x"               },
        {"release",    "http:99999999999999999999/x"},
        {"release",    "http:80"                    },
        {"release",    "http:4294967376/x"          },
        {"release",    "http:80x/"                  },
        {"release",    "http://app/x"               },
        {"release",    "http:80/x?y=1"              },
        {"release",    "http:80/x#y"                },
        {"release",    "http:80/x y"                },
        {"release",    "http:80/x\r\nHost: y"       },
    };
    struct policy policy;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(read_one(&policy, bad[i][0], bad[i][1]),
                         POLICY_E_VALUE);
    }
}

static void
a_path_that_does_not_fit_is_bad(void **state)
{
    struct policy policy;
    char value[8 + sizeof(policy.release_path)];

    (void)state;
    memset(value, 'a', sizeof(value));
    memcpy(value, "http:80/", 8);
    value[7 + sizeof(policy.release_path) - 1] = '\0';
    assert_int_equal(read_one(&policy, "release", value), POLICY_OK);
    value[7 + sizeof(policy.release_path) - 1] = 'a';
    value[7 + sizeof(policy.release_path)] = '\0';
    assert_int_equal(read_one(&policy, "release", value), POLICY_E_VALUE);
}

static void
the_bad_annotation_is_named_and_the_policy_untouched(void **state)
{
    struct kube_pod pod = pod_of();
    const struct kube_annotation *bad = NULL;
    struct policy policy;
    struct policy before;

    (void)state;
    memset(&policy, 0x5a, sizeof(policy));
    before = policy;
    annotate(&pod, "mode", "apply");
    annotate(&pod, "class", "gold");

    assert_int_equal(policy_read(&policy, &pod, 0, &bad), POLICY_E_VALUE);

    assert_ptr_equal(bad, &pod.annotations[1]);
    assert_memory_equal(&policy, &before, sizeof(policy));
}

static void
a_minimum_above_the_maximum_is_bad(void **state)
{
    struct kube_pod pod = pod_of();
    const struct kube_annotation *bad = NULL;
    struct policy policy;

    (void)state;
    annotate(&pod, "max-memory", "1Gi");
    annotate(&pod, "min-memory", "2Gi");
    assert_int_equal(policy_read(&policy, &pod, 0, &bad), POLICY_E_VALUE);
    assert_string_equal(bad->key, "min-memory");
}

static void
a_bound_that_is_said_moves_the_one_that_is_not(void **state)
{
    struct policy policy;

    (void)state;
    assert_int_equal(read_one(&policy, "min-cpu", "3"), POLICY_OK);
    assert_int_equal(policy.max[GT_CPU], 3000);
    assert_int_equal(read_one(&policy, "max-memory", "16Mi"), POLICY_OK);
    assert_int_equal(policy.min[GT_MEMORY], 16 * MIB);
}

static void
a_request_that_is_absent_or_huge_still_gives_sane_bounds(void **state)
{
    struct kube_pod pod = pod_of();
    struct policy policy;

    (void)state;
    pod.containers[0].spec.requests[GT_CPU] = KUBE_ABSENT;
    pod.containers[0].spec.requests[GT_MEMORY] = INT64_MAX;
    assert_int_equal(policy_read(&policy, &pod, 0, NULL), POLICY_OK);
    assert_int_equal(policy.max[GT_CPU], 10);
    assert_true(policy.max[GT_MEMORY] == INT64_MAX);
}

static void
an_annotation_for_one_container_wins_there_and_only_there(void **state)
{
    struct kube_pod pod = pod_of();
    struct policy app;
    struct policy log;

    (void)state;
    pod.containers_len = 2;
    strcpy(pod.containers[1].name, "log");
    annotate(&pod, "mode.app", "recommend");
    annotate(&pod, "mode", "off");
    annotate(&pod, "min-cpu.apple", "garbage");
    annotate(&pod, "class.log", "batch");

    assert_int_equal(policy_read(&app, &pod, 0, NULL), POLICY_OK);
    assert_int_equal(policy_read(&log, &pod, 1, NULL), POLICY_OK);

    assert_int_equal(app.mode, POLICY_RECOMMEND);
    assert_int_equal(log.mode, POLICY_OFF);
    assert_float_equal(app.penalty[GT_CPU], 20.0, 0.0);
    assert_float_equal(log.penalty[GT_CPU], 5.0, 0.0);
}

static void
unknown_keys_are_ignored(void **state)
{
    struct policy policy;

    (void)state;
    assert_int_equal(read_one(&policy, "modes", "x"), POLICY_OK);
    assert_int_equal(read_one(&policy, "colour", "blue"), POLICY_OK);
}

static void
system_critical_pods_weigh_four_unless_said_otherwise(void **state)
{
    struct kube_pod pod = pod_of();
    struct policy policy;

    (void)state;
    strcpy(pod.priority_class, "system-node-critical");
    assert_int_equal(policy_read(&policy, &pod, 0, NULL), POLICY_OK);
    assert_float_equal(policy.weight, 4.0, 0.0);
    strcpy(pod.priority_class, "system-critical-not");
    assert_int_equal(policy_read(&policy, &pod, 0, NULL), POLICY_OK);
    assert_float_equal(policy.weight, 1.0, 0.0);

    strcpy(pod.priority_class, "system-cluster-critical");
    annotate(&pod, "priority", "0.5");
    assert_int_equal(policy_read(&policy, &pod, 0, NULL), POLICY_OK);
    assert_float_equal(policy.weight, 0.5, 0.0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pod_without_annotations_has_the_defaults),
        cmocka_unit_test(every_annotation_is_understood),
        cmocka_unit_test(each_value_of_a_set_is_accepted),
        cmocka_unit_test(a_value_that_is_not_understood_is_bad),
        cmocka_unit_test(a_path_that_does_not_fit_is_bad),
        cmocka_unit_test(the_bad_annotation_is_named_and_the_policy_untouched),
        cmocka_unit_test(a_minimum_above_the_maximum_is_bad),
        cmocka_unit_test(a_bound_that_is_said_moves_the_one_that_is_not),
        cmocka_unit_test(
            a_request_that_is_absent_or_huge_still_gives_sane_bounds),
        cmocka_unit_test(
            an_annotation_for_one_container_wins_there_and_only_there),
        cmocka_unit_test(unknown_keys_are_ignored),
        cmocka_unit_test(system_critical_pods_weigh_four_unless_said_otherwise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
