/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/kube.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/golden.h"

#define MI (INT64_C(1024) * 1024)

/* A patch of one container that changes nothing yet. */
static const struct kube_patch nothing = {
    .changes_len = 1,
    .changes = {{.name = "app",
                 .to = {.requests = {KUBE_ABSENT, KUBE_ABSENT},
                        .limits = {KUBE_ABSENT, KUBE_ABSENT}}}},
};

static void
assert_patch(const struct kube_patch *patch, const char *text)
{
    char memory[1024];
    struct gt_buf buf;

    gt_buf_init(&buf, memory, sizeof(memory));
    kube_patch_encode(patch, &buf);
    assert_false(buf.overflow);
    assert_string_equal(buf.data, text);
}

static void
a_patch_names_its_containers_in_order_and_the_pod_by_uid(void **state)
{
    struct kube_patch patch = nothing;
    (void)state;
    memcpy(patch.uid, "ea38", 5);
    patch.changes[0].to.requests[GT_CPU] = 250;
    patch.changes[0].to.requests[GT_MEMORY] = 96 * MI;
    patch.changes[0].to.limits[GT_CPU] = 2000;
    patch.changes_len = 2;
    patch.changes[1] = nothing.changes[0];
    memcpy(patch.changes[1].name, "log", 4);
    patch.changes[1].to.limits[GT_MEMORY] = 1000;

    assert_patch(&patch,
                 "{\"metadata\":{\"uid\":\"ea38\"},\"spec\":{\"containers\":["
                 "{\"name\":\"app\",\"resources\":{"
                 "\"requests\":{\"cpu\":\"250m\",\"memory\":\"96Mi\"},"
                 "\"limits\":{\"cpu\":\"2\"}}},"
                 "{\"name\":\"log\",\"resources\":{"
                 "\"limits\":{\"memory\":\"1000\"}}}]}}");
}

static void
an_empty_patch_only_reads(void **state)
{
    static const struct kube_patch empty = {.changes_len = 0};
    (void)state;

    assert_patch(&empty, "{}");
}

static void
a_patch_that_nobody_would_take_is_not_written(void **state)
{
    struct kube_patch patches[] = {nothing, nothing, nothing};
    char memory[128];
    struct gt_buf buf;
    (void)state;
    patches[0].changes[0].to.limits[GT_CPU] = -2;
    patches[1].changes[0].name[0] = '"';
    memset(patches[2].uid, 'u', sizeof(patches[2].uid) - 1); /* no room */

    for (size_t i = 0; i < GT_ARRAY_LEN(patches); i++) {
        gt_buf_init(&buf, memory, sizeof(memory));
        kube_patch_encode(&patches[i], &buf);
        assert_true(buf.overflow);
        assert_string_equal(buf.data, "");
    }
}

static void
every_refusal_is_told_apart(void **state)
{
    static const struct {
        const char *path;
        int status;
        enum kube_outcome outcome;
    } cases[] = {
        {"tests/data/kube/401.json",                     401, KUBE_E_UNAUTHORIZED },
        {"tests/data/kube/403-rbac.json",                403, KUBE_E_FORBIDDEN    },
        {"tests/data/kube/403-limit-range-max.json",     403, KUBE_E_LIMIT_RANGE  },
        {"tests/data/kube/403-limit-range-min.json",     403, KUBE_E_LIMIT_RANGE  },
        {"tests/data/kube/403-limit-range-ratio.json",   403, KUBE_E_LIMIT_RANGE  },
        {"tests/data/kube/403-quota.json",               403, KUBE_E_QUOTA        },
        {"tests/data/kube/403-node-capacity.json",       403, KUBE_E_NODE_CAPACITY},
        {"tests/data/kube/403-node-capacity-cause.json", 403,
         KUBE_E_NODE_CAPACITY                                                     },
        {"tests/data/kube/403-node-feature.json",        403, KUBE_E_NODE_CAPACITY},
        {"tests/data/kube/403-node-gone.json",           403, KUBE_E_NODE_CAPACITY},
        {"tests/data/kube/403-policy.json",              403, KUBE_E_POLICY       },
        {"tests/data/kube/422-policy.json",              422, KUBE_E_POLICY       },
        {"tests/data/kube/400-webhook.json",             400, KUBE_E_POLICY       },
        {"tests/data/kube/404.json",                     404, KUBE_E_NOT_FOUND    },
        {"tests/data/kube/409.json",                     409, KUBE_E_CONFLICT     },
        {"tests/data/kube/410-list.json",                410, KUBE_E_REQUEST      },
        {"tests/data/kube/415.json",                     415, KUBE_E_REQUEST      },
        {"tests/data/kube/422-qos.json",                 422, KUBE_E_INVALID      },
        {"tests/data/kube/429.txt",                      429, KUBE_E_THROTTLED    },
        {"tests/data/kube/500.json",                     500, KUBE_E_SERVER       },
    };
    (void)state;

    for (size_t i = 0; i < GT_ARRAY_LEN(cases); i++) {
        struct golden golden;
        struct kube_answer answer;
        golden_read(&golden, cases[i].path);
        kube_answer_decode(&answer, cases[i].status, golden.text, golden.len);
        if (answer.outcome != cases[i].outcome) {
            fail_msg("%s is %s", cases[i].path,
                     kube_outcome_name(answer.outcome));
        }
        assert_int_equal(answer.status, cases[i].status);
        assert_string_not_equal(answer.message, "");
    }
}

static void
an_applied_patch_comes_with_the_pod(void **state)
{
    struct golden golden;
    struct kube_answer answer;
    (void)state;
    golden_read(&golden, "tests/data/kube/pod.json");
    golden_replace(&golden, "\"Pod\"", "\"Node\"");
    kube_answer_decode(&answer, 200, golden.text, golden.len);
    assert_int_equal(answer.outcome, KUBE_E_ANSWER);
    golden_replace(&golden, "\"Node\"", "\"Pod\"");

    kube_answer_decode(&answer, 200, golden.text, golden.len);

    assert_int_equal(answer.outcome, KUBE_APPLIED);
    assert_string_equal(answer.pod.name, "cart-7d4b9c-x2x7k");
    assert_int_equal(answer.pod.generation, 2);
}

static void
assert_answer(int status, const char *body, enum kube_outcome outcome,
              const char *message)
{
    struct kube_answer answer;

    kube_answer_decode(&answer, status, body, strlen(body));
    assert_int_equal(answer.outcome, outcome);
    assert_string_equal(answer.message, message);
    assert_string_equal(answer.pod.name, "");
}

static void
what_is_not_what_it_says_is_no_answer(void **state)
{
    (void)state;

    assert_answer(200, "ok\n", KUBE_E_ANSWER, "ok");
    assert_answer(200, "", KUBE_E_ANSWER, "");
    assert_answer(200, "{\"kind\":\"Pod\"}", KUBE_E_ANSWER, "");
    assert_answer(200, "{\"kind\":\"Node\"}", KUBE_E_ANSWER, "");
    assert_answer(200, "[{\"kind\":\"Pod\"}]", KUBE_E_ANSWER, "");
    assert_answer(302, "", KUBE_E_ANSWER, "");
    assert_answer(403, "<html>\x01 no</html>", KUBE_E_ANSWER,
                  "<html>? no</html>");
    assert_answer(404, "{\"message\":\"no route\"}", KUBE_E_ANSWER, "no route");
    assert_answer(403, "{\"kind\":\"Status\"}", KUBE_E_FORBIDDEN, "");
    assert_answer(403, "{\"kind\":\"Status\",\"message\":3}", KUBE_E_FORBIDDEN,
                  "");
}

static void
some_refusals_need_no_status(void **state)
{
    (void)state;

    assert_answer(0, "", KUBE_E_TRANSPORT, "");
    assert_answer(401, "", KUBE_E_UNAUTHORIZED, "");
    assert_answer(429, "", KUBE_E_THROTTLED, "");
    assert_answer(503, "upstream connect error", KUBE_E_SERVER,
                  "upstream connect error");
}

static void
a_long_plain_text_is_cut(void **state)
{
    char body[2 * KUBE_MESSAGE_MAX];
    struct kube_answer answer;
    (void)state;
    memset(body, 'x', sizeof(body));

    kube_answer_decode(&answer, 502, body, sizeof(body));

    assert_int_equal(answer.outcome, KUBE_E_SERVER);
    assert_int_equal(strlen(answer.message), KUBE_MESSAGE_MAX - 1);
}

static void
every_outcome_has_a_name(void **state)
{
    (void)state;

    for (unsigned i = KUBE_APPLIED; i <= KUBE_E_REQUEST; i++) {
        assert_string_not_equal(kube_outcome_name(i), "");
    }
    assert_string_equal(kube_outcome_name(KUBE_E_NODE_CAPACITY),
                        "node-capacity");
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_patch_names_its_containers_in_order_and_the_pod_by_uid),
        cmocka_unit_test(an_empty_patch_only_reads),
        cmocka_unit_test(a_patch_that_nobody_would_take_is_not_written),
        cmocka_unit_test(every_refusal_is_told_apart),
        cmocka_unit_test(an_applied_patch_comes_with_the_pod),
        cmocka_unit_test(what_is_not_what_it_says_is_no_answer),
        cmocka_unit_test(some_refusals_need_no_status),
        cmocka_unit_test(a_long_plain_text_is_cut),
        cmocka_unit_test(every_outcome_has_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
