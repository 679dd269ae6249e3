/* SPDX-License-Identifier: Apache-2.0 */
#include "common/client_io.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/client_call_io.h"
#include "common/rng.h"

/* Before a second try, where the server names no time: spread over this. */
#define PAUSE_MIN_MS 100
#define PAUSE_MAX_MS 1000

TAILQ_HEAD(calls, gt_client_call);

struct gt_client {
    struct gt_loop *loop;
    CURLM *multi;
    struct gt_loop_timer timer; /* curl's */
    struct gt_loop_work start;  /* of calls that wait */
    struct gt_loop_work sweep;  /* of calls cancelled while curl was at work */
    struct calls calls;
    struct gt_rng rng;
    bool inside; /* curl calls us: it must not be called */
    char *base_url, *ca_file, *token_file, *unix_socket;
};

static void
reply_with(struct gt_client_call *call, long status, const char *error)
{
    /* What is left of a stream's answer is the piece of a line. */
    bool has_body =
        call->answer != NULL && (call->line == NULL || status / 100 != 2);
    curl_off_t retry_after = 0;

    if (status != 0) {
        curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &retry_after);
    }
    call->done(call->arg,
               &(struct gt_client_reply){
                   .status = (unsigned)status,
                   .error = error,
                   .body = status != 0 && has_body ? call->answer : "",
                   .len = status != 0 && has_body ? call->answer_len : 0,
                   .retry_after_s = retry_after > 0 && retry_after < INT32_MAX
                                        ? (int)retry_after
                                        : -1,
               });
}

static void
finish(struct gt_client_call *call, long status, const char *error)
{
    TAILQ_REMOVE(&call->client->calls, call, link);
    if (!call->cancelled) {
        reply_with(call, status, error);
    }
    gt_client_call_free(call);
}

/* Milliseconds to wait before a second try; -1 for none. */
static int64_t
pause_before_retry(struct gt_client_call *call, long status)
{
    curl_off_t retry_after = 0;

    if (!call->idempotent || call->retried || call->line != NULL ||
        (status != 0 && status != 401 && status != 429 && status < 500)) {
        return -1;
    }
    if (status != 0) {
        curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &retry_after);
    }
    if (retry_after > GT_CLIENT_RETRY_AFTER_MAX_S) {
        return -1;
    }
    return (int64_t)retry_after * 1000 + PAUSE_MIN_MS +
           (int64_t)gt_rng_below(&call->client->rng,
                                 PAUSE_MAX_MS - PAUSE_MIN_MS);
}

static void
wait_again(void *arg)
{
    struct gt_client_call *call = arg;

    call->state = CALL_WAITING;
    gt_loop_work_start(&call->client->start);
}

static void
end_attempt(struct gt_client_call *call, CURLcode result)
{
    char error[CURL_ERROR_SIZE + 32];
    long status = 0;
    int64_t pause_ms;

    curl_multi_remove_handle(call->client->multi, call->easy);
    if (result == CURLE_OK) {
        curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    }
    pause_ms = call->cancelled || call->too_long
                   ? -1
                   : pause_before_retry(call, status);
    if (pause_ms >= 0) {
        call->retried = true;
        call->state = CALL_PAUSING;
        gt_loop_timer_in(&call->pause, (uint64_t)pause_ms);
        return;
    }
    snprintf(error, sizeof(error), "%s",
             call->too_long           ? "the answer is too long"
             : call->error[0] != '\0' ? call->error
                                      : curl_easy_strerror(result));
    finish(call, status, result == CURLE_OK ? "" : error);
}

static void
reap(struct gt_client *client)
{
    struct gt_client_call *call;
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE) {
            CURLcode result = message->data.result;

            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
            end_attempt(call, result);
        }
    }
}

static void
act(struct gt_client *client, curl_socket_t fd, int what)
{
    int running;

    client->inside = true;
    curl_multi_socket_action(client->multi, fd, what, &running);
    client->inside = false;
    reap(client);
}

/* A socket that curl wants watched. */
struct plug {
    struct gt_client *client;
    curl_socket_t fd;
    struct gt_loop_source *source;
};

static void
plug_ready(void *arg, uint32_t events)
{
    struct plug *plug = arg;
    int what = (events & EPOLLIN ? CURL_CSELECT_IN : 0) |
               (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
               (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);

    act(plug->client, plug->fd, what);
}

static uint32_t
events_of(int what)
{
    return (what != CURL_POLL_OUT ? EPOLLIN : 0U) |
           (what != CURL_POLL_IN ? EPOLLOUT : 0U);
}

static int
plug_in(struct gt_client *client, curl_socket_t fd, int what)
{
    struct plug *plug = calloc(1, sizeof(*plug));

    if (plug == NULL) {
        return -1;
    }
    plug->client = client;
    plug->fd = fd;
    plug->source =
        gt_loop_watch(client->loop, fd, events_of(what), plug_ready, plug);
    if (plug->source == NULL) {
        free(plug);
        return -1;
    }
    curl_multi_assign(client->multi, fd, plug);
    return 0;
}

static int
socket_changed(CURL *easy, curl_socket_t fd, int what, void *arg,
               void *socket_arg)
{
    struct plug *plug = socket_arg;

    (void)easy; /* the socket alone counts */
    if (what == CURL_POLL_REMOVE) {
        if (plug != NULL) {
            gt_loop_unwatch(plug->source);
            free(plug);
        }
        return 0;
    }
    if (plug == NULL) {
        return plug_in(arg, fd, what);
    }
    return gt_loop_rewatch(plug->source, events_of(what)) == 0 ? 0 : -1;
}

static int
timer_changed(CURLM *multi, long timeout_ms, void *arg)
{
    struct gt_client *client = arg;

    (void)multi; /* the client's own */
    if (timeout_ms < 0) {
        gt_loop_timer_stop(&client->timer);
    } else {
        gt_loop_timer_in(&client->timer, (uint64_t)timeout_ms);
    }
    return 0;
}

static void
timer_fired(void *arg)
{
    act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static void
start_call(struct gt_client *client, struct gt_client_call *call)
{
    int error = gt_client_call_prepare(call, client->ca_file,
                                       client->token_file, client->unix_socket);

    if (error == 0 &&
        curl_multi_add_handle(client->multi, call->easy) == CURLM_OK) {
        call->state = CALL_ASKING;
    } else {
        finish(call, 0, call->error);
    }
}

/* Starts one call a turn: its done may change the list. */
static bool
start_next(void *arg)
{
    struct gt_client *client = arg;
    struct gt_client_call *call;

    TAILQ_FOREACH(call, &client->calls, link)
    {
        if (call->state == CALL_WAITING) {
            start_call(client, call);
            return true;
        }
    }
    return false;
}

struct gt_client_call *
gt_client_ask(struct gt_client *client, const struct gt_client_request *request)
{
    struct gt_client_call *call = gt_client_call_new(client->base_url, request);

    if (call != NULL) {
        call->client = client;
        gt_loop_timer_init(&call->pause, client->loop, wait_again, call);
        TAILQ_INSERT_TAIL(&client->calls, call, link);
        gt_loop_work_start(&client->start);
    }
    return call;
}

static void
drop(struct gt_client_call *call)
{
    struct gt_client *client = call->client;

    gt_loop_timer_stop(&call->pause);
    if (call->state == CALL_ASKING) {
        curl_multi_remove_handle(client->multi, call->easy);
    }
    TAILQ_REMOVE(&client->calls, call, link);
    gt_client_call_free(call);
}

void
gt_client_cancel(struct gt_client_call *call)
{
    if (call == NULL) {
        return;
    }
    call->cancelled = true;
    if (call->client->inside && call->state == CALL_ASKING) {
        gt_loop_work_start(&call->client->sweep);
    } else {
        drop(call);
    }
}

static bool
sweep_cancelled(void *arg)
{
    struct gt_client *client = arg;
    struct gt_client_call *call = TAILQ_FIRST(&client->calls);

    while (call != NULL) {
        struct gt_client_call *next = TAILQ_NEXT(call, link);
        if (call->cancelled) {
            drop(call);
        }
        call = next;
    }
    return false;
}

static bool
is_loopback(const char *host)
{
    struct in_addr address;

    return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
           (inet_pton(AF_INET, host, &address) == 1 &&
            ntohl(address.s_addr) >> 24 == IN_LOOPBACKNET);
}

/* May @config's token and words go over this wire? */
static int
check_wire(const struct gt_client_config *config, struct gt_err *err)
{
    CURLU *url = curl_url();
    char *scheme = NULL;
    char *host = NULL;
    int code = 0;

    if (url == NULL || curl_url_set(url, CURLUPART_URL, config->base_url, 0) ||
        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) ||
        curl_url_get(url, CURLUPART_HOST, &host, 0)) {
        code = gt_err_set(err, -EINVAL, "not a URL: %s", config->base_url);
    } else if (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0) {
        code = gt_err_set(err, -EINVAL, "neither http nor https: %s",
                          config->base_url);
    } else if (strcmp(scheme, "http") == 0 && config->unix_socket == NULL &&
               !is_loopback(host) &&
               (!config->plaintext || config->token_file != NULL)) {
        code =
            gt_err_set(err, -EINVAL, "plain http is for loopback, not for %s",
                       config->base_url);
    } else if (strcmp(scheme, "https") == 0 && config->ca_file == NULL) {
        code = gt_err_set(err, -EINVAL, "no CA file for %s", config->base_url);
    }
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(url);
    return code;
}

static char *
copy_of(const char *text)
{
    return text != NULL ? strdup(text) : NULL;
}

struct gt_client *
gt_client_new(struct gt_loop *loop, const struct gt_client_config *config,
              struct gt_err *err)
{
    struct gt_client *client;

    if (check_wire(config, err) != 0) {
        return NULL;
    }
    client = calloc(1, sizeof(*client));
    if (client == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != 0) {
        gt_err_set(err, -ENOMEM, "no memory for HTTP");
        free(client);
        return NULL;
    }
    client->loop = loop;
    client->rng.state = gt_clock_wall_ns();
    client->base_url = copy_of(config->base_url);
    client->ca_file = copy_of(config->ca_file);
    client->token_file = copy_of(config->token_file);
    client->unix_socket = copy_of(config->unix_socket);
    TAILQ_INIT(&client->calls);
    gt_loop_timer_init(&client->timer, loop, timer_fired, client);
    gt_loop_work_init(&client->start, loop, start_next, client);
    gt_loop_work_init(&client->sweep, loop, sweep_cancelled, client);
    client->multi = curl_multi_init();
    if (client->multi == NULL || client->base_url == NULL) {
        gt_err_set(err, -ENOMEM, "no memory for HTTP");
        return gt_client_free(client);
    }
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, socket_changed);
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, timer_changed);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, 4L);
    return client;
}

struct gt_client *
gt_client_free(struct gt_client *client)
{
    if (client == NULL) {
        return NULL;
    }
    while (!TAILQ_EMPTY(&client->calls)) {
        drop(TAILQ_FIRST(&client->calls));
    }
    curl_multi_cleanup(client->multi);
    gt_loop_timer_stop(&client->timer);
    gt_loop_work_stop(&client->start);
    gt_loop_work_stop(&client->sweep);
    free(client->base_url);
    free(client->ca_file);
    free(client->token_file);
    free(client->unix_socket);
    free(client);
    curl_global_cleanup();
    return NULL;
}
