/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "tests/sim/world_state.h"

/* A client that gets no answer waits as long. */
#define TIMEOUT_MS 10000

struct request {
    uint64_t incarnation; /* of the agent that asks */
    struct kube_patch patch;
};

struct reply {
    uint64_t incarnation;
    struct kube_answer answer;
};

static void
no_answer(struct kube_answer *answer)
{
    memset(answer, 0, sizeof(*answer));
    answer->outcome = KUBE_E_TRANSPORT;
}

static void
refusal(struct kube_answer *answer, enum kube_outcome outcome, int status)
{
    memset(answer, 0, sizeof(*answer));
    answer->outcome = outcome;
    answer->status = status;
    (void)snprintf(answer->message, sizeof(answer->message), "not now");
}

/* The answer to @request, with its faults; returns when it arrives. */
static uint64_t
serve(struct world *w, size_t pod, const struct request *request,
      struct kube_answer *answer)
{
    struct fault *faults = w->faults;
    uint64_t soon_ms = w->now_ms + w->config.api_ms - w->config.api_ms / 2;

    if (fault_strikes(&faults[WORLD_REFUSES])) {
        no_answer(answer);
        return soon_ms;
    }
    if (fault_strikes(&faults[WORLD_LOSES])) {
        no_answer(answer);
        return w->now_ms + TIMEOUT_MS;
    }
    if (fault_strikes(&faults[WORLD_SAYS_429])) {
        refusal(answer, KUBE_E_THROTTLED, 429);
        return soon_ms;
    }
    if (fault_strikes(&faults[WORLD_SAYS_500])) {
        refusal(answer, KUBE_E_SERVER, 500);
        return soon_ms;
    }
    node_patch(w->sim, pod, &request->patch, answer);
    if (fault_strikes(&faults[WORLD_LOSES_ANSWER])) {
        no_answer(answer);
        return w->now_ms + TIMEOUT_MS;
    }
    return soon_ms;
}

void
world_request_arrives(struct world *w, const struct queue_event *event)
{
    const struct request *request = event->data;
    struct reply *reply = world_alloc(sizeof(*reply));
    uint64_t at_ms = serve(w, event->index, request, &reply->answer);

    reply->incarnation = request->incarnation;
    queue_push(&w->queue, at_ms, WORLD_ANSWER, event->index, reply);
}

static void
send_next(struct world *w, size_t pod)
{
    struct world_pod *p = &w->pods[pod];
    struct request *request = world_alloc(sizeof(*request));

    request->incarnation = p->config.incarnation;
    request->patch = p->next;
    p->waiting = false;
    p->asking = true;
    queue_push(&w->queue, w->now_ms + w->config.api_ms / 2, WORLD_API, pod,
               request);
}

void
world_ask(struct world *w, size_t pod, const struct kube_patch *patch)
{
    static const struct kube_patch empty;
    struct world_pod *p = &w->pods[pod];

    p->next = patch != NULL ? *patch : empty;
    p->replaced += p->waiting ? 1 : 0;
    p->waiting = true;
    if (!p->asking) {
        send_next(w, pod);
    }
}

static void
deliver(struct world *w, size_t pod, const struct kube_answer *answer)
{
    struct agent_event step = {.kind = AGENT_ANSWERED, .answer = answer};

    world_agent_step(w, pod, &step);
}

void
world_answer_arrives(struct world *w, const struct queue_event *event)
{
    const struct reply *reply = event->data;
    struct world_pod *p = &w->pods[event->index];
    struct kube_answer lost;

    if (p->agent == NULL || reply->incarnation != p->config.incarnation) {
        return; /* who asked is no more */
    }
    deliver(w, event->index, &reply->answer);
    for (no_answer(&lost); p->replaced > 0; p->replaced--) {
        deliver(w, event->index, &lost);
    }
    p->asking = false;
    if (p->waiting) {
        send_next(w, event->index);
    }
}
