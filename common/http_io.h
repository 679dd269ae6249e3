/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP served: a table of routes, driven by the loop.
 *
 * Answered here, before any handler: an unknown path 404, a known path asked
 * by another method 405 with Allow, a body above the route's limit 413, long
 * headers 431 or 414, and 400 for what smells of smuggling (no Host, repeated
 * Content-Length, Content-Length with Transfer-Encoding, %00).  Whoever is too
 * slow to ask or to take the answer is cut off; connections above the limits
 * are closed at once.
 *
 * A handler answers at once, keeps the request and answers from a later event,
 * or opens a stream.
 */
#ifndef COMMON_HTTP_IO_H
#define COMMON_HTTP_IO_H

#include "common/loop_io.h"

struct gt_http;
struct gt_http_request;

/*
 * Called once the whole body has arrived.  The request lives until it is
 * answered, its stream is ended, or its gone callback was called.
 */
typedef void gt_http_fn(struct gt_http_request *request, void *arg);

/* The first route that fits is taken: exact paths before their prefixes. */
struct gt_http_route {
    const char *method; /* "GET" takes HEAD as well */
    const char *path;   /* exact, or a prefix where it ends in slash-star */
    gt_http_fn *handler;
    size_t body_max_bytes;
};

struct gt_http_config {
    const char *listen;                 /* "HOST:PORT", "[::1]:PORT"; port 0:
                                           any; no host: all addresses */
    const struct gt_http_route *routes; /* borrowed for the server's life */
    size_t routes_len;
    void *arg;                /* handed to each handler */
    unsigned connections_max; /* 0: 64 */
    unsigned per_ip_max;      /* 0: no limit but the one above */
    unsigned deadline_ms;     /* machine's own time to ask, and then to take
                                 the answer; 0: 10 s.  Not for streams */
};

/*
 * NULL sets @err; its code is -EADDRINUSE for a busy port, -EINVAL for a
 * @config.listen that cannot be read.
 */
struct gt_http *gt_http_new(struct gt_loop *loop,
                            const struct gt_http_config *config,
                            struct gt_err *err);

/* Cuts all connections; held requests get their gone call.  Returns NULL. */
struct gt_http *gt_http_free(struct gt_http *http);

/* The port that is bound. */
uint16_t gt_http_port(const struct gt_http *http);

/* What was asked; texts live as long as the request. */
const char *gt_http_method(const struct gt_http_request *request);
const char *gt_http_path(const struct gt_http_request *request); /* decoded */

/* The first header of that name, or NULL. */
const char *gt_http_header(const struct gt_http_request *request,
                           const char *name);

enum gt_http_outcome {
    GT_HTTP_OK,
    GT_HTTP_E_MISSING,  /* no such parameter */
    GT_HTTP_E_REPEATED, /* given more than once */
    GT_HTTP_E_OVERFLOW, /* the stream's reader is too slow */
};

/* A parameter of the query, decoded; "" where it has no value. */
enum gt_http_outcome gt_http_query(const struct gt_http_request *request,
                                   const char *name, const char **value);

/* The body, NUL-terminated; @len bytes without the NUL. */
const char *gt_http_body(const struct gt_http_request *request, size_t *len);

#define GT_HTTP_HEADERS_MAX 4

struct gt_http_reply {
    unsigned status;
    const char *content_type; /* NULL: text/plain */
    const char *body;         /* copied */
    size_t len;
    struct {
        const char *name, *value;
    } headers[GT_HTTP_HEADERS_MAX]; /* up to the first NULL name */
};

/* Answers and gives the request up; from the handler or later. */
void gt_http_answer(struct gt_http_request *request,
                    const struct gt_http_reply *reply);

/*
 * For a request that is kept or streamed: @gone is called once if its client
 * went away or the server stops, never after the answer or the stream's end.
 * Without it such a request may not be kept beyond the handler.
 */
void gt_http_on_gone(struct gt_http_request *request, void (*gone)(void *arg),
                     void *arg);

/* A stream: an answer of unknown length, in chunks. */

#define GT_HTTP_STREAM_MAX_BYTES (4U << 20) /* queued and not yet taken */

/* Sends the headers and the body of @reply, if any, as the start. */
void gt_http_stream_begin(struct gt_http_request *request,
                          const struct gt_http_reply *reply);

/* Queues all of @data, or nothing and GT_HTTP_E_OVERFLOW: then end it. */
enum gt_http_outcome gt_http_stream_write(struct gt_http_request *request,
                                          const char *data, size_t len);

/* What is queued may still be taken, within the deadline. */
void gt_http_stream_end(struct gt_http_request *request);

#endif
