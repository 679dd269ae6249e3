/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/cgroupfs.h"

#include <inttypes.h>

const char *
cgroupfs_name(enum cgroupfs_file file)
{
    static const char *const names[CGROUPFS_FILES] = {
        [CGROUPFS_CPU_STAT] = "cpu.stat",
        [CGROUPFS_CPU_MAX] = "cpu.max",
        [CGROUPFS_CPU_PRESSURE] = "cpu.pressure",
        [CGROUPFS_MEMORY_CURRENT] = "memory.current",
        [CGROUPFS_MEMORY_STAT] = "memory.stat",
        [CGROUPFS_MEMORY_EVENTS] = "memory.events",
        [CGROUPFS_MEMORY_MAX] = "memory.max",
        [CGROUPFS_MEMORY_PEAK] = "memory.peak",
    };

    return names[file];
}

static void
cpu_stat(const struct cgroup_sample *s, struct gt_buf *out)
{
    gt_buf_format(
        out, "usage_usec %" PRIu64 "\nuser_usec %" PRIu64 "\nsystem_usec 0\n",
        s->usage_us, s->usage_us);
    /* As a kernel does, even where there is no limit. */
    gt_buf_format(out,
                  "nr_periods %" PRIu64 "\nnr_throttled %" PRIu64
                  "\nthrottled_usec %" PRIu64 "\nnr_bursts 0\nburst_usec 0\n",
                  s->periods, s->throttled_periods, s->throttled_us);
}

static void
cpu_pressure(const struct node_cgroup *g, struct gt_buf *out)
{
    gt_buf_format(out,
                  "some avg10=%.2f avg60=%.2f avg300=%.2f total=%" PRIu64 "\n",
                  g->pressure_avg10, g->pressure_avg10, g->pressure_avg10,
                  g->sample.pressure_us);
    gt_buf_text(out, "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");
}

static void
memory_stat(const struct node_cgroup *g, struct gt_buf *out)
{
    const struct cgroup_sample *s = &g->sample;

    gt_buf_format(out,
                  "anon %" PRId64 "\nfile %" PRId64 "\nkernel %" PRId64 "\n",
                  g->anon_bytes, g->file_bytes, s->slab_reclaimable_bytes);
    gt_buf_format(out,
                  "inactive_anon 0\nactive_anon %" PRId64
                  "\ninactive_file %" PRId64 "\nactive_file %" PRId64
                  "\nunevictable 0\n",
                  g->anon_bytes, s->inactive_file_bytes, s->active_file_bytes);
    gt_buf_format(out,
                  "slab_reclaimable %" PRId64
                  "\nslab_unreclaimable 0\nslab %" PRId64 "\n",
                  s->slab_reclaimable_bytes, s->slab_reclaimable_bytes);
}

static void
memory_events(const struct node_cgroup *g, struct gt_buf *out)
{
    gt_buf_format(out,
                  "low 0\nhigh 0\nmax %" PRIu64 "\noom %" PRIu64
                  "\noom_kill %" PRIu64 "\noom_group_kill %" PRIu64 "\n",
                  g->memory_max_events, g->sample.oom_kills,
                  g->sample.oom_kills, g->sample.oom_kills);
}

static void
amount_or_max(int64_t amount, struct gt_buf *out)
{
    if (amount == KUBE_ABSENT) {
        gt_buf_text(out, "max");
    } else {
        gt_buf_format(out, "%" PRId64, amount);
    }
}

void
cgroupfs_text(enum cgroupfs_file file, const struct node_cgroup *cgroup,
              struct gt_buf *out)
{
    switch (file) {
    case CGROUPFS_CPU_STAT:
        cpu_stat(&cgroup->sample, out);
        break;
    case CGROUPFS_CPU_MAX:
        amount_or_max(cgroup->quota_us, out);
        gt_buf_text(out, " 100000\n");
        break;
    case CGROUPFS_CPU_PRESSURE:
        cpu_pressure(cgroup, out);
        break;
    case CGROUPFS_MEMORY_CURRENT:
        gt_buf_format(out, "%" PRId64 "\n", cgroup->sample.memory_bytes);
        break;
    case CGROUPFS_MEMORY_STAT:
        memory_stat(cgroup, out);
        break;
    case CGROUPFS_MEMORY_EVENTS:
        memory_events(cgroup, out);
        break;
    case CGROUPFS_MEMORY_MAX:
        amount_or_max(cgroup->memory_limit, out);
        gt_buf_text(out, "\n");
        break;
    case CGROUPFS_MEMORY_PEAK:
        gt_buf_format(out, "%" PRId64 "\n", cgroup->peak_bytes);
        break;
    case CGROUPFS_FILES:
        break;
    }
}
