/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the API server begin with: three pods on two nodes.
 */
#ifndef TESTS_APISERVER_FIXTURE_H
#define TESTS_APISERVER_FIXTURE_H

#include "tests/sim/apiserver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "proto/kube.h"

#define MIB       (INT64_C(1) << 20)
#define STRATEGIC "application/strategic-merge-patch+json"
#define POD_A     "/api/v1/namespaces/lab/pods/a"
#define START     1000

/* Three pods on two nodes of 2 cores and 4 GiB. */
struct fixture {
    struct trace_point point;
    struct trace_series series;
    struct node_pod_spec pods[3];
    struct node_spec nodes[2];
    struct node_config config;
    struct apiserver_config api_config;
    struct node_sim *sim;
    struct apiserver *api;
    char memory[1U << 16];
    struct gt_buf body;
    struct apiserver_answer answer;
    struct json_object *json; /* the body, parsed */
    struct kube_pod pod;
};

static inline int
set_up(void **state)
{
    static const char *const names[] = {"a", "b", "c"};
    static const char *const uids[] = {"uid-a", "uid-b", "uid-c"};
    struct fixture *f = calloc(1, sizeof(*f));

    f->point = (struct trace_point){
        0, {0.05, 30e6}
    };
    f->series = (struct trace_series){.points = &f->point, .len = 1};
    f->nodes[0] = (struct node_spec){
        "n1", {2000, 4096 * MIB}
    };
    f->nodes[1] = (struct node_spec){
        "n2", {2000, 4096 * MIB}
    };
    for (size_t i = 0; i < 3; i++) {
        f->pods[i] = (struct node_pod_spec){
            .name = names[i],
            .space = "lab",
            .uid = uids[i],
            .workload = "ReplicaSet/web",
            .node = i / 2,
            .containers_len = 1,
            .containers = {{"app", 1, {{100, 64 * MIB}, {500, 128 * MIB}}}},
            .annotations_len = 1,
            .annotations = {{"scaling.mesh/strategy", "potential-game"}},
            .series = &f->series,
        };
    }
    f->config = (struct node_config){
        .nodes = f->nodes,
        .nodes_len = 2,
        .pods = f->pods,
        .pods_len = 3,
        .start_ms = START,
        .latency_ms = NODE_LATENCY_MS,
    };
    f->api_config.history = 5;
    *state = f;
    return 0;
}

static inline void
start(struct fixture *f)
{
    f->sim = node_init(malloc(node_size(&f->config)), &f->config);
    f->api_config.sim = f->sim;
    f->api =
        apiserver_init(malloc(apiserver_size(&f->api_config)), &f->api_config);
}

static inline int
set_up_started(void **state)
{
    (void)set_up(state); /* returns 0 */
    start(*state);
    return 0;
}

static inline int
tear_down(void **state)
{
    struct fixture *f = *state;

    json_object_put(f->json);
    free(f->api);
    free(f->sim);
    free(f);
    return 0;
}

static inline int
ask(struct fixture *f, const struct apiserver_request *request)
{
    gt_buf_init(&f->body, f->memory, sizeof(f->memory));
    apiserver_answer(f->api, request, START, &f->body, &f->answer);
    json_object_put(f->json);
    f->json = json_tokener_parse(f->memory);
    return f->answer.status;
}

static inline int
get(struct fixture *f, const char *path)
{
    return ask(f, &(struct apiserver_request){.method = "GET", .path = path});
}

static inline int
patch(struct fixture *f, const char *body)
{
    return ask(f, &(struct apiserver_request){
                      .method = "PATCH",
                      .path = POD_A "/resize",
                      .content_type = STRATEGIC,
                      .body = body,
                      .len = strlen(body),
                  });
}

static inline struct json_object *
at(struct json_object *object, const char *pointer)
{
    struct json_object *found = NULL;

    (void)json_pointer_get(object, pointer, &found); /* NULL where it fails */
    return found;
}

static inline const char *
text_at(struct fixture *f, const char *pointer)
{
    struct json_object *found = at(f->json, pointer);

    return found == NULL ? "(none)" : json_object_get_string(found);
}

/* The pod in the answer as the product reads it. */
static inline const struct kube_pod *
read_pod(struct fixture *f)
{
    assert_int_equal(kube_pod_decode(&f->pod, f->memory, f->body.len), KUBE_OK);
    return &f->pod;
}

#endif
