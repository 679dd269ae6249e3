/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to http_*_io.c: what a request is.
 */
#ifndef COMMON_HTTP_REQUEST_IO_H
#define COMMON_HTTP_REQUEST_IO_H

#include <microhttpd.h>

#include "common/http_io.h"

/* A client's connection; outlives its requests. */
struct http_connection {
    struct gt_http *http;
    const struct gt_http_config *config;
    int fd;
    struct gt_loop_timer deadline;
};

/* Bytes that arrive at the end and leave at the start. */
struct http_bytes {
    char *data;
    size_t start, len, size;
};

/* Appends; false without memory or above @max bytes held, then nothing. */
bool http_bytes_add(struct http_bytes *bytes, const char *data, size_t len,
                    size_t max);

struct gt_http_request {
    struct http_connection *connection;
    struct MHD_Connection *mhd;
    const struct gt_http_route *route; /* NULL: not looked up yet */
    const char *method, *path;
    bool begun;       /* its headers were looked at */
    bool malformed;   /* its line was not clean */
    bool too_large;   /* its body is above the route's limit */
    bool handed;      /* its handler was called */
    bool held;        /* it is the program's; nobody has answered it yet */
    bool suspended;   /* microhttpd waits for http_request_resume() */
    bool cut;         /* nothing more can be said to its client */
    bool stream, end; /* the answer is a stream; it was ended */
    struct http_bytes body;
    size_t spare_bytes;      /* of a body too large, thrown away */
    struct http_bytes queue; /* of the stream */
    unsigned status;
    struct MHD_Response *response; /* until it is queued */
    struct gt_loop_source *watch;  /* of the client's going away */
    void (*gone)(void *arg);
    void *gone_arg;
    LIST_ENTRY(gt_http_request) link;
};

/*
 * Finds the route once the headers are here and the body is not yet; or
 * answers, which ends the request.
 */
void http_request_judge(struct gt_http_request *request);

/* Answers with a line of text, and Allow where that is not NULL. */
void http_request_refuse(struct gt_http_request *request, unsigned status,
                         const char *text, const char *allow);

/* Lets microhttpd ask again, in the next turn. */
void http_request_resume(struct gt_http_request *request);

/* Notices from now on that the client goes away. */
void http_request_watch(struct gt_http_request *request);

/* Gives the connection the time of the configuration, from now. */
void http_connection_arm(struct http_connection *connection);

#endif
