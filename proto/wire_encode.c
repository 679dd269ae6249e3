/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "proto/field.h"
#include "proto/wire_words.h"

static void
add_head(struct gt_buf *buf, const char *kind)
{
    field_add_open(buf, NULL, '{');
    field_add_integer(buf, "v", WIRE_VERSION);
    field_add_text(buf, "kind", kind);
}

/* Takes the message into @out as a whole, or not at all. */
static void
finish(struct gt_buf *out, struct gt_buf *part)
{
    field_add_close(part, '}');
    if (part->len > WIRE_MESSAGE_MAX) {
        part->overflow = true;
    }
    gt_buf_join(out, part);
}

static void
add_incarnation(struct gt_buf *buf, uint64_t incarnation)
{
    char text[17];
    struct gt_buf hex;

    gt_buf_init(&hex, text, sizeof(text));
    gt_buf_format(&hex, "%" PRIx64, incarnation);
    field_add_text(buf, "inc", text);
}

/* Beyond int64_t comes out negative, which is refused. */
static void
add_number(struct gt_buf *buf, const char *key, uint64_t number)
{
    field_add_integer(buf, key, (int64_t)number);
}

static void
add_player(struct gt_buf *buf, const char *key, const struct wire_player *p)
{
    field_add_open(buf, key, '{');
    field_add_integer(buf, "current", p->current);
    field_add_integer(buf, "target", p->target);
    field_add_integer(buf, "want", p->want);
    field_add_integer(buf, "floor", p->floor);
    field_add_integer(buf, "max", p->max);
    field_add_real(buf, "gain", p->gain);
    field_add_real(buf, "value", p->value);
    field_add_close(buf, '}');
}

static void
add_containers(struct gt_buf *buf, const struct wire_strategy *s)
{
    field_add_open(buf, "containers", '[');
    for (size_t i = 0; i < s->containers_len; i++) {
        const struct wire_container *c = &s->containers[i];
        field_add_open(buf, NULL, '{');
        if (s->kind == WIRE_HELLO) {
            field_add_text(buf, "name", c->name);
        }
        field_add_real(buf, "weight", c->weight);
        for (unsigned r = 0; r < GT_RESOURCES; r++) {
            add_player(buf, gt_resource_name(r), &c->players[r]);
        }
        field_add_close(buf, '}');
    }
    field_add_close(buf, ']');
}

static void
add_flags(struct gt_buf *buf, uint32_t flags)
{
    field_add_open(buf, "flags", '[');
    for (size_t i = 0; i < GT_ARRAY_LEN(wire_flag_words); i++) {
        if ((flags & wire_flag_words[i].flag) != 0) {
            field_add_text(buf, NULL, wire_flag_words[i].word);
        }
    }
    field_add_close(buf, ']');
}

static void
add_heard(struct gt_buf *buf, const struct wire_strategy *s)
{
    field_add_open(buf, "heard", '{');
    add_incarnation(buf, s->heard_incarnation);
    add_number(buf, "epoch", s->heard_epoch);
    field_add_close(buf, '}');
}

static void
add_place(struct gt_buf *buf, const struct wire_strategy *s)
{
    field_add_text(buf, "node", s->node);
    field_add_text(buf, "namespace", s->space);
    field_add_text(buf, "pod", s->pod);
    field_add_text(buf, "workload", s->workload);
}

void
wire_strategy_encode(const struct wire_strategy *strategy, struct gt_buf *out)
{
    struct gt_buf part = gt_buf_fork(out);

    add_head(&part, wire_kind_name(strategy->kind));
    field_add_text(&part, "id", strategy->id);
    add_incarnation(&part, strategy->incarnation);
    add_number(&part, "seq", strategy->seq);
    if (strategy->heard_incarnation != 0) {
        add_heard(&part, strategy);
    }
    if (strategy->flags != 0) {
        add_flags(&part, strategy->flags);
    }
    if (strategy->kind == WIRE_HELLO) {
        add_place(&part, strategy);
    }
    if (strategy->kind == WIRE_REFUSE) {
        field_add_text(&part, "reason", strategy->reason);
    }
    add_containers(&part, strategy);
    finish(out, &part);
}

static void
add_load(struct gt_buf *buf, const char *key, const struct wire_load *load)
{
    field_add_open(buf, key, '{');
    field_add_integer(buf, "lo", load->lo);
    field_add_integer(buf, "hi", load->hi);
    field_add_integer(buf, "capacity", load->capacity);
    field_add_real(buf, "price", load->price);
    field_add_real(buf, "rho0", load->rho0);
    field_add_real(buf, "p1", load->p1);
    field_add_real(buf, "exponent", load->exponent);
    field_add_close(buf, '}');
}

static void
add_light(struct gt_buf *buf, const struct wire_light *light)
{
    field_add_open(buf, NULL, '{');
    field_add_text(buf, "id", light->id);
    add_number(buf, "seq", light->seq);
    field_add_integer(buf, "container", light->container);
    field_add_text(buf, "resource", gt_resource_name(light->resource));
    field_add_text(buf, "light", wire_light_words[light->color]);
    field_add_integer(buf, "amount", light->amount);
    field_add_close(buf, '}');
}

void
wire_signal_encode(const struct wire_signal *signal, struct gt_buf *out)
{
    struct gt_buf part = gt_buf_fork(out);

    add_head(&part, WIRE_WORD_SIGNAL);
    field_add_text(&part, "node", signal->node);
    add_incarnation(&part, signal->incarnation);
    add_number(&part, "epoch", signal->epoch);
    field_add_integer(&part, "part", signal->part);
    field_add_integer(&part, "parts", signal->parts);
    field_add_integer(&part, "valid_ms", signal->valid_ms);
    field_add_integer(&part, "deadline_ms", signal->deadline_ms);
    for (unsigned r = 0; r < GT_RESOURCES; r++) {
        add_load(&part, gt_resource_name(r), &signal->loads[r]);
    }
    field_add_open(&part, "known", '[');
    for (size_t i = 0; i < signal->known_len; i++) {
        field_add_text(&part, NULL, signal->known[i]);
    }
    field_add_close(&part, ']');
    field_add_open(&part, "lights", '[');
    for (size_t i = 0; i < signal->lights_len; i++) {
        add_light(&part, &signal->lights[i]);
    }
    field_add_close(&part, ']');
    finish(out, &part);
}
