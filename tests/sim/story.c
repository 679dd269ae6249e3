/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/story.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
story_init(struct story *s)
{
    memset(s, 0, sizeof(*s));
    s->nodes = (struct node_config){
        .nodes = s->node_specs,
        .pods = s->pods,
        .shape = TRACE_STEP,
        .latency_ms = NODE_LATENCY_MS,
        .cache_share = 0.1,
        .seed = 1,
    };
    s->config = world_defaults(&s->nodes);
    s->config.seed = 1;
}

void
story_fini(struct story *s)
{
    if (s->world != NULL) {
        s->world = world_free(s->world);
    }
}

void
story_node(struct story *s, const char *name, int64_t milli, int64_t mib)
{
    assert(s->nodes.nodes_len < STORY_NODES);
    s->node_specs[s->nodes.nodes_len++] = (struct node_spec){
        .name = name,
        .allocatable = {milli, mib * STORY_MIB},
    };
}

size_t
story_foreign(struct story *s, const char *name, int64_t milli, int64_t mib)
{
    size_t pod = s->nodes.pods_len++;
    struct node_pod_spec *spec = &s->pods[pod];

    assert(pod < STORY_PODS && s->nodes.nodes_len > 0);
    (void)snprintf(s->uids[pod], sizeof(s->uids[pod]), "uid-%s", name);
    s->series[pod].points = s->points[pod];
    *spec = (struct node_pod_spec){
        .name = name,
        .space = "shop",
        .uid = s->uids[pod],
        .workload = "",
        .node = s->nodes.nodes_len - 1,
        .containers_len = 1,
        .series = &s->series[pod],
        .releasable = 0.5,
    };
    spec->containers[0] = (struct node_container_spec){
        .name = "app",
        .share = 1.0,
        .resources = {.requests = {milli, mib * STORY_MIB},
                      .limits = {milli, mib * STORY_MIB}},
    };
    return pod;
}

size_t
story_pod(struct story *s, const char *name, int64_t milli, int64_t mib)
{
    size_t pod = story_foreign(s, name, milli, mib);

    story_annotate(s, pod, "strategy", "potential-game");
    return pod;
}

void
story_annotate(struct story *s, size_t pod, const char *key, const char *value)
{
    struct node_pod_spec *spec = &s->pods[pod];

    size_t i = spec->annotations_len++;

    assert(i < NODE_ANNOTATIONS);
    (void)snprintf(s->keys[pod][i], sizeof(s->keys[pod][i]), "scaling.mesh/%s",
                   key);
    spec->annotations[i] =
        (struct node_annotation){.key = s->keys[pod][i], .value = value};
}

void
story_demand(struct story *s, size_t pod, int64_t second, double cores,
             double mib)
{
    struct trace_series *series = &s->series[pod];

    assert(series->len < STORY_POINTS);
    s->points[pod][series->len++] = (struct trace_point){
        .second = second,
        .amount = {cores, mib * (double)STORY_MIB},
    };
}

void
story_begin(struct story *s)
{
    s->world = world_new(&s->config);
}

void
story_until(struct story *s, double second)
{
    world_run(s->world, second);
}

/* A line of the transcript, in parts. */
struct line {
    const char *t, *who, *event;
    size_t t_len, who_len, event_len;
    const char *end; /* behind the line feed */
};

static const char *
value_of(const char *line, const char *key, size_t *len)
{
    const char *at = strstr(line, key);

    assert(at != NULL);
    at += strlen(key);
    *len = strcspn(at, " \n");
    return at;
}

static struct line
read_line(const char *text)
{
    struct line line;

    line.t = value_of(text, "t=", &line.t_len);
    line.who = value_of(text, " who=", &line.who_len);
    line.event = value_of(text, " event=", &line.event_len);
    line.end = text + strcspn(text, "\n") + 1;
    return line;
}

/* Is the word one of @words?  Every word is one of none. */
static bool
is_one_of(const char *words, const char *word, size_t len)
{
    if (words[0] == '\0') {
        return true;
    }
    for (const char *at = words; *at != '\0';) {
        size_t end = strcspn(at, " ");

        if (end == len && strncmp(at, word, len) == 0) {
            return true;
        }
        at += end + strspn(at + end, " ");
    }
    return false;
}

static bool
is_wanted(const struct line *line, const char *who, const char *events)
{
    return is_one_of(who, line->who, line->who_len) &&
           is_one_of(events, line->event, line->event_len);
}

void
story_lines(const struct story *s, double from_second, const char *who,
            const char *events, struct gt_buf *out)
{
    double from = from_second + WORLD_START_MS / 1000.0;

    for (const char *text = world_transcript(s->world); *text != '\0';) {
        struct line line = read_line(text);

        text = line.end;
        if (strtod(line.t, NULL) >= from && is_wanted(&line, who, events)) {
            gt_buf_add(out, line.t, line.t_len);
            gt_buf_format(out, " %.*s ", (int)line.who_len, line.who);
            gt_buf_add(out, line.event, (size_t)(line.end - line.event));
        }
    }
}

unsigned
story_count(const struct story *s, const char *who, const char *events)
{
    unsigned count = 0;

    for (const char *text = world_transcript(s->world); *text != '\0';) {
        struct line line = read_line(text);

        text = line.end;
        count += is_wanted(&line, who, events);
    }
    return count;
}

struct node_books
story_books(const struct story *s)
{
    struct node_books books;

    node_total_books(world_nodes(s->world), &books);
    return books;
}
