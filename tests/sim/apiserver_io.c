/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/apiserver_io.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define BODY_MAX (4U << 20)

/* One open watch. */
struct stream {
    struct gt_http_request *request;
    struct apiserver_watch watch;
    struct apiserver_io *io;
    LIST_ENTRY(stream) link;
};

struct apiserver_io {
    struct apiserver *api;
    LIST_HEAD(, stream) streams;
    char body[BODY_MAX];
};

struct apiserver_io *
apiserver_io_new(struct node_sim *sim, uint64_t history)
{
    const struct apiserver_config config = {.sim = sim, .history = history};
    struct apiserver_io *io = calloc(1, sizeof(*io));
    void *memory = calloc(1, apiserver_size(&config));

    if (io == NULL || memory == NULL) {
        free(io);
        free(memory);
        return NULL;
    }
    io->api = apiserver_init(memory, &config);
    LIST_INIT(&io->streams);
    return io;
}

static void
drop(struct stream *stream)
{
    LIST_REMOVE(stream, link);
    free(stream);
}

static void
gone(void *arg)
{
    drop(arg);
}

static void
end(struct stream *stream)
{
    gt_http_stream_end(stream->request);
    drop(stream);
}

void
apiserver_io_cut(struct apiserver_io *io)
{
    struct stream *next;

    for (struct stream *s = LIST_FIRST(&io->streams); s != NULL; s = next) {
        next = LIST_NEXT(s, link);
        end(s);
    }
}

struct apiserver_io *
apiserver_io_free(struct apiserver_io *io)
{
    if (io != NULL) {
        apiserver_io_cut(io);
        free(io->api);
        free(io);
    }
    return NULL;
}

static void
pump(struct stream *stream, uint64_t now_ms)
{
    struct apiserver_io *io = stream->io;
    struct gt_buf out;

    gt_buf_init(&out, io->body, sizeof(io->body));
    enum apiserver_stream state =
        apiserver_stream(io->api, &stream->watch, now_ms, &out);
    if ((out.len > 0 && gt_http_stream_write(stream->request, out.data,
                                             out.len) != GT_HTTP_OK) ||
        state == APISERVER_STREAM_END) {
        end(stream);
    }
}

void
apiserver_io_pump(struct apiserver_io *io, uint64_t now_ms)
{
    struct stream *next;

    for (struct stream *s = LIST_FIRST(&io->streams); s != NULL; s = next) {
        next = LIST_NEXT(s, link);
        pump(s, now_ms);
    }
}

static void
open_stream(struct apiserver_io *io, struct gt_http_request *request,
            const struct apiserver_answer *answer, uint64_t now_ms)
{
    const struct gt_http_reply reply = {.status = 200,
                                        .content_type = answer->content_type};
    struct stream *stream = calloc(1, sizeof(*stream));

    if (stream == NULL) {
        gt_http_answer(request, &(struct gt_http_reply){.status = 503});
        return;
    }
    stream->request = request;
    stream->watch = answer->watch;
    stream->io = io;
    LIST_INSERT_HEAD(&io->streams, stream, link);
    gt_http_on_gone(request, gone, stream);
    gt_http_stream_begin(request, &reply);
    pump(stream, now_ms);
}

void
apiserver_io_answer(struct apiserver_io *io, struct gt_http_request *request,
                    uint64_t now_ms)
{
    struct apiserver_request ask = {
        .method = gt_http_method(request),
        .path = gt_http_path(request),
        .content_type = gt_http_header(request, "Content-Type"),
    };
    struct apiserver_answer answer;
    char retry_after[16];
    struct gt_buf body;

    ask.body = gt_http_body(request, &ask.len);
    for (int i = 0; i < APISERVER_PARAMETERS; i++) {
        const char *name =
            apiserver_parameter_name((enum apiserver_parameter)i);
        if (gt_http_query(request, name, &ask.parameters[i]) != GT_HTTP_OK) {
            ask.parameters[i] = NULL;
        }
    }
    gt_buf_init(&body, io->body, sizeof(io->body));
    apiserver_answer(io->api, &ask, now_ms, &body, &answer);
    if (answer.is_watch) {
        open_stream(io, request, &answer, now_ms);
        return;
    }
    struct gt_http_reply reply = {
        .status = (unsigned)answer.status,
        .content_type = answer.content_type,
        .body = body.data,
        .len = body.len,
    };
    if (answer.retry_after_s > 0) {
        (void)snprintf(retry_after, sizeof(retry_after), "%d",
                       answer.retry_after_s);
        reply.headers[0].name = "Retry-After";
        reply.headers[0].value = retry_after;
    }
    gt_http_answer(request, &reply);
}
