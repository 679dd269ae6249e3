/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/api_io.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/client_io.h"

#define PATH_SIZE                                                              \
    (sizeof("/api/v1/namespaces//pods//resize") + KUBE_UID_MAX + KUBE_NAME_MAX)
#define BODY_SIZE 8192
/* A PATCH takes 60 to 170 ms; an API server under load takes seconds. */
#define TIMEOUT_MS 5000
/* A pod is 5 to 8 KiB; with a hundred annotations it is 256 KiB. */
#define ANSWER_MAX_BYTES (512U << 10)

struct api_io {
    struct api_io_config config;
    struct gt_client *client;
    struct gt_loop_work lost; /* answers what could not even be sent */
    char path[PATH_SIZE];
    bool busy;              /* a request is under way, or being answered */
    bool waiting;           /* @next goes out after it */
    bool reads;             /* @next: no patch */
    struct kube_patch next; /* what waits */
    unsigned replaced;      /* requests that waited and were replaced */
    struct kube_answer answer;
};

static void send_next(struct api_io *api);

static void
lose(struct api_io *api, const char *why)
{
    memset(&api->answer, 0, sizeof(api->answer));
    api->answer.outcome = KUBE_E_TRANSPORT;
    snprintf(api->answer.message, sizeof(api->answer.message), "%s", why);
}

/* Tells @answer and what follows from it.  What is asked meanwhile waits. */
static void
deliver(struct api_io *api)
{
    api->config.answered(api->config.arg, &api->answer);
    while (api->replaced > 0) {
        api->replaced--;
        lose(api, "replaced before it was sent");
        api->config.answered(api->config.arg, &api->answer);
    }
    api->busy = false;
    if (api->waiting) {
        send_next(api);
    }
}

static bool
deliver_lost(void *arg)
{
    lose(arg, "no memory for the request");
    deliver(arg);
    return false;
}

static void
done(void *arg, const struct gt_client_reply *reply)
{
    struct api_io *api = arg;

    if (reply->status == 0) {
        lose(api, reply->error);
    } else {
        kube_answer_decode(&api->answer, (int)reply->status, reply->body,
                           reply->len);
    }
    deliver(api);
}

static void
send_next(struct api_io *api)
{
    char text[BODY_SIZE];
    struct gt_buf body;
    struct gt_client_request request = {
        .method = "PATCH",
        .path = api->path,
        .content_type = "application/strategic-merge-patch+json",
        .accept = "application/json",
        .body = text,
        .timeout_ms = TIMEOUT_MS,
        .body_max_bytes = ANSWER_MAX_BYTES,
        .idempotent = true, /* amounts are absolute */
        .done = done,
        .arg = api,
    };

    gt_buf_init(&body, text, sizeof(text));
    if (api->reads) {
        gt_buf_text(&body, "{}");
    } else {
        kube_patch_encode(&api->next, &body);
    }
    request.len = body.len;
    api->waiting = false;
    api->busy = true;
    if (body.overflow || gt_client_ask(api->client, &request) == NULL) {
        gt_loop_work_start(&api->lost);
    }
}

static void
submit(struct api_io *api)
{
    api->replaced += api->waiting ? 1 : 0;
    api->waiting = true;
    if (!api->busy) {
        send_next(api);
    }
}

void
api_io_patch(struct api_io *api, const struct kube_patch *patch)
{
    api->next = *patch;
    api->reads = false;
    submit(api);
}

void
api_io_read(struct api_io *api)
{
    api->reads = true;
    submit(api);
}

struct api_io *
api_io_new(struct gt_loop *loop, const struct api_io_config *config,
           struct gt_err *err)
{
    bool secure = strncmp(config->base_url, "https:", 6) == 0;
    struct gt_client_config client = {
        .base_url = config->base_url,
        .ca_file = secure ? config->ca_file : NULL,
        .token_file = secure ? config->token_file : NULL,
    };
    struct api_io *api = calloc(1, sizeof(*api));

    if (api == NULL) {
        (void)gt_err_set(err, -ENOMEM, "no memory");
        return NULL;
    }
    api->config = *config;
    gt_loop_work_init(&api->lost, loop, deliver_lost, api);
    (void)snprintf(api->path, sizeof(api->path),
                   "/api/v1/namespaces/%s/pods/%s/resize", config->space,
                   config->pod); /* names of Kubernetes fit */
    api->client = gt_client_new(loop, &client, err);
    if (api->client == NULL) {
        (void)gt_err_wrap(err, "--api-server");
        return api_io_free(api);
    }
    return api;
}

struct api_io *
api_io_free(struct api_io *api)
{
    if (api != NULL) {
        gt_loop_work_stop(&api->lost);
        if (api->client != NULL) {
            gt_client_free(api->client);
        }
        free(api);
    }
    return NULL;
}
