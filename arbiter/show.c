/* SPDX-License-Identifier: Apache-2.0 */
#include "arbiter/show.h"

#include <inttypes.h>
#include <math.h>

#include "proto/metrics.h"

static void
begin(struct metrics *m, enum metrics_type type, const char *name,
      const char *help)
{
    metrics_family(m, &(struct metrics_family){name, type, "", help});
}

static void
count(struct metrics *m, const char *name, const char *help, uint64_t value)
{
    begin(m, METRICS_COUNTER, name, help);
    metrics_sample(m, NULL, 0, (double)value);
}

/* One sample of the open family. */
static void
sample(struct metrics *m, const char *label, const char *value, double amount)
{
    metrics_sample(m, &(struct metrics_label){label, value}, 1, amount);
}

static void
add_messages(struct metrics *m, const struct arbiter_counts *c)
{
    begin(m, METRICS_COUNTER, "gtcas_arbiter_messages",
          "Strategies heard, by kind and by what became of them.");
    for (int kind = WIRE_HELLO; kind <= WIRE_BYE; kind++) {
        for (int fate = 0; fate < ROSTER_FATES; fate++) {
            const struct metrics_label labels[] = {
                {"kind", wire_kind_name((enum wire_kind)kind)    },
                {"fate", roster_fate_name((enum roster_fate)fate)},
            };

            metrics_sample(m, labels, GT_ARRAY_LEN(labels),
                           (double)c->messages[kind][fate]);
        }
    }
    begin(m, METRICS_COUNTER, "gtcas_arbiter_garbled",
          "Messages that could not be read.");
    for (int i = WIRE_OK + 1; i <= WIRE_E_FIELD; i++) {
        sample(m, "reason", wire_outcome_name((enum wire_outcome)i),
               (double)c->garbled[i]);
    }
}

static void
add_moves(struct metrics *m, const struct arbiter_counts *c)
{
    begin(m, METRICS_COUNTER, "gtcas_arbiter_lights", "Lights given.");
    sample(m, "color", "green", (double)c->lights[WIRE_GREEN]);
    sample(m, "color", "red", (double)c->lights[WIRE_RED]);
    count(m, "gtcas_arbiter_floor_growths",
          "Green lights that needed no gain: growth to the floor.",
          c->floor_growths);
    begin(m, METRICS_COUNTER, "gtcas_arbiter_moves",
          "Admitted moves, by how they ended.");
    sample(m, "end", "made", (double)c->acked);
    sample(m, "end", "lapsed", (double)c->lapsed);
    sample(m, "end", "unaudited", (double)c->unaudited);
    count(m, "gtcas_arbiter_potential_drops",
          "Moves made after which the potential was lower.",
          c->potential_drops);
}

static void
add_counts(struct metrics *m, const struct arbiter_counts *c)
{
    add_messages(m, c);
    add_moves(m, c);
    count(m, "gtcas_arbiter_signals", "Signals sent.", c->signals);
    count(m, "gtcas_arbiter_signal_parts", "Their parts.", c->parts);
    count(m, "gtcas_arbiter_rounds", "Signals with lights.", c->rounds);
    count(m, "gtcas_arbiter_expired", "Agents that fell silent.", c->expired);
    count(m, "gtcas_arbiter_full", "Pods and nodes that found no room.",
          c->full);
    begin(m, METRICS_COUNTER, "gtcas_arbiter_watch_lost",
          "Failures of a watch of the API.");
    sample(m, "object", "pods", (double)c->watch_lost[KUBE_OBJECT_POD]);
    sample(m, "object", "nodes", (double)c->watch_lost[KUBE_OBJECT_NODE]);
}

/* A figure of every node and resource. */
struct figure {
    const char *name, *help;
    double (*of)(const struct arbiter_node_view *view, enum gt_resource r);
};

static double
cores_or_bytes(enum gt_resource resource, int64_t amount)
{
    return resource == GT_CPU ? (double)amount / 1000.0 : (double)amount;
}

static double
lo_of(const struct arbiter_node_view *view, enum gt_resource r)
{
    return cores_or_bytes(r, view->of[r].load.lo);
}

static double
hi_of(const struct arbiter_node_view *view, enum gt_resource r)
{
    return cores_or_bytes(r, view->of[r].load.hi);
}

static double
capacity_of(const struct arbiter_node_view *view, enum gt_resource r)
{
    return cores_or_bytes(r, view->of[r].load.capacity);
}

static double
price_of(const struct arbiter_node_view *view, enum gt_resource r)
{
    return view->of[r].load.price;
}

static double
potential_of(const struct arbiter_node_view *view, enum gt_resource r)
{
    return view->of[r].potential;
}

static void
add_figure(struct metrics *m, const struct arbiter *a, const struct figure *f)
{
    struct arbiter_node_view view;
    uint32_t cursor = 0;

    begin(m, METRICS_GAUGE, f->name, f->help);
    while (arbiter_next_node(a, &cursor, &view)) {
        for (int i = 0; i < GT_RESOURCES; i++) {
            enum gt_resource r = (enum gt_resource)i;
            const struct metrics_label labels[] = {
                {"node",     view.name          },
                {"resource", gt_resource_name(r)},
            };

            metrics_sample(m, labels, GT_ARRAY_LEN(labels), f->of(&view, r));
        }
    }
}

static void
add_nodes(struct metrics *m, const struct arbiter *a)
{
    static const struct figure figures[] = {
        {"gtcas_arbiter_node_load_lo",
         "Least that the node's pods may hold: cores or bytes.",         lo_of       },
        {"gtcas_arbiter_node_load_hi",
         "Most that the node's pods may hold: cores or bytes.",          hi_of       },
        {"gtcas_arbiter_node_capacity",  "Allocatable: cores or bytes.",
         capacity_of                                                                 },
        {"gtcas_arbiter_node_price",     "Price of a core or a MiB.",    price_of    },
        {"gtcas_arbiter_node_potential",
         "Value of all players less congestion.",                        potential_of},
    };

    for (size_t i = 0; i < GT_ARRAY_LEN(figures); i++) {
        add_figure(m, a, &figures[i]);
    }
}

static uint32_t
agents_of(const struct arbiter *a)
{
    struct arbiter_node_view view;
    uint32_t cursor = 0;
    uint32_t agents = 0;

    while (arbiter_next_node(a, &cursor, &view)) {
        agents += view.agents;
    }
    return agents;
}

void
show_metrics(const struct arbiter *a, struct gt_buf *out)
{
    struct metrics m;

    metrics_begin(&m, out);
    begin(&m, METRICS_INFO, "gtcas_arbiter_build", "The program.");
    sample(&m, "version", GTCAS_VERSION, 1.0);
    begin(&m, METRICS_GAUGE, "gtcas_arbiter_synced",
          "1 once both lists of the API were read.");
    metrics_sample(&m, NULL, 0, arbiter_synced(a) ? 1.0 : 0.0);
    begin(&m, METRICS_GAUGE, "gtcas_arbiter_agents", "Agents that are heard.");
    metrics_sample(&m, NULL, 0, (double)agents_of(a));
    add_counts(&m, arbiter_counts(a));
    add_nodes(&m, a);
    metrics_end(&m);
}

/* A name of the API's; what JSON would have to escape is no name. */
static void
add_name(struct gt_buf *out, const char *key, const char *name)
{
    gt_buf_format(out, "\"%s\":\"", key);
    for (; *name != '\0'; name++) {
        bool plain =
            *name >= ' ' && *name <= '~' && *name != '"' && *name != '\\';

        gt_buf_add(out, plain ? name : "?", 1);
    }
    gt_buf_text(out, "\"");
}

static void
add_real(struct gt_buf *out, const char *key, double value)
{
    if (isfinite(value)) {
        gt_buf_format(out, ",\"%s\":%.6g", key, value);
    } else {
        gt_buf_format(out, ",\"%s\":null", key);
    }
}

static void
add_load(struct gt_buf *out, const struct arbiter_node_view *view,
         enum gt_resource r)
{
    const struct wire_load *load = &view->of[r].load;

    gt_buf_format(out,
                  ",\"%s\":{\"lo\":%" PRId64 ",\"hi\":%" PRId64
                  ",\"capacity\":%" PRId64,
                  gt_resource_name(r), load->lo, load->hi, load->capacity);
    add_real(out, "price", load->price);
    add_real(out, "potential", view->of[r].potential);
    gt_buf_text(out, "}");
}

static void
add_node(struct gt_buf *out, const struct arbiter_node_view *view)
{
    gt_buf_text(out, "{");
    add_name(out, "name", view->name);
    gt_buf_format(out,
                  ",\"epoch\":%" PRIu64 ",\"agents\":%" PRIu32
                  ",\"potential_drops\":%" PRIu64,
                  view->epoch, view->agents, view->potential_drops);
    add_load(out, view, GT_CPU);
    add_load(out, view, GT_MEMORY);
    gt_buf_text(out, "}");
}

static void
add_player(struct gt_buf *out, const struct arbiter_player_view *p,
           enum gt_resource r)
{
    gt_buf_format(out,
                  "%s\"%s\":{\"current\":%" PRId64 ",\"target\":%" PRId64
                  ",\"want\":%" PRId64 ",\"floor\":%" PRId64 ",\"lo\":%" PRId64
                  ",\"hi\":%" PRId64 "}",
                  r == GT_CPU ? "" : ",", gt_resource_name(r), p->current,
                  p->target, p->want, p->floor, p->lo, p->hi);
}

static void
add_agent(struct gt_buf *out, const struct arbiter_agent_view *view)
{
    gt_buf_text(out, "{");
    add_name(out, "id", view->id);
    gt_buf_text(out, ",");
    add_name(out, "namespace", view->space);
    gt_buf_text(out, ",");
    add_name(out, "pod", view->pod);
    gt_buf_text(out, ",");
    add_name(out, "node", view->node);
    gt_buf_format(out, ",\"heard\":%s,\"age_s\":%.3f,\"containers\":[",
                  view->heard ? "true" : "false",
                  (double)view->age_ms / 1000.0);
    for (size_t i = 0; i < view->containers_len; i++) {
        gt_buf_text(out, i == 0 ? "{" : ",{");
        add_player(out, &view->players[i][GT_CPU], GT_CPU);
        add_player(out, &view->players[i][GT_MEMORY], GT_MEMORY);
        gt_buf_text(out, "}");
    }
    gt_buf_text(out, "]}");
}

void
show_state(const struct arbiter *a, struct gt_time now, struct gt_buf *out)
{
    struct arbiter_node_view node;
    struct arbiter_agent_view agent;
    uint32_t cursor = 0;

    gt_buf_format(out,
                  "{\"mesh_s\":%.3f,\"synced\":%s,\"potential_drops\":%" PRIu64
                  ",\"nodes\":[",
                  (double)now.mono_ms / 1000.0,
                  arbiter_synced(a) ? "true" : "false",
                  arbiter_counts(a)->potential_drops);
    for (bool more = false; arbiter_next_node(a, &cursor, &node); more = true) {
        gt_buf_text(out, more ? "," : "");
        add_node(out, &node);
    }
    gt_buf_text(out, "],\"agents\":[");
    cursor = 0;
    for (bool more = false; arbiter_next_agent(a, now, &cursor, &agent);
         more = true) {
        gt_buf_text(out, more ? "," : "");
        add_agent(out, &agent);
    }
    gt_buf_text(out, "]}\n");
}
