/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP asked: requests to one server, driven by the loop.
 *
 * The token file is read again for every attempt.  Plain http goes to loopback
 * or to a unix socket; elsewhere only where the configuration says so, and
 * never with a token.  Redirects are not followed.  Timeouts and delays are
 * the machine's own time.
 *
 * Every request ends in exactly one call of @done, from the loop and never
 * from within gt_client_ask(), unless it is cancelled.
 */
#ifndef COMMON_CLIENT_IO_H
#define COMMON_CLIENT_IO_H

#include "common/loop_io.h"

struct gt_client;
struct gt_client_call;

struct gt_client_config {
    const char *base_url;    /* "https://10.96.0.1:443"; no path */
    const char *ca_file;     /* https is trusted by it alone; else NULL */
    const char *token_file;  /* bearer token; NULL: none */
    const char *unix_socket; /* NULL: none */
    bool plaintext;          /* plain http beyond loopback, without token */
};

struct gt_client_reply {
    unsigned status;   /* 0: no answer, see @error */
    const char *error; /* a sentence; "" with a status */
    const char *body;  /* NUL-terminated; "" after a stream's lines */
    size_t len;        /* bytes without the NUL */
    int retry_after_s; /* -1: not said */
};

struct gt_client_request {
    const char *method;
    const char *path;         /* from the first slash, query included */
    const char *content_type; /* NULL without a body */
    const char *accept;       /* NULL: anything */
    const char *body;         /* copied */
    size_t len;
    unsigned timeout_ms;   /* of an attempt; 0: 10 s.  For a stream: the
                              longest silence; 0: forever */
    size_t body_max_bytes; /* of the answer, or of one line; 0: 1 MiB */
    bool idempotent;       /* once more after 401, 429, 5xx or no answer;
                              never for a stream */

    void (*done)(void *arg, const struct gt_client_reply *reply);
    /*
     * Makes it a stream: called for each line of a 2xx answer, without its
     * newline, NUL-terminated.  An unfinished last line is dropped.
     */
    void (*line)(void *arg, const char *line, size_t len);
    void *arg;
};

/* A Retry-After of more than this is left to the caller. */
#define GT_CLIENT_RETRY_AFTER_MAX_S 30

/* Texts of @config are copied.  NULL sets @err. */
struct gt_client *gt_client_new(struct gt_loop *loop,
                                const struct gt_client_config *config,
                                struct gt_err *err);

/*
 * Drops all requests without a call of theirs; not from their callbacks.
 * Returns NULL.
 */
struct gt_client *gt_client_free(struct gt_client *client);

/*
 * Asks.  The handle is for gt_client_cancel() and dies with the call of @done.
 * NULL: no memory.
 */
struct gt_client_call *gt_client_ask(struct gt_client *client,
                                     const struct gt_client_request *request);

/* No callback of @call comes any more; allowed in its own @line.  NULL ok. */
void gt_client_cancel(struct gt_client_call *call);

#endif
