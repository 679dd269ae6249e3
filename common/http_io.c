/* SPDX-License-Identifier: Apache-2.0 */
#include "common/http_request_io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/listen_io.h"

#define CONNECTIONS_MAX    64
#define DEADLINE_MS        10000
#define HEADERS_MAX_BYTES  16384
#define BODY_SPARE_BYTES   65536 /* of a body too large, before we hang up */
#define CONNECTIONS_BEYOND 16    /* let in by microhttpd, to be turned away */

struct gt_http {
    struct gt_http_config config;
    struct gt_loop *loop;
    struct MHD_Daemon *daemon;
    uint16_t port;
    unsigned connections;
    struct gt_loop_source *source;
    struct gt_loop_work again; /* microhttpd has more to do at once */
    LIST_HEAD(, gt_http_request) requests;
};

static bool
run(void *arg)
{
    struct gt_http *http = arg;
    unsigned long long timeout_ms;

    /* No connection has a timeout of microhttpd's own: any is "now". */
    return MHD_run(http->daemon) == MHD_YES &&
           MHD_get_timeout(http->daemon, &timeout_ms) == MHD_YES;
}

static void
run_ready(void *arg, uint32_t events)
{
    struct gt_http *http = arg;

    (void)events;
    if (run(http)) {
        gt_loop_work_start(&http->again);
    }
}

void
http_connection_arm(struct http_connection *connection)
{
    gt_loop_timer_in(&connection->deadline, connection->config->deadline_ms);
}

static void
cut_connection(void *arg)
{
    struct http_connection *connection = arg;

    (void)shutdown(connection->fd, SHUT_RDWR); /* or it is cut already */
}

void
http_request_resume(struct gt_http_request *request)
{
    if (request->suspended) {
        request->suspended = false;
        MHD_resume_connection(request->mhd);
        gt_loop_work_start(&request->connection->http->again);
    }
}

static void
cut_request(struct gt_http_request *request)
{
    request->cut = true;
    cut_connection(request->connection);
    http_request_resume(request);
}

static void
notice_client_gone(void *arg, uint32_t events)
{
    struct gt_http_request *request = arg;

    (void)events;
    request->watch = gt_loop_unwatch(request->watch);
    cut_request(request);
}

void
http_request_watch(struct gt_http_request *request)
{
    /* microhttpd does not look at a suspended connection. */
    if (request->watch == NULL) {
        request->watch = gt_loop_watch(request->connection->http->loop,
                                       request->connection->fd, EPOLLRDHUP,
                                       notice_client_gone, request);
    }
}

static enum MHD_Result
admit_client(void *arg, const struct sockaddr *address, socklen_t len)
{
    const struct gt_http *http = arg;

    (void)address;
    (void)len;
    return http->connections < http->config.connections_max ? MHD_YES : MHD_NO;
}

static void
notice_connection(void *arg, struct MHD_Connection *mhd, void **context,
                  enum MHD_ConnectionNotificationCode code)
{
    struct gt_http *http = arg;
    struct http_connection *connection = *context;

    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        http->connections--;
        if (connection != NULL) {
            gt_loop_timer_stop(&connection->deadline);
            free(connection);
        }
        return;
    }
    http->connections++;
    connection = calloc(1, sizeof(*connection));
    *context = connection;
    if (connection == NULL) {
        return;
    }
    connection->http = http;
    connection->config = &http->config;
    connection->fd =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)
            ->connect_fd;
    gt_loop_timer_init(&connection->deadline, http->loop, cut_connection,
                       connection);
    http_connection_arm(connection);
}

/* The request's line was read; NULL closes the connection. */
static void *
new_request(void *arg, const char *uri, struct MHD_Connection *mhd)
{
    struct gt_http *http = arg;
    struct http_connection *connection =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
            ->socket_context;
    struct gt_http_request *request = calloc(1, sizeof(*request));

    if (connection == NULL || request == NULL) {
        free(request);
        return NULL;
    }
    request->connection = connection;
    request->mhd = mhd;
    request->malformed = strstr(uri, "%00") != NULL;
    LIST_INSERT_HEAD(&http->requests, request, link);
    return request;
}

static void
end_request(void *arg, struct MHD_Connection *mhd, void **context,
            enum MHD_RequestTerminationCode code)
{
    struct gt_http_request *request = *context;

    (void)arg;
    (void)mhd;
    (void)code;
    *context = NULL;
    if (request == NULL) {
        return;
    }
    request->cut = true;
    if (request->held && request->gone != NULL) {
        request->gone(request->gone_arg);
    }
    request->watch = gt_loop_unwatch(request->watch);
    http_connection_arm(request->connection);
    LIST_REMOVE(request, link);
    if (request->response != NULL) {
        MHD_destroy_response(request->response);
    }
    free(request->body.data);
    free(request->queue.data);
    free(request);
}

/* Takes a piece of the body; false: hang up. */
static bool
take_body(struct gt_http_request *request, const char *data, size_t len)
{
    size_t max = request->route->body_max_bytes;

    if (request->too_large || request->body.len + len > max) {
        /* microhttpd lets us answer only when the body is through. */
        request->too_large = true;
        request->spare_bytes += len;
        return request->spare_bytes <= BODY_SPARE_BYTES;
    }
    return http_bytes_add(&request->body, data, len, max);
}

static void
hand_over(struct gt_http_request *request)
{
    struct gt_http *http = request->connection->http;

    request->handed = true;
    if (request->too_large) {
        http_request_refuse(request, MHD_HTTP_CONTENT_TOO_LARGE,
                            "body too large\n", NULL);
        return;
    }
    gt_loop_timer_stop(&request->connection->deadline);
    request->held = true;
    request->route->handler(request, http->config.arg);
    if (request->held && !request->stream && request->gone == NULL) {
        http_request_refuse(request, MHD_HTTP_INTERNAL_SERVER_ERROR,
                            "nobody answered\n", NULL);
    }
}

/* Gives microhttpd what there is: an answer, or a connection to leave alone. */
static enum MHD_Result
settle(struct gt_http_request *request)
{
    if (request->cut) {
        return MHD_NO;
    }
    if (request->response == NULL) {
        http_request_watch(request);
        MHD_suspend_connection(request->mhd);
        request->suspended = true;
        return MHD_YES;
    }
    if (!request->held) {
        http_connection_arm(request->connection);
    }
    enum MHD_Result result =
        MHD_queue_response(request->mhd, request->status, request->response);
    MHD_destroy_response(request->response);
    request->response = NULL;
    return result;
}

/* The signature is microhttpd's. */
static enum MHD_Result
/* NOLINTNEXTLINE(readability-function-size) */
take_request(void *arg, struct MHD_Connection *mhd, const char *url,
             const char *method, const char *version, const char *data,
             size_t *len, void **context)
{
    struct gt_http_request *request = *context;

    (void)arg;
    (void)mhd;
    (void)version;
    if (request == NULL) {
        return MHD_NO;
    }
    if (!request->begun) {
        request->begun = true;
        request->path = url;
        request->method = method;
        http_connection_arm(request->connection);
        http_request_judge(request);
        return request->response == NULL && !request->cut ? MHD_YES
                                                          : settle(request);
    }
    if (*len > 0) {
        bool go_on = take_body(request, data, *len);
        *len = 0;
        return go_on ? MHD_YES : MHD_NO;
    }
    if (!request->handed) {
        hand_over(request);
    }
    return settle(request);
}

static struct MHD_Daemon *
start(struct gt_http *http, int fd)
{
    const struct gt_http_config *config = &http->config;
    const struct MHD_OptionItem numbers[] = {
        {MHD_OPTION_STRICT_FOR_CLIENT,       1,                  NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, HEADERS_MAX_BYTES,  NULL},
        {MHD_OPTION_CONNECTION_LIMIT,
         config->connections_max + CONNECTIONS_BEYOND,           NULL},
        {MHD_OPTION_PER_IP_CONNECTION_LIMIT, config->per_ip_max, NULL},
        {MHD_OPTION_LISTEN_SOCKET,           fd,                 NULL},
        {MHD_OPTION_END,                     0,                  NULL},
    };

    return MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, admit_client, http,
        take_request, http, MHD_OPTION_ARRAY, numbers,
        MHD_OPTION_NOTIFY_CONNECTION, notice_connection, http,
        MHD_OPTION_URI_LOG_CALLBACK, new_request, http,
        MHD_OPTION_NOTIFY_COMPLETED, end_request, http, MHD_OPTION_END);
}

/* Takes @fd. */
static int
serve(struct gt_http *http, int fd, struct gt_err *err)
{
    http->port = gt_listen_port(fd);
    http->daemon = start(http, fd);
    if (http->daemon == NULL) {
        (void)close(fd); /* nothing was written */
        return gt_err_set(err, -ENOMEM, "cannot start the HTTP server");
    }
    int epoll_fd =
        MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    http->source =
        gt_loop_watch(http->loop, epoll_fd, EPOLLIN, run_ready, http);
    return http->source != NULL
               ? 0
               : gt_err_set(err, -ENOMEM, "cannot watch the HTTP server");
}

struct gt_http *
gt_http_new(struct gt_loop *loop, const struct gt_http_config *config,
            struct gt_err *err)
{
    int fd = gt_listen(config->listen, err);

    if (fd < 0) {
        return NULL;
    }
    struct gt_http *http = calloc(1, sizeof(*http));
    if (http == NULL) {
        (void)close(fd); /* nothing was written */
        (void)gt_err_set(err, -ENOMEM, "no memory for the HTTP server");
        return NULL;
    }
    http->loop = loop;
    http->config = *config;
    if (config->connections_max == 0) {
        http->config.connections_max = CONNECTIONS_MAX;
    }
    if (config->deadline_ms == 0) {
        http->config.deadline_ms = DEADLINE_MS;
    }
    LIST_INIT(&http->requests);
    gt_loop_work_init(&http->again, loop, run, http);
    return serve(http, fd, err) == 0 ? http : gt_http_free(http);
}

struct gt_http *
gt_http_free(struct gt_http *http)
{
    struct gt_http_request *request;

    if (http->daemon != NULL) {
        /* It must not be stopped with connections suspended. */
        LIST_FOREACH(request, &http->requests, link)
        {
            cut_request(request);
        }
        (void)run(http);
        MHD_stop_daemon(http->daemon);
    }
    http->source = gt_loop_unwatch(http->source);
    gt_loop_work_stop(&http->again);
    free(http);
    return NULL;
}

uint16_t
gt_http_port(const struct gt_http *http)
{
    return http->port;
}
