/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/testbed.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/rng.h"

#define MIB 1048576.0

static struct kube_resources
request_for(const struct testbed_config *config,
            const struct trace_series *series)
{
    int64_t from = config->start_second - config->window_s;
    double cores = trace_quantile(series, GT_CPU, TESTBED_QUANTILE, from,
                                  config->start_second);
    double bytes =
        trace_quantile(series, GT_MEMORY, 1, from, config->start_second);
    double milli = ceil(cores * 1000);
    double mib = ceil(bytes * TESTBED_HEADROOM / MIB);
    struct kube_resources r;

    r.requests[GT_CPU] = (int64_t)fmax(milli, TESTBED_CPU_MILLI);
    r.requests[GT_MEMORY] = (int64_t)fmax(mib * MIB, TESTBED_MEMORY);
    for (int i = 0; i < GT_RESOURCES; i++) {
        r.limits[i] = llround((double)r.requests[i] * config->limit_ratio);
    }
    return r;
}

/* Shaped as the server's own: nobody reads more than that it differs. */
static void
make_uid(const char *name, char out[40])
{
    struct gt_rng rng = {gt_rng_hash(name)};
    uint64_t high = gt_rng_next(&rng);
    uint64_t low = gt_rng_next(&rng);

    (void)snprintf(out, 40, "%08x-%04x-4%03x-a%03x-%012" PRIx64,
                   (unsigned)(high >> 32), (unsigned)(high >> 16 & 0xffff),
                   (unsigned)(high & 0xfff), (unsigned)(low >> 52),
                   low & UINT64_C(0xffffffffffff));
}

static bool
annotate(struct node_pod_spec *pod, const char *key, const char *value)
{
    if (pod->annotations_len == NODE_ANNOTATIONS) {
        return false;
    }
    pod->annotations[pod->annotations_len++] =
        (struct node_annotation){key, value};
    return true;
}

/* Cuts "KEY=VALUE,KEY=VALUE" in place. */
static bool
annotate_all(struct node_pod_spec *pod, char *text)
{
    while (*text != '\0') {
        char *key = text;
        char *end = text + strcspn(text, ",");
        char *equals = memchr(key, '=', (size_t)(end - key));
        text = end + (*end == ',' ? 1 : 0);
        *end = '\0';
        if (equals == NULL || equals == key) {
            return false;
        }
        *equals = '\0';
        if (!annotate(pod, key, equals + 1)) {
            return false;
        }
    }
    return true;
}

static bool
has_hook(const struct node_pod_spec *pod)
{
    for (size_t i = 0; i < pod->annotations_len; i++) {
        if (strcmp(pod->annotations[i].key, "scaling.mesh/release") == 0) {
            return true;
        }
    }
    return false;
}

static int
fill_pod(struct testbed *bed, const struct testbed_config *config, size_t index,
         struct gt_err *err)
{
    const struct trace_series *series = &config->trace->series[index];
    struct testbed_pod *texts = &bed->pod_texts[index];
    struct node_pod_spec *pod = &bed->pods[index];

    make_uid(series->pod, texts->uid);
    (void)snprintf(texts->workload, sizeof(texts->workload), "ReplicaSet/%s",
                   series->pod);
    (void)snprintf(texts->hook, sizeof(texts->hook), "http:%u/hooks/%s",
                   (unsigned)config->hook_port, series->pod);
    int n = snprintf(texts->annotations, sizeof(texts->annotations), "%s",
                     config->annotate);
    *pod = (struct node_pod_spec){
        .name = series->pod,
        .space = TESTBED_SPACE,
        .uid = texts->uid,
        .workload = texts->workload,
        .node = index % config->nodes_len,
        .containers_len = 1,
        .containers = {{"app", 1, request_for(config, series)}},
        .series = series,
        .releasable = config->releasable,
    };
    bool fits = n >= 0 && (size_t)n < sizeof(texts->annotations) &&
                annotate_all(pod, texts->annotations);
    if (fits && config->hook_port != 0 && !has_hook(pod)) {
        fits = annotate(pod, "scaling.mesh/release", texts->hook);
    }
    return fits ? 0
                : gt_err_set(err, -EINVAL,
                             "--annotate: not KEY=VALUE[,KEY=VALUE...]");
}

/* Do the requests fit?  Else the first resize would wait for ever. */
static int
check_node(const struct testbed *bed, const struct testbed_config *config,
           size_t node, struct gt_err *err)
{
    int64_t sum[GT_RESOURCES] = {0, 0};

    for (size_t i = 0; i < config->trace->series_len; i++) {
        const struct node_pod_spec *pod = &bed->pods[i];
        for (int r = 0; r < GT_RESOURCES && pod->node == node; r++) {
            sum[r] += pod->containers[0].resources.requests[r];
        }
    }
    for (int r = 0; r < GT_RESOURCES; r++) {
        if (sum[r] > config->node[r]) {
            return gt_err_set(
                err, -EINVAL,
                "%s: pods request %" PRId64 " of %s, the node has %" PRId64,
                bed->nodes[node].name, sum[r],
                gt_resource_name((enum gt_resource)r), config->node[r]);
        }
    }
    return 0;
}

int
testbed_fill(struct testbed *bed, const struct testbed_config *config,
             struct gt_err *err)
{
    int error = 0;

    for (size_t i = 0; i < config->trace->series_len && error == 0; i++) {
        error = fill_pod(bed, config, i, err);
    }
    for (size_t n = 0; n < config->nodes_len && error == 0; n++) {
        char *name = bed->node_texts[n].name;
        (void)snprintf(name, sizeof(bed->node_texts[n].name), "node-%zu",
                       n + 1);
        bed->nodes[n].name = name;
        memcpy(bed->nodes[n].allocatable, config->node, sizeof(config->node));
        error = check_node(bed, config, n, err);
    }
    return error;
}
