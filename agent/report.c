/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/report.h"

#include <string.h>

static const double wall_bounds[] = {0.005, 0.01, 0.02, 0.03, 0.05,
                                     0.075, 0.1,  0.15, 0.2,  0.3,
                                     0.5,   1.0,  2.0,  5.0,  10.0};

void
report_init(struct report_shell *shell)
{
    memset(shell, 0, sizeof(*shell));
    metrics_histogram_init(&shell->intent_to_patch, wall_bounds,
                           GT_ARRAY_LEN(wall_bounds));
}

void
report_intent(struct report_shell *shell, uint64_t now_us)
{
    shell->sent_intent = true;
    shell->intent_us = now_us;
}

double
report_patch(struct report_shell *shell, uint64_t now_us)
{
    double seconds = -1.0;

    if (shell->sent_intent) {
        seconds = (double)(now_us - shell->intent_us) / 1e6;
        metrics_observe(&shell->intent_to_patch, seconds);
        shell->sent_intent = false;
    }
    return seconds;
}

static void
write_one(struct metrics *m, const struct metrics_family *family, double value)
{
    metrics_family(m, family);
    metrics_sample(m, NULL, 0, value);
}

static void
write_counter(struct metrics *m, const char *name, const char *help,
              uint64_t value)
{
    write_one(m, &(struct metrics_family){name, METRICS_COUNTER, "", help},
              (double)value);
}

static void
write_gauge(struct metrics *m, const char *name, const char *help, bool value)
{
    write_one(m, &(struct metrics_family){name, METRICS_GAUGE, "", help},
              value ? 1.0 : 0.0);
}

static void
write_label(struct metrics *m, const char *name, const char *value,
            double amount)
{
    metrics_sample(m, &(struct metrics_label){name, value}, 1, amount);
}

/* A counter for each word of a set. */
struct counted {
    const char *name, *help, *label;
    const uint64_t *counts;
    size_t len;
    const char *(*word)(size_t i);
};

static const char *
end_word(size_t i)
{
    return resize_end_name((enum resize_end)i);
}

static const char *
refusal_word(size_t i)
{
    return kube_outcome_name((enum kube_outcome)i);
}

static const char *
signal_word(size_t i)
{
    return mesh_outcome_name((enum mesh_outcome)i);
}

static const char *
color_word(size_t i)
{
    return i == WIRE_GREEN ? "green" : "red";
}

static const char *
answer_word(size_t i)
{
    return i == 0 ? "verified" : "refused";
}

/* The first word is that of no event, where @first is 1. */
static void
write_counted(struct metrics *m, const struct counted *c, size_t first)
{
    metrics_family(
        m, &(struct metrics_family){c->name, METRICS_COUNTER, "", c->help});
    for (size_t i = first; i < c->len; i++) {
        write_label(m, c->label, c->word(i), (double)c->counts[i]);
    }
}

static void
write_counts(struct metrics *m, const struct agent_counts *n)
{
    const uint64_t lights[] = {n->green_lights, n->red_lights};
    const uint64_t handshakes[] = {n->handshakes_ok, n->handshakes_refused};

    write_counter(m, "gtcas_agent_samples", "Readings of the cgroup files.",
                  n->samples);
    write_counter(m, "gtcas_agent_blind_samples",
                  "Readings that failed for a container.", n->blind_samples);
    write_counter(m, "gtcas_agent_oom_kills", "OOM kills seen.", n->oom_kills);
    write_counter(m, "gtcas_agent_intents", "Intents sent.", n->intents);
    write_counter(m, "gtcas_agent_patches", "Resizes started.", n->patches);
    write_counter(m, "gtcas_agent_garbled_messages",
                  "Bus messages that could not be decoded.", n->garbled);
    write_counted(m,
                  &(struct counted){"gtcas_agent_lights", "Lights heard.",
                                    "color", lights, GT_ARRAY_LEN(lights),
                                    color_word},
                  0);
    write_counted(m,
                  &(struct counted){"gtcas_agent_handshakes",
                                    "Memory shrinks, by what verify said.",
                                    "answer", handshakes,
                                    GT_ARRAY_LEN(handshakes), answer_word},
                  0);
    write_counted(m,
                  &(struct counted){
                      "gtcas_agent_resizes", "Resizes, by how they ended.",
                      "end", n->resizes, GT_ARRAY_LEN(n->resizes), end_word},
                  1);
    write_counted(m,
                  &(struct counted){"gtcas_agent_api_refusals",
                                    "Answers of the API server but 200.",
                                    "outcome", n->refusals,
                                    GT_ARRAY_LEN(n->refusals), refusal_word},
                  1);
    write_counted(m,
                  &(struct counted){"gtcas_agent_signals",
                                    "Signals heard, by what was made of them.",
                                    "outcome", n->signals,
                                    GT_ARRAY_LEN(n->signals), signal_word},
                  0);
}

/* An amount of every player of one resource. */
struct amount {
    const char *name[GT_RESOURCES]; /* in cores and bytes */
    const char *help;
    size_t offset; /* into struct player, an int64_t */
};

static const struct amount amounts[] = {
    {{"gtcas_agent_cpu_request_cores", "gtcas_agent_memory_request_bytes"},
     "Request in force.",                                  offsetof(struct player, current)},
    {{"gtcas_agent_cpu_target_cores", "gtcas_agent_memory_target_bytes"},
     "Request being put in force.",                        offsetof(struct player, target) },
    {{"gtcas_agent_cpu_want_cores", "gtcas_agent_memory_want_bytes"},
     "Request wished for.",                                offsetof(struct player, want)   },
    {{"gtcas_agent_cpu_floor_cores", "gtcas_agent_memory_floor_bytes"},
     "Punishment level: below it every offer is refused.", offsetof(struct player, floor)  },
    {{"gtcas_agent_cpu_max_cores", "gtcas_agent_memory_max_bytes"},
     "Largest request that the policy allows.",            offsetof(struct player, max)    },
};

static void
write_amount(struct metrics *m, const struct agent *a,
             const struct amount *amount, enum gt_resource resource)
{
    double unit = resource == GT_CPU ? 1000.0 : 1.0;

    metrics_family(
        m, &(struct metrics_family){amount->name[resource], METRICS_GAUGE,
                                    resource == GT_CPU ? "cores" : "bytes",
                                    amount->help});
    for (size_t i = 0; i < a->containers_len; i++) {
        const struct player *p = &a->containers[i].players[resource];
        int64_t value = 0;

        memcpy(&value, (const char *)p + amount->offset, sizeof(value));
        write_label(m, "container", a->pod.containers[i].name,
                    (double)value / unit);
    }
}

static void
write_containers(struct metrics *m, const struct agent *a)
{
    for (size_t i = 0; i < GT_ARRAY_LEN(amounts); i++) {
        write_amount(m, a, &amounts[i], GT_CPU);
        write_amount(m, a, &amounts[i], GT_MEMORY);
    }
    metrics_family(m, &(struct metrics_family){"gtcas_agent_cpu_usage_cores",
                                               METRICS_GAUGE, "cores",
                                               "Mean of the last second."});
    for (size_t i = 0; i < a->containers_len; i++) {
        write_label(m, "container", a->pod.containers[i].name,
                    a->containers[i].rates.cpu_cores);
    }
    metrics_family(m, &(struct metrics_family){
                          "gtcas_agent_cpu_throttled_ratio", METRICS_GAUGE,
                          "ratio", "Share of the last second's periods."});
    for (size_t i = 0; i < a->containers_len; i++) {
        write_label(m, "container", a->pod.containers[i].name,
                    a->containers[i].rates.throttled_share);
    }
    metrics_family(m, &(struct metrics_family){
                          "gtcas_agent_memory_working_set_bytes", METRICS_GAUGE,
                          "bytes", "Working set now."});
    for (size_t i = 0; i < a->containers_len; i++) {
        write_label(m, "container", a->pod.containers[i].name,
                    (double)a->containers[i].rates.working_set_bytes);
    }
}

void
report_write(const struct agent *a, const struct report_shell *shell,
             struct gt_time now, struct gt_buf *out)
{
    struct metrics m;
    const char *why = NULL;

    metrics_begin(&m, out);
    metrics_family(&m, &(struct metrics_family){"gtcas_agent", METRICS_INFO, "",
                                                "The program."});
    write_label(&m, "version", GTCAS_VERSION, 1.0);
    write_gauge(&m, "gtcas_agent_ready", "Decisions have a ground.",
                agent_ready(a, &why));
    write_gauge(&m, "gtcas_agent_blind", "The last reading failed.", a->blind);
    write_gauge(&m, "gtcas_agent_bus_up", "The bus is connected.",
                shell->linked);
    write_gauge(&m, "gtcas_agent_alone", "No signal is valid.",
                mesh_alone(&a->mesh, now));
    write_counts(&m, &a->counts);
    if (a->phase == AGENT_PLAYING) {
        write_containers(&m, a);
    }
    metrics_family(&m, &(struct metrics_family){
                           "gtcas_agent_intent_to_patch_wall_seconds",
                           METRICS_HISTOGRAM, "seconds",
                           "From an intent to the PATCH of an uncontended "
                           "growth, in the machine's own time."});
    metrics_buckets(&m, NULL, 0, &shell->intent_to_patch);
    metrics_end(&m);
}
