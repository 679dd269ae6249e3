/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cgroup.h"

#include <string.h>

#include "common/base.h"

#define NS_PER_US 1000

/* One figure of a file of "key value" lines. */
struct line {
    const char *key;
    uint64_t max; /* larger is not a figure that a kernel shows */
    uint64_t *value;
    bool *found; /* NULL: may be absent */
};

/* The kernel ends every line, so a number without its line end was cut.
 * Returns what follows the number, NULL where there is none. */
static const char *
number(const char *text, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    const char *p = text;

    for (; *p >= '0' && *p <= '9'; p++) {
        uint64_t digit = (uint64_t)(*p - '0');

        if (value > (max - digit) / 10) {
            return NULL;
        }
        value = value * 10 + digit;
    }
    if (p == text || *p != '\n') {
        return NULL;
    }
    *out = value;
    return p + 1;
}

/* A file that holds one number. */
static enum cgroup_outcome
single(const char *text, uint64_t max, uint64_t *out)
{
    const char *rest = NULL;

    if (text == NULL) {
        return CGROUP_E_MISSING;
    }
    rest = number(text, max, out);
    return rest != NULL && *rest == '\0' ? CGROUP_OK : CGROUP_E_SYNTAX;
}

static const struct line *
find(const struct line *lines, size_t len, const char *text)
{
    for (size_t i = 0; i < len; i++) {
        size_t n = strlen(lines[i].key);

        if (strncmp(text, lines[i].key, n) == 0 && text[n] == ' ') {
            return &lines[i];
        }
    }
    return NULL;
}

/* One line of such a file; unknown ones are skipped. */
static enum cgroup_outcome
figure(const char *text, const struct line *lines, size_t len)
{
    const struct line *line = find(lines, len, text);

    if (line == NULL) {
        return CGROUP_OK;
    }
    if (number(text + strlen(line->key) + 1, line->max, line->value) == NULL) {
        return CGROUP_E_SYNTAX;
    }
    if (line->found != NULL) {
        *line->found = true;
    }
    return CGROUP_OK;
}

/* A file of "key value" lines; an absent one holds none. */
static enum cgroup_outcome
keyed(const char *text, const struct line *lines, size_t len)
{
    enum cgroup_outcome outcome = CGROUP_OK;

    while (outcome == CGROUP_OK && text != NULL && *text != '\0') {
        const char *end = strchr(text, '\n');

        outcome = figure(text, lines, len);
        text = end != NULL ? end + 1 : NULL;
    }
    return outcome;
}

static enum cgroup_outcome
pressure(struct cgroup_sample *out, const char *text)
{
    const char *end = NULL;
    const char *total = NULL;

    if (text == NULL) {
        return CGROUP_OK;
    }
    end = strchr(text, '\n');
    total = strstr(text, " total=");
    if (strncmp(text, "some ", 5) != 0 || end == NULL || total == NULL ||
        total > end) {
        return CGROUP_E_SYNTAX;
    }
    total += strlen(" total=");
    if (number(total, UINT64_MAX, &out->pressure_us) == NULL) {
        return CGROUP_E_SYNTAX;
    }
    out->has_pressure = true;
    return CGROUP_OK;
}

static enum cgroup_outcome
cpu_v2(struct cgroup_sample *out, const struct cgroup_texts *texts)
{
    bool has_usage = false;
    const struct line lines[] = {
        {"usage_usec",     UINT64_MAX, &out->usage_us,          &has_usage       },
        {"nr_periods",     UINT64_MAX, &out->periods,           &out->has_periods},
        {"nr_throttled",   UINT64_MAX, &out->throttled_periods, NULL             },
        {"throttled_usec", UINT64_MAX, &out->throttled_us,      NULL             },
    };
    enum cgroup_outcome outcome =
        keyed(texts->cpu_stat, lines, GT_ARRAY_LEN(lines));

    if (outcome != CGROUP_OK) {
        return outcome;
    }
    if (!has_usage) {
        return CGROUP_E_MISSING;
    }
    return pressure(out, texts->cpu_pressure);
}

static enum cgroup_outcome
cpu_v1(struct cgroup_sample *out, const struct cgroup_texts *texts)
{
    uint64_t usage_ns = 0;
    uint64_t throttled_ns = 0;
    const struct line lines[] = {
        {"nr_periods",     UINT64_MAX, &out->periods,           &out->has_periods},
        {"nr_throttled",   UINT64_MAX, &out->throttled_periods, NULL             },
        {"throttled_time", UINT64_MAX, &throttled_ns,           NULL             },
    };
    enum cgroup_outcome outcome =
        keyed(texts->cpu_stat, lines, GT_ARRAY_LEN(lines));

    if (outcome == CGROUP_OK) {
        outcome = single(texts->cpu_usage, UINT64_MAX, &usage_ns);
    }
    out->usage_us = usage_ns / NS_PER_US;
    out->throttled_us = throttled_ns / NS_PER_US;
    return outcome;
}

/* Bytes fit int64_t because the texts were read with that limit. */
static enum cgroup_outcome
memory(struct cgroup_sample *out, const struct cgroup_texts *texts)
{
    bool v1 = texts->version == CGROUP_V1;
    bool has_active = false;
    bool has_inactive = false;
    uint64_t current = 0;
    uint64_t active = 0;
    uint64_t inactive = 0;
    uint64_t slab = 0;
    /* v1 does not tell slab_reclaimable: it then counts as not reclaimable. */
    const struct line stat[] = {
        {v1 ? "total_active_file" : "active_file",     INT64_MAX, &active,
         &has_active                                                             },
        {v1 ? "total_inactive_file" : "inactive_file", INT64_MAX, &inactive,
         &has_inactive                                                           },
        {"slab_reclaimable",                           INT64_MAX, &slab,     NULL},
    };
    enum cgroup_outcome outcome =
        single(texts->memory_current, INT64_MAX, &current);

    if (outcome == CGROUP_OK) {
        outcome = keyed(texts->memory_stat, stat, GT_ARRAY_LEN(stat));
    }
    if (outcome == CGROUP_OK && (!has_active || !has_inactive)) {
        outcome = CGROUP_E_MISSING;
    }
    out->memory_bytes = (int64_t)current;
    out->active_file_bytes = (int64_t)active;
    out->inactive_file_bytes = (int64_t)inactive;
    out->slab_reclaimable_bytes = (int64_t)slab;
    return outcome;
}

enum cgroup_outcome
cgroup_parse(struct cgroup_sample *out, const struct cgroup_texts *texts)
{
    struct cgroup_sample sample = {0};
    const struct line events[] = {
        {"oom_kill", UINT64_MAX, &sample.oom_kills, NULL},
    };
    enum cgroup_outcome outcome = texts->version == CGROUP_V1
                                      ? cpu_v1(&sample, texts)
                                      : cpu_v2(&sample, texts);

    if (outcome == CGROUP_OK) {
        outcome = memory(&sample, texts);
    }
    if (outcome == CGROUP_OK) {
        outcome = keyed(texts->memory_events, events, GT_ARRAY_LEN(events));
    }
    if (outcome == CGROUP_OK) {
        *out = sample;
    }
    return outcome;
}

/* @bytes less @part, which may be as large as a kernel can say. */
static int64_t
less(int64_t bytes, int64_t part)
{
    return part < bytes ? bytes - part : 0;
}

int64_t
cgroup_floor_bytes(const struct cgroup_sample *sample)
{
    return less(less(less(sample->memory_bytes, sample->active_file_bytes),
                     sample->inactive_file_bytes),
                sample->slab_reclaimable_bytes);
}

int64_t
cgroup_working_set_bytes(const struct cgroup_sample *sample)
{
    return less(sample->memory_bytes, sample->inactive_file_bytes);
}
