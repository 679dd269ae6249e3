/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/sensor.h"

#include <string.h>

#define GROWTH_WINDOW_MS 30000

void
sensor_init(struct sensor *s)
{
    memset(s, 0, sizeof(*s));
}

static bool
restarted(const struct cgroup_sample *before, const struct cgroup_sample *now)
{
    return now->usage_us < before->usage_us || now->periods < before->periods ||
           now->throttled_periods < before->throttled_periods ||
           now->oom_kills < before->oom_kills;
}

static void
remember_growth(struct sensor *s, int64_t bytes_s, uint64_t now_ms)
{
    if (now_ms - s->growth_since_ms >= GROWTH_WINDOW_MS) {
        s->growth_bytes_s[1] = s->growth_bytes_s[0];
        s->growth_bytes_s[0] = 0;
        s->growth_since_ms = now_ms;
    }
    if (bytes_s > s->growth_bytes_s[0]) {
        s->growth_bytes_s[0] = bytes_s;
    }
}

static void
compare(struct sensor *s, const struct cgroup_sample *sample, uint64_t now_ms,
        struct sensor_rates *out)
{
    const struct cgroup_sample *last = &s->last;
    uint64_t elapsed_ms = now_ms > s->last_ms ? now_ms - s->last_ms : 1;
    double us = (double)elapsed_ms * 1000.0;
    uint64_t periods = sample->periods - last->periods;
    int64_t growth = cgroup_floor_bytes(sample) - cgroup_floor_bytes(last);

    memset(out, 0, sizeof(*out));
    out->seconds = (double)elapsed_ms / 1000.0;
    out->cpu_cores = (double)(sample->usage_us - last->usage_us) / us;
    if (sample->has_periods && periods > 0) {
        out->throttled_share =
            (double)(sample->throttled_periods - last->throttled_periods) /
            (double)periods;
        out->throttled_s =
            (double)(sample->throttled_us - last->throttled_us) / 1e6;
    }
    if (sample->has_pressure && sample->pressure_us > last->pressure_us) {
        out->pressure_share =
            (double)(sample->pressure_us - last->pressure_us) / us;
    }
    out->working_set_bytes = cgroup_working_set_bytes(sample);
    out->oom_kills = sample->oom_kills - last->oom_kills;
    remember_growth(s, growth * 1000 / (int64_t)elapsed_ms, now_ms);
}

enum sensor_outcome
sensor_read(struct sensor *s, const struct cgroup_sample *sample,
            struct gt_time now, struct sensor_rates *out)
{
    enum sensor_outcome outcome = SENSOR_FIRST;

    if (s->has_last && restarted(&s->last, sample)) {
        outcome = SENSOR_E_RESTARTED;
    } else if (s->has_last) {
        compare(s, sample, now.mono_ms, out);
        outcome = SENSOR_OK;
    }
    s->last = *sample;
    s->last_ms = now.mono_ms;
    s->has_last = true;
    return outcome;
}

void
sensor_lost(struct sensor *s)
{
    s->has_last = false;
}

struct handshake_figures
sensor_figures(const struct sensor *s, int64_t peak_bytes)
{
    struct handshake_figures figures = {
        .seen = s->has_last,
        .floor_bytes = cgroup_floor_bytes(&s->last),
        .gate_bytes = s->last.memory_bytes,
        .peak_bytes = peak_bytes,
        .growth_bytes_s = s->growth_bytes_s[0] > s->growth_bytes_s[1]
                              ? s->growth_bytes_s[0]
                              : s->growth_bytes_s[1],
    };

    return figures;
}
