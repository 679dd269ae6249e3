/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/wire.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/rng.h"
#include "tests/golden.h"

#define EXACT_MAX ((INT64_C(1) << 53) - 1)

#define INTENT "tests/data/wire/intent.json"
#define HELLO  "tests/data/wire/hello.json"
#define SIGNAL "tests/data/wire/signal.json"

static enum wire_outcome
decode_strategy(const struct golden *text, struct wire_strategy *out)
{
    return wire_strategy_decode(out, text->text, text->len);
}

static void
encode_strategy(const struct wire_strategy *strategy, struct golden *out)
{
    struct gt_buf buf;

    gt_buf_init(&buf, out->text, sizeof(out->text));
    wire_strategy_encode(strategy, &buf);
    assert_false(buf.overflow);
    out->len = buf.len;
}

static void
encode_signal(const struct wire_signal *signal, struct golden *out)
{
    struct gt_buf buf;

    gt_buf_init(&buf, out->text, sizeof(out->text));
    wire_signal_encode(signal, &buf);
    assert_false(buf.overflow);
    out->len = buf.len;
}

static void
an_intent_is_read_field_by_field(void **state)
{
    struct wire_strategy s;
    struct golden text;
    (void)state;
    golden_read(&text, INTENT);

    assert_int_equal(decode_strategy(&text, &s), WIRE_OK);

    assert_int_equal(s.kind, WIRE_INTENT);
    assert_string_equal(s.id, "ea38538b-9db3-49ad-8515-1a9428d07df5");
    assert_true(s.incarnation == 0x6562d4f1a1b2c3);
    assert_true(s.seq == 42);
    assert_true(s.heard_incarnation == 0x6562d4e0000001);
    assert_true(s.heard_epoch == 7);
    assert_int_equal(s.flags, WIRE_FLAG_THROTTLED);
    assert_string_equal(s.node, "");
    assert_int_equal(s.containers_len, 1);
    assert_string_equal(s.containers[0].name, "");
    assert_true(s.containers[0].weight == 4.0);
    const struct wire_player *cpu = &s.containers[0].players[GT_CPU];
    assert_true(cpu->current == 100 && cpu->target == 100 && cpu->want == 169);
    assert_true(cpu->floor == 60 && cpu->max == 2000);
    assert_true(cpu->gain == 1.90625 && cpu->value == -3.25);
    assert_true(s.containers[0].players[GT_MEMORY].floor == 33554432);
}

static void
a_hello_says_who_and_where(void **state)
{
    struct wire_strategy s;
    struct golden text;
    (void)state;
    golden_read(&text, HELLO);

    assert_int_equal(decode_strategy(&text, &s), WIRE_OK);

    assert_int_equal(s.kind, WIRE_HELLO);
    assert_string_equal(s.node, "node-a");
    assert_string_equal(s.space, "shop");
    assert_string_equal(s.pod, "cart-7d4b9c-x2x7k");
    assert_string_equal(s.workload, "ReplicaSet/cart-7d4b9c");
    assert_string_equal(s.containers[0].name, "app");
    assert_true(s.heard_incarnation == 0);
}

static void
a_signal_is_read_field_by_field(void **state)
{
    struct wire_signal s;
    struct golden text;
    (void)state;
    golden_read(&text, SIGNAL);

    assert_int_equal(wire_signal_decode(&s, text.text, text.len), WIRE_OK);

    assert_string_equal(s.node, "node-a");
    assert_true(s.incarnation == 0x6562d4e0000001);
    assert_true(s.epoch == 8);
    assert_true(s.part == 0 && s.parts == 1);
    assert_true(s.valid_ms == 45000 && s.deadline_ms == 5000);
    assert_true(s.loads[GT_CPU].lo == 1500 && s.loads[GT_CPU].hi == 1569);
    assert_true(s.loads[GT_MEMORY].capacity == INT64_C(4294967296));
    assert_true(s.loads[GT_MEMORY].price == 12.5);
    assert_true(s.loads[GT_CPU].rho0 == 0.9 && s.loads[GT_CPU].p1 == 3200.0);
    assert_true(s.loads[GT_CPU].exponent == 3.0);
    assert_int_equal(s.known_len, 2);
    assert_string_equal(s.known[1], "fb2a86da-0df9-4a15-83be-18b64d92b355");
    assert_int_equal(s.lights_len, 2);
    assert_int_equal(s.lights[0].color, WIRE_GREEN);
    assert_true(s.lights[0].seq == 42 && s.lights[0].amount == 169);
    assert_int_equal(s.lights[1].color, WIRE_RED);
    assert_int_equal(s.lights[1].resource, GT_MEMORY);
    assert_int_equal(s.lights[1].container, 1);
}

static void
the_version_comes_first(void **state)
{
    struct wire_strategy strategy = {.kind = WIRE_BYE, .id = "a", .seq = 1};
    struct wire_signal signal = {.node = "n", .parts = 1};
    struct golden text;
    (void)state;

    encode_strategy(&strategy, &text);
    assert_int_equal(strncmp(text.text, "{\"v\":1,\"kind\":\"bye\",", 20), 0);
    encode_signal(&signal, &text);
    assert_int_equal(strncmp(text.text, "{\"v\":1,\"kind\":\"signal\"", 22), 0);
}

static int64_t
some_amount(struct gt_rng *rng)
{
    return (int64_t)(gt_rng_next(rng) >> (11 + gt_rng_next(rng) % 53));
}

static void
some_text(struct gt_rng *rng, char *out, size_t size)
{
    size_t len = 1 + gt_rng_next(rng) % (size - 1);

    for (size_t i = 0; i < len; i++) {
        out[i] = (char)('a' + gt_rng_next(rng) % 26);
    }
    out[len] = '\0';
}

/* A real of six significant digits. */
static double
some_real(struct gt_rng *rng)
{
    return (double)(gt_rng_next(rng) % 1000000) / 64 / 15625;
}

static void
some_player(struct gt_rng *rng, struct wire_player *out)
{
    out->current = some_amount(rng);
    out->target = some_amount(rng);
    out->want = some_amount(rng);
    out->floor = some_amount(rng);
    out->max = out->floor + some_amount(rng) / 2;
    out->max = out->max < EXACT_MAX ? out->max : EXACT_MAX;
    out->gain = some_real(rng);
    out->value = -some_real(rng);
}

static void
some_strategy(struct gt_rng *rng, struct wire_strategy *out)
{
    *out = (struct wire_strategy){.kind = gt_rng_next(rng) % (WIRE_BYE + 1)};
    some_text(rng, out->id, sizeof(out->id));
    out->incarnation = gt_rng_next(rng) | 1;
    out->seq = (uint64_t)some_amount(rng) + 1;
    out->heard_incarnation = gt_rng_next(rng) % 2 * out->incarnation;
    out->heard_epoch =
        out->heard_incarnation != 0 ? (uint64_t)some_amount(rng) : 0;
    out->flags = gt_rng_next(rng) % 16;
    out->containers_len = gt_rng_next(rng) % (WIRE_CONTAINERS_MAX + 1);
    if (out->kind == WIRE_REFUSE) {
        some_text(rng, out->reason, sizeof(out->reason));
    }
    if (out->kind == WIRE_HELLO) {
        some_text(rng, out->node, sizeof(out->node));
        some_text(rng, out->space, sizeof(out->space));
        some_text(rng, out->pod, sizeof(out->pod));
    }
    for (size_t i = 0; i < out->containers_len; i++) {
        struct wire_container *c = &out->containers[i];
        if (out->kind == WIRE_HELLO) {
            some_text(rng, c->name, sizeof(c->name));
        }
        c->weight = 0.25 * (double)(1 + gt_rng_next(rng) % 64);
        some_player(rng, &c->players[GT_CPU]);
        some_player(rng, &c->players[GT_MEMORY]);
    }
}

static void
assert_same_players(const struct wire_container *a,
                    const struct wire_container *b)
{
    for (unsigned r = 0; r < GT_RESOURCES; r++) {
        const struct wire_player *p = &a->players[r];
        const struct wire_player *q = &b->players[r];
        assert_true(p->current == q->current && p->target == q->target);
        assert_true(p->want == q->want && p->floor == q->floor);
        assert_true(p->max == q->max);
        assert_true(fabs(p->gain - q->gain) <= 1e-5 * fabs(p->gain));
        assert_true(fabs(p->value - q->value) <= 1e-5 * fabs(p->value));
    }
}

static void
what_was_encoded_is_decoded(void **state)
{
    struct gt_rng rng = {1};
    (void)state;

    for (unsigned round = 0; round < 2000; round++) {
        struct wire_strategy in;
        struct wire_strategy out;
        struct golden text;
        some_strategy(&rng, &in);
        encode_strategy(&in, &text);
        assert_int_equal(decode_strategy(&text, &out), WIRE_OK);
        assert_int_equal(out.kind, in.kind);
        assert_string_equal(out.id, in.id);
        assert_true(out.incarnation == in.incarnation && out.seq == in.seq);
        assert_true(out.heard_incarnation == in.heard_incarnation);
        assert_true(out.heard_epoch == in.heard_epoch);
        assert_int_equal(out.flags, in.flags);
        assert_string_equal(out.node, in.node);
        assert_string_equal(out.space, in.space);
        assert_string_equal(out.pod, in.pod);
        assert_string_equal(out.workload, in.workload);
        assert_string_equal(out.reason, in.reason);
        assert_int_equal(out.containers_len, in.containers_len);
        for (size_t i = 0; i < in.containers_len; i++) {
            assert_string_equal(out.containers[i].name, in.containers[i].name);
            assert_true(out.containers[i].weight == in.containers[i].weight);
            assert_same_players(&in.containers[i], &out.containers[i]);
        }
    }
}

static void
a_message_read_and_written_again_is_the_same(void **state)
{
    static const char *const paths[] = {HELLO, INTENT};
    struct wire_strategy strategy;
    struct wire_signal signal;
    struct golden text;
    struct golden again;
    (void)state;

    for (size_t i = 0; i < GT_ARRAY_LEN(paths); i++) {
        golden_read(&text, paths[i]);
        assert_int_equal(decode_strategy(&text, &strategy), WIRE_OK);
        encode_strategy(&strategy, &text);
        assert_int_equal(decode_strategy(&text, &strategy), WIRE_OK);
        encode_strategy(&strategy, &again);
        assert_string_equal(text.text, again.text);
    }
    golden_read(&text, SIGNAL);
    assert_int_equal(wire_signal_decode(&signal, text.text, text.len), WIRE_OK);
    encode_signal(&signal, &text);
    assert_int_equal(wire_signal_decode(&signal, text.text, text.len), WIRE_OK);
    encode_signal(&signal, &again);
    assert_string_equal(text.text, again.text);
}

static void
fill_text(char *out, size_t size)
{
    memset(out, 'w', size - 1);
    out[size - 1] = '\0';
}

static void
the_longest_hello_fits_into_a_message(void **state)
{
    struct wire_strategy s = {.kind = WIRE_HELLO,
                              .incarnation = UINT64_MAX,
                              .seq = EXACT_MAX,
                              .heard_incarnation = UINT64_MAX,
                              .heard_epoch = EXACT_MAX,
                              .flags = 15,
                              .containers_len = WIRE_CONTAINERS_MAX};
    struct golden text;
    (void)state;
    fill_text(s.id, sizeof(s.id));
    fill_text(s.node, sizeof(s.node));
    fill_text(s.space, sizeof(s.space));
    fill_text(s.pod, sizeof(s.pod));
    fill_text(s.workload, sizeof(s.workload));
    for (size_t i = 0; i < WIRE_CONTAINERS_MAX; i++) {
        struct wire_container *c = &s.containers[i];
        fill_text(c->name, sizeof(c->name));
        c->weight = 1.23456;
        c->players[GT_CPU] = (struct wire_player){
            EXACT_MAX, EXACT_MAX,       EXACT_MAX,       EXACT_MAX,
            EXACT_MAX, -1.23456789e-99, -1.23456789e-300};
        c->players[GT_MEMORY] = c->players[GT_CPU];
    }

    encode_strategy(&s, &text);

    assert_in_range(text.len, 1, WIRE_MESSAGE_MAX);
    assert_int_equal(decode_strategy(&text, &s), WIRE_OK);
}

static void
a_full_part_of_a_signal_fits_whatever_the_ids(void **state)
{
    static const struct wire_load load = {
        EXACT_MAX,      EXACT_MAX,       EXACT_MAX,      1.23456789e-200,
        1.23456789e-99, 1.23456789e-200, 1.23456789e+200};
    struct wire_signal s = {
        .incarnation = UINT64_MAX,
        .epoch = EXACT_MAX,
        .part = 1022,
        .parts = 1023,
        .valid_ms = 3600000,
        .deadline_ms = 3600000,
        .loads = {load, load},
        .known_len = WIRE_KNOWN_MAX,
        .lights_len = WIRE_LIGHTS_MAX
    };
    struct golden text;
    (void)state;
    fill_text(s.node, sizeof(s.node));
    for (size_t i = 0; i < WIRE_KNOWN_MAX; i++) {
        fill_text(s.known[i], sizeof(s.known[i]));
    }
    for (size_t i = 0; i < WIRE_LIGHTS_MAX; i++) {
        s.lights[i] = (struct wire_light){.seq = EXACT_MAX,
                                          .container = 7,
                                          .resource = GT_MEMORY,
                                          .color = WIRE_GREEN,
                                          .amount = EXACT_MAX};
        fill_text(s.lights[i].id, sizeof(s.lights[i].id));
    }

    encode_signal(&s, &text);

    assert_in_range(text.len, 1, WIRE_MESSAGE_MAX);
    assert_int_equal(wire_signal_decode(&s, text.text, text.len), WIRE_OK);
}

/* Encodes after "topic\n" and sees that nothing but the overflow is left. */
static void
assert_not_sendable(const struct wire_strategy *s)
{
    char memory[WIRE_MESSAGE_MAX + 64];
    struct gt_buf buf;

    gt_buf_init(&buf, memory, sizeof(memory));
    gt_buf_text(&buf, "topic\n");
    wire_strategy_encode(s, &buf);
    assert_true(buf.overflow);
    assert_string_equal(buf.data, "topic\n");
}

static void
only_a_hello_carries_names(void **state)
{
    struct wire_strategy s = {.kind = WIRE_HEARTBEAT,
                              .id = "a",
                              .node = "node-a",
                              .reason = "too-low",
                              .containers_len = 1,
                              .containers = {{.name = "app"}}};
    struct golden text;
    (void)state;

    encode_strategy(&s, &text);

    assert_null(strstr(text.text, "app"));
    assert_null(strstr(text.text, "node-a"));
    assert_null(strstr(text.text, "too-low"));
}

static void
what_no_peer_would_accept_is_not_encoded(void **state)
{
    static const struct wire_strategy good = {.kind = WIRE_INTENT,
                                              .id = "a",
                                              .incarnation = 1,
                                              .seq = 1,
                                              .containers_len = 1};
    struct wire_strategy s = good;
    (void)state;

    s.containers[0].players[GT_CPU].gain = (double)NAN;
    assert_not_sendable(&s);
    s = good;
    s.containers[0].weight = (double)INFINITY;
    assert_not_sendable(&s);
    s = good;
    s.containers[0].players[GT_MEMORY].want = -1;
    assert_not_sendable(&s);
    s = good;
    s.containers[0].players[GT_MEMORY].want = EXACT_MAX + 1;
    assert_not_sendable(&s);
    s = good;
    s.seq = UINT64_MAX;
    assert_not_sendable(&s);
    s = good;
    memcpy(s.id, "a\"b", 4);
    assert_not_sendable(&s);
}

static void
a_message_that_does_not_fit_leaves_nothing_behind(void **state)
{
    static const struct wire_strategy s = {.kind = WIRE_BYE, .id = "a"};
    char memory[40];
    struct gt_buf buf;
    (void)state;
    gt_buf_init(&buf, memory, sizeof(memory));

    wire_strategy_encode(&s, &buf);

    assert_true(buf.overflow);
    assert_string_equal(buf.data, "");
}

static void
every_kind_and_outcome_has_a_name(void **state)
{
    (void)state;

    assert_string_equal(wire_kind_name(WIRE_HELLO), "hello");
    assert_string_equal(wire_kind_name(WIRE_HEARTBEAT), "heartbeat");
    assert_string_equal(wire_kind_name(WIRE_INTENT), "intent");
    assert_string_equal(wire_kind_name(WIRE_ACK), "ack");
    assert_string_equal(wire_kind_name(WIRE_REFUSE), "refuse");
    assert_string_equal(wire_kind_name(WIRE_BYE), "bye");
    assert_string_equal(wire_outcome_name(WIRE_OK), "ok");
    assert_string_equal(wire_outcome_name(WIRE_E_FIELD), "field");
}

static void
a_slot_is_fnv_1a_of_the_node_name(void **state)
{
    (void)state;

    /* The published test vectors of 64 bits. */
    assert_int_equal(wire_slot(""), 0xcbf29ce484222325 % WIRE_SLOTS);
    assert_int_equal(wire_slot("a"), 0xaf63dc4c8601ec8c % WIRE_SLOTS);
    assert_int_equal(wire_slot("foobar"), 0x85944171f73967e8 % WIRE_SLOTS);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_intent_is_read_field_by_field),
        cmocka_unit_test(a_hello_says_who_and_where),
        cmocka_unit_test(a_signal_is_read_field_by_field),
        cmocka_unit_test(the_version_comes_first),
        cmocka_unit_test(what_was_encoded_is_decoded),
        cmocka_unit_test(a_message_read_and_written_again_is_the_same),
        cmocka_unit_test(the_longest_hello_fits_into_a_message),
        cmocka_unit_test(a_full_part_of_a_signal_fits_whatever_the_ids),
        cmocka_unit_test(only_a_hello_carries_names),
        cmocka_unit_test(what_no_peer_would_accept_is_not_encoded),
        cmocka_unit_test(a_message_that_does_not_fit_leaves_nothing_behind),
        cmocka_unit_test(every_kind_and_outcome_has_a_name),
        cmocka_unit_test(a_slot_is_fnv_1a_of_the_node_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
