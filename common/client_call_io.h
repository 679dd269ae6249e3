/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request of a client: its curl handle, its answer, its second try.  For
 * common/client*_io.c alone.
 */
#ifndef COMMON_CLIENT_CALL_IO_H
#define COMMON_CLIENT_CALL_IO_H

#include <curl/curl.h>
#include <sys/queue.h>

#include "common/client_io.h"

enum call_state {
    CALL_WAITING, /* to be handed to curl at the end of this turn */
    CALL_ASKING,  /* curl has it */
    CALL_PAUSING, /* before its second try */
};

struct gt_client_call {
    struct gt_client *client;
    CURL *easy;
    struct curl_slist *headers;
    enum call_state state;
    bool cancelled; /* to be freed without a word */
    bool retried;
    struct gt_loop_timer pause;
    char *url, *method, *content_type, *accept, *body;
    const char *path; /* in @url */
    size_t len;
    unsigned timeout_ms;
    size_t body_max_bytes;
    bool idempotent;
    void (*done)(void *arg, const struct gt_client_reply *reply);
    void (*line)(void *arg, const char *line, size_t line_len);
    void *arg;
    char *answer; /* body, or the line so far */
    size_t answer_len, answer_size;
    bool too_long;
    char error[CURL_ERROR_SIZE];
    TAILQ_ENTRY(gt_client_call) link;
};

/* Copies the request; NULL: no memory. */
struct gt_client_call *
gt_client_call_new(const char *base_url,
                   const struct gt_client_request *request);

/* Not while curl has it. */
void gt_client_call_free(struct gt_client_call *call);

/*
 * Makes the curl handle for an attempt.  @token_file is read now.  0, or
 * -errno with a sentence in call->error.
 */
int gt_client_call_prepare(struct gt_client_call *call, const char *ca_file,
                           const char *token_file, const char *unix_socket);

#endif
