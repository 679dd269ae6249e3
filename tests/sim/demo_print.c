/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/demo_print.h"

#include <inttypes.h>

#define MIB (1 << 20)

static void
print_nodes(const struct demo_view *view, struct gt_buf *out)
{
    gt_buf_format(out, "%-12s %20s %8s %12s %7s\n", "NODE", "LOAD / CAPACITY",
                  "PRICE", "POTENTIAL", "AGENTS");
    for (size_t i = 0; i < view->nodes_len; i++) {
        const struct demo_node *node = &view->nodes[i];

        gt_buf_format(
            out, "%-12s %6.2f / %5.2f %3.0f %% %8.2f %12.3f %7" PRIu64 "\n",
            node->name, node->load_cores, node->capacity_cores,
            node->capacity_cores > 0
                ? 100 * node->load_cores / node->capacity_cores
                : 0.0,
            node->price, node->potential, node->agents);
    }
}

static void
print_pods(const struct demo_view *view, struct gt_buf *out)
{
    gt_buf_format(out, "%-12s %-8s %6s %6s %6s %6s %5s %11s  %s\n", "POD",
                  "NODE", "USAGE", "REQ", "LIMIT", "FLOOR", "THR%",
                  "MEM/LIM MiB", "LAST DECISION (why)");
    for (size_t i = 0; i < view->pods_len; i++) {
        const struct demo_pod *pod = &view->pods[i];

        gt_buf_format(out,
                      "%-12s %-8s %5.0fm %5" PRId64 "m %5" PRId64 "m %5" PRId64
                      "m %5.1f %5" PRId64 "/%5" PRId64 "  %s\n",
                      pod->name, pod->node, 1000 * pod->usage_cores,
                      pod->request_milli, pod->limit_milli, pod->floor_milli,
                      100 * pod->throttled_share, pod->memory_bytes / MIB,
                      pod->memory_limit_bytes / MIB, pod->decision);
    }
}

void
demo_print_table(const struct demo_view *view, struct gt_buf *out)
{
    demo_print_line(view, out);
    gt_buf_text(out, "\n");
    print_nodes(view, out);
    gt_buf_text(out, "\n");
    print_pods(view, out);
}

void
demo_print_line(const struct demo_view *view, struct gt_buf *out)
{
    const struct demo_books *live = &view->books;
    const struct demo_books *fixed = &view->static_books;

    gt_buf_format(out,
                  "mesh %4.0f s  agents %" PRIu64 "  resizes %" PRIu64
                  "  potential drops %" PRIu64 "  unserved %.1f core-s "
                  "(static %.1f)  allocated %.0f core-s (static %.0f)\n",
                  view->mesh_s, view->agents, live->resizes,
                  view->potential_drops, live->unserved_core_s,
                  fixed->unserved_core_s, live->allocated_core_s,
                  fixed->allocated_core_s);
}

static void
compare(struct gt_buf *out, const char *what, double live, double fixed)
{
    gt_buf_format(out, "  %-24s %12.1f %12.1f %+11.1f %%\n", what, live, fixed,
                  fixed > 0 ? 100 * (live - fixed) / fixed : 0.0);
}

void
demo_print_summary(struct demo_view *view, const struct demo_run *run,
                   struct gt_buf *out)
{
    const struct demo_books *live = &view->books;
    const struct demo_books *fixed = &view->static_books;

    gt_buf_format(out,
                  "\n%.0f s of mesh time, %zu pods on %zu nodes, speed %g%s\n",
                  run->duration_s, view->pods_len, view->nodes_len, run->speed,
                  run->simultaneous ? ", WITHOUT green light" : "");
    gt_buf_format(out, "  %-24s %12s %12s\n", "", "GTCAS", "static p95");
    compare(out, "unserved core-seconds", live->unserved_core_s,
            fixed->unserved_core_s);
    compare(out, "allocated core-seconds", live->allocated_core_s,
            fixed->allocated_core_s);
    gt_buf_format(out, "  %-24s %12" PRIu64 " %12" PRIu64 "\n", "OOM kills",
                  live->oom_kills, fixed->oom_kills);
    gt_buf_format(out,
                  "  resizes %" PRIu64 " (refused or deferred %" PRIu64
                  "), potential drops %" PRIu64 ", overcommit samples %" PRIu64
                  "\n",
                  live->resizes, live->refused, view->potential_drops,
                  live->overcommit_samples + view->overbooked_samples);
    gt_buf_format(out,
                  "  intent to patch   p50 %5.1f ms  p99 %5.1f ms  (wall "
                  "time, %zu)\n",
                  demo_quantile(&view->intent_to_patch, 0.5),
                  demo_quantile(&view->intent_to_patch, 0.99),
                  view->intent_to_patch.len);
    gt_buf_format(out,
                  "  throttle to patch p50 %5.0f ms  p99 %5.0f ms  (mesh "
                  "time, %zu)\n",
                  demo_quantile(&view->throttle_to_patch, 0.5),
                  demo_quantile(&view->throttle_to_patch, 0.99),
                  view->throttle_to_patch.len);
    gt_buf_format(out,
                  "  largest agent: %" PRIu64 " KiB private, %" PRIu64
                  " KiB resident\n",
                  run->private_kib_max, run->rss_kib_max);
}

static void
put_real(struct gt_buf *out, const char *key, double value)
{
    gt_buf_format(out, ",\n  \"%s\": %.3f", key, value);
}

static void
put_count(struct gt_buf *out, const char *key, uint64_t value)
{
    gt_buf_format(out, ",\n  \"%s\": %" PRIu64, key, value);
}

void
demo_print_json(struct demo_view *view, const struct demo_run *run,
                struct gt_buf *out)
{
    const struct demo_books *live = &view->books;
    const struct demo_books *fixed = &view->static_books;

    gt_buf_format(out, "{\n  \"duration_s\": %.1f", run->duration_s);
    put_real(out, "speed", run->speed);
    put_count(out, "simultaneous", run->simultaneous);
    put_count(out, "pods", view->pods_len);
    put_count(out, "nodes", view->nodes_len);
    put_count(out, "resizes", live->resizes);
    put_count(out, "resizes_refused", live->refused);
    put_count(out, "potential_drops", view->potential_drops);
    put_count(out, "overcommit_samples",
              live->overcommit_samples + view->overbooked_samples);
    put_count(out, "oom_kills", live->oom_kills);
    put_real(out, "unserved_core_seconds", live->unserved_core_s);
    put_real(out, "allocated_core_seconds", live->allocated_core_s);
    put_count(out, "static_oom_kills", fixed->oom_kills);
    put_real(out, "static_unserved_core_seconds", fixed->unserved_core_s);
    put_real(out, "static_allocated_core_seconds", fixed->allocated_core_s);
    put_count(out, "agent_rss_kib_max", run->rss_kib_max);
    put_count(out, "agent_private_kib_max", run->private_kib_max);
    put_real(out, "intent_to_patch_ms_p50",
             demo_quantile(&view->intent_to_patch, 0.5));
    put_real(out, "intent_to_patch_ms_p99",
             demo_quantile(&view->intent_to_patch, 0.99));
    put_real(out, "throttle_to_patch_ms_p50",
             demo_quantile(&view->throttle_to_patch, 0.5));
    put_real(out, "throttle_to_patch_ms_p99",
             demo_quantile(&view->throttle_to_patch, 0.99));
    gt_buf_text(out, "\n}\n");
}

/* A promise: its words are printed when it is broken. */
static bool
kept(struct gt_buf *out, bool promise, const char *words)
{
    if (!promise) {
        gt_buf_format(out, "  broken: %s\n", words);
    }
    return promise;
}

static bool
check_control(const struct demo_view *view, struct gt_buf *out)
{
    return kept(out, view->potential_drops > 0,
                "without green light the potential drops");
}

/* Against static requests a run must be long enough to tell. */
#define LONG_RUN_S 600.0

static bool
check_against_static(const struct demo_view *view, struct gt_buf *out)
{
    const struct demo_books *live = &view->books;
    const struct demo_books *fixed = &view->static_books;
    bool good = kept(out, live->unserved_core_s < fixed->unserved_core_s,
                     "less unserved demand than with static requests");

    return kept(out, live->allocated_core_s <= fixed->allocated_core_s,
                "no more allocated than with static requests") &&
           good;
}

static bool
check_latencies(struct demo_view *view, const struct demo_run *run,
                struct gt_buf *out)
{
    bool slow = run->speed <= 1.0;
    bool good = kept(out, demo_quantile(&view->intent_to_patch, 0.99) <= 150.0,
                     "intent to patch p99 <= 150 ms");

    return kept(out,
                demo_quantile(&view->throttle_to_patch, 0.99) <=
                    (slow ? 1500.0 : 5000.0),
                slow ? "throttle to patch p99 <= 1500 ms"
                     : "throttle to patch p99 <= 5000 ms") &&
           good;
}

bool
demo_print_check(struct demo_view *view, const struct demo_run *run,
                 struct gt_buf *out)
{
    const struct demo_books *live = &view->books;
    bool good = kept(out, run->clean, "every program ends by itself with 0");

    if (run->simultaneous) {
        return check_control(view, out) && good;
    }
    good = kept(out, live->resizes > 0, "pods are resized") && good;
    good = kept(out, view->potential_drops == 0, "no potential drops") && good;
    good = kept(out, live->overcommit_samples + view->overbooked_samples == 0,
                "no node is overcommitted") &&
           good;
    if (run->duration_s >= LONG_RUN_S) {
        good = check_against_static(view, out) && good;
    }
    good = kept(out, run->private_kib_max <= 3072,
                "an agent's private memory <= 3072 KiB") &&
           good;
    return check_latencies(view, run, out) && good;
}
