/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/mesh.h"

#include <assert.h>
#include <string.h>

#include "common/base.h"

static void
copy_text(char *out, size_t size, const char *text)
{
    size_t len = strlen(text);

    assert(len < size);
    memcpy(out, text, len + 1);
}

void
mesh_init(struct mesh *m, const char *id, const char *node,
          uint64_t incarnation)
{
    memset(m, 0, sizeof(*m));
    copy_text(m->id, sizeof(m->id), id);
    copy_text(m->node, sizeof(m->node), node);
    m->incarnation = incarnation;
    m->hello_at_ms = GT_NEVER_MS;
    m->hello_pause_ms = MESH_HELLO_MIN_MS;
}

static bool
lists(const struct wire_signal *signal, const char *id)
{
    for (size_t i = 0; i < signal->known_len; i++) {
        if (strcmp(signal->known[i], id) == 0) {
            return true;
        }
    }
    return false;
}

static bool
all_parts_heard(const struct mesh *m, uint32_t parts)
{
    uint64_t all = parts >= 64 ? UINT64_MAX : (UINT64_C(1) << parts) - 1;

    return (m->parts_heard & all) == all;
}

static uint64_t
part_bit(const struct wire_signal *signal)
{
    /* Past 64 parts (4 000 agents on a node) only the list is less exact. */
    return UINT64_C(1) << (signal->part < 63 ? signal->part : 63);
}

static enum mesh_outcome
judge(const struct mesh *m, const struct wire_signal *signal)
{
    if (strcmp(signal->node, m->node) != 0) {
        return MESH_E_NODE;
    }
    if (signal->incarnation < m->arbiter) {
        return MESH_E_OLDER;
    }
    if (signal->incarnation > m->arbiter || signal->epoch > m->epoch) {
        return MESH_OK;
    }
    if (signal->epoch < m->epoch) {
        return MESH_E_STALE;
    }
    return m->parts_heard & part_bit(signal) ? MESH_E_DUPLICATE : MESH_OK;
}

static void
ask_to_be_known(struct mesh *m, struct gt_time now)
{
    m->known = false;
    m->hello_pause_ms = MESH_HELLO_MIN_MS;
    m->hello_at_ms = now.mono_ms;
}

enum mesh_outcome
mesh_hear(struct mesh *m, const struct wire_signal *signal, struct gt_time now)
{
    enum mesh_outcome outcome = judge(m, signal);
    bool newcomer = signal->incarnation > m->arbiter;

    if (outcome != MESH_OK) {
        return outcome;
    }
    if (newcomer || signal->epoch > m->epoch) {
        m->parts_heard = 0;
        m->listed = false;
    }
    m->arbiter = signal->incarnation;
    m->epoch = signal->epoch;
    m->parts_heard |= part_bit(signal);
    m->parts = signal->parts;
    m->valid_until_ms = now.mono_ms + signal->valid_ms;
    memcpy(m->loads, signal->loads, sizeof(m->loads));
    m->listed = m->listed || lists(signal, m->id);
    if (m->listed) {
        m->known = true;
        m->hello_at_ms = GT_NEVER_MS;
        m->hello_pause_ms = MESH_HELLO_MIN_MS;
    } else if (newcomer || (m->known && all_parts_heard(m, signal->parts))) {
        ask_to_be_known(m, now);
    }
    return MESH_OK;
}

void
mesh_join(struct mesh *m, struct gt_time now)
{
    m->valid_until_ms = now.mono_ms + MESH_LISTEN_MS;
    ask_to_be_known(m, now);
}

void
mesh_connected(struct mesh *m, struct gt_time now)
{
    ask_to_be_known(m, now);
}

bool
mesh_alone(const struct mesh *m, struct gt_time now)
{
    return now.mono_ms >= m->valid_until_ms;
}

bool
mesh_owns_slot(const struct mesh *m, struct gt_time now)
{
    uint64_t slot = (uint64_t)now.wall_s / (MESH_SLOT_MS / 1000);

    return (gt_rng_hash(m->id) + slot) % MESH_SLOTS == 0;
}

bool
mesh_has_room(const struct mesh *m, enum gt_resource resource, int64_t step)
{
    const struct wire_load *load = &m->loads[resource];

    return load->capacity <= 0 || step <= load->capacity - load->hi;
}

void
mesh_took(struct mesh *m, enum gt_resource resource, int64_t step)
{
    m->loads[resource].hi += step;
}

bool
mesh_hello_due(struct mesh *m, struct gt_time now)
{
    if (now.mono_ms < m->hello_at_ms) {
        return false;
    }
    m->hello_at_ms = now.mono_ms + m->hello_pause_ms;
    m->hello_pause_ms = m->hello_pause_ms * 2 < MESH_HELLO_MAX_MS
                            ? m->hello_pause_ms * 2
                            : MESH_HELLO_MAX_MS;
    return true;
}

uint64_t
mesh_hello_at_ms(const struct mesh *m)
{
    return m->hello_at_ms;
}

void
mesh_stamp(struct mesh *m, enum wire_kind kind, struct wire_strategy *out)
{
    out->kind = kind;
    memcpy(out->id, m->id, sizeof(out->id));
    out->incarnation = m->incarnation;
    out->seq = ++m->seq;
    out->heard_incarnation = m->arbiter;
    /* A light may still come in a part of this epoch that was not heard. */
    out->heard_epoch =
        m->epoch - (m->epoch > 0 && !all_parts_heard(m, m->parts) ? 1 : 0);
}

const char *
mesh_outcome_name(enum mesh_outcome outcome)
{
    static const char *const names[] = {
        [MESH_OK] = "ok",
        [MESH_E_NODE] = "node",
        [MESH_E_OLDER] = "older",
        [MESH_E_STALE] = "stale",
        [MESH_E_DUPLICATE] = "duplicate",
    };

    return (size_t)outcome < GT_ARRAY_LEN(names) ? names[outcome] : "unknown";
}
