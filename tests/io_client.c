/* SPDX-License-Identifier: Apache-2.0 */
#include "common/client_io.h"

#include <errno.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/listen_io.h"
#include "tests/asker.h"

static void
an_answer_arrives_whole(void **state)
{
    struct asker *a = *state;
    struct gt_client_request request = asker_request(a, "GET", "/answer?x=1");

    asker_exchange(a, &request);

    assert_int_equal(a->status, 200);
    assert_string_equal(a->body, "the answer");
    assert_string_equal(a->error, "");
    assert_int_equal(a->retry_after_s, -1);
}

static void
a_request_is_sent_as_given(void **state)
{
    struct asker *a = *state;
    struct gt_client_request request = asker_request(a, "PATCH", "/answer");

    request.content_type = "application/strategic-merge-patch+json";
    request.accept = "application/json";
    request.body = "{\"spec\":1} and what follows";
    request.len = strlen("{\"spec\":1}");
    asker_exchange(a, &request);

    assert_string_equal(a->heard,
                        "PATCH /answer application/strategic-merge-patch+json "
                        "application/json - [{\"spec\":1}]");
}

static void
a_refusal_is_an_answer(void **state)
{
    struct asker *a = *state;
    struct gt_client_request request = asker_request(a, "POST", "/answer");

    a->statuses[0] = 409;
    a->retry_after = "5";
    request.idempotent = true;
    asker_exchange(a, &request);

    assert_int_equal(a->status, 409);
    assert_string_equal(a->body, "the answer");
    assert_int_equal(a->retry_after_s, 5);
    assert_int_equal(a->asked, 1);
}

static void
a_redirect_is_not_followed(void **state)
{
    struct asker *a = *state;
    struct gt_client_request request = asker_request(a, "GET", "/redirect");

    asker_exchange(a, &request);

    assert_int_equal(a->status, 302);
    assert_int_equal(a->asked, 1);
}

static void
an_answer_above_the_cap_is_an_error(void **state)
{
    struct asker *a = *state;
    struct gt_client_request request = asker_request(a, "GET", "/answer");

    request.idempotent = true;
    request.body_max_bytes = strlen("the answer");
    asker_exchange(a, &request);
    assert_int_equal(a->status, 200);

    request.body_max_bytes--;
    asker_exchange(a, &request);
    assert_int_equal(a->status, 0);
    assert_string_equal(a->error, "the answer is too long");
    assert_int_equal(a->asked, 2);
}

static void
a_path_must_begin_with_a_slash(void **state)
{
    struct asker *a = *state;
    struct gt_client_request request = asker_request(a, "GET", "@[::1]/answer");

    asker_exchange(a, &request);

    assert_int_equal(a->status, 0);
    assert_non_null(strstr(a->error, "@[::1]/answer"));
    assert_int_equal(a->asked, 0);
}

/* A port of this machine where nobody listens. */
static uint16_t
free_port(void)
{
    struct gt_err err;
    int fd = gt_listen("127.0.0.1:0", &err);
    uint16_t port = gt_listen_port(fd);

    assert_int_equal(close(fd), 0);
    return port;
}

static void
nobody_listening_is_an_error_after_a_second_try(void **state)
{
    struct asker *a = *state;
    struct gt_client_request request = asker_request(a, "GET", "/answer");
    uint64_t start_us = gt_clock_wall_us();

    (void)gt_client_free(a->client);
    a->client = asker_client(a, free_port(), NULL);
    asker_exchange(a, &request);
    assert_int_equal(a->status, 0);
    assert_non_null(strstr(a->error, "connect"));
    assert_true(gt_clock_wall_us() - start_us < 90000);

    request.idempotent = true;
    start_us = gt_clock_wall_us();
    asker_exchange(a, &request);
    assert_int_equal(a->status, 0);
    assert_true(gt_clock_wall_us() - start_us >= 100000);
}

static void
a_stalled_server_is_given_up_at_the_timeout(void **state)
{
    struct asker *a = *state;
    struct gt_client_request request = asker_request(a, "GET", "/answer");
    struct gt_err err;
    int fd = gt_listen("127.0.0.1:0", &err);
    uint64_t start_us = gt_clock_wall_us();

    (void)gt_client_free(a->client);
    a->client = asker_client(a, gt_listen_port(fd), NULL);
    request.timeout_ms = 50;
    asker_exchange(a, &request);

    assert_int_equal(a->status, 0);
    assert_true(gt_clock_wall_us() - start_us >= 50000);
    assert_non_null(strstr(a->error, "timed out"));
    assert_int_equal(close(fd), 0);
}

/* A server that is none: it says @text to whatever it is asked. */
struct babbler {
    struct gt_loop *loop;
    const char *text;
    int listen_fd, fd;
    struct gt_loop_source *clients, *requests;
};

static void
babble(void *arg, uint32_t events)
{
    struct babbler *babbler = arg;
    char request[4096];
    ssize_t len = (ssize_t)strlen(babbler->text);

    (void)events;
    assert_true(read(babbler->fd, request, sizeof(request)) > 0);
    assert_int_equal(write(babbler->fd, babbler->text, (size_t)len), len);
    babbler->requests = gt_loop_unwatch(babbler->requests);
    assert_int_equal(close(babbler->fd), 0);
}

static void
take_client(void *arg, uint32_t events)
{
    struct babbler *babbler = arg;

    (void)events;
    babbler->fd = accept4(babbler->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    babbler->requests =
        gt_loop_watch(babbler->loop, babbler->fd, EPOLLIN, babble, babbler);
    assert_non_null(babbler->requests);
}

static void
what_is_not_http_or_is_cut_is_an_error(void **state)
{
    static const char *const texts[] = {
        "",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\ncut",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\ncu",
    };
    struct asker *a = *state;
    struct gt_client_request request = asker_request(a, "GET", "/answer");
    struct gt_err err;
    struct babbler babbler = {.loop = a->loop,
                              .listen_fd = gt_listen("127.0.0.1:0", &err)};

    (void)gt_client_free(a->client);
    a->client = asker_client(a, gt_listen_port(babbler.listen_fd), NULL);
    babbler.clients = gt_loop_watch(a->loop, babbler.listen_fd, EPOLLIN,
                                    take_client, &babbler);
    for (size_t i = 0; i < GT_ARRAY_LEN(texts); i++) {
        babbler.text = texts[i];
        asker_exchange(a, &request);
        assert_int_equal(a->status, 0);
        assert_string_not_equal(a->error, "");
    }
    babbler.clients = gt_loop_unwatch(babbler.clients);
    assert_int_equal(close(babbler.listen_fd), 0);
}

static void
some_failures_are_asked_again_once(void **state)
{
    static const unsigned statuses[] = {401, 429, 500, 503};
    struct asker *a = *state;
    struct gt_client_request request = asker_request(a, "GET", "/answer");

    for (size_t i = 0; i < GT_ARRAY_LEN(statuses); i++) {
        a->asked = 0;
        a->statuses[0] = statuses[i];
        request.idempotent = true;
        asker_exchange(a, &request);
        assert_int_equal(a->status, 200);
        assert_int_equal(a->asked, 2);

        a->asked = 0;
        request.idempotent = false;
        asker_exchange(a, &request);
        assert_int_equal(a->status, statuses[i]);
        assert_int_equal(a->asked, 1);
    }
}

static void
a_second_failure_is_the_answer(void **state)
{
    struct asker *a = *state;
    struct gt_client_request request = asker_request(a, "GET", "/answer");

    a->statuses[0] = 429;
    a->statuses[1] = 503;
    request.idempotent = true;
    asker_exchange(a, &request);

    assert_int_equal(a->status, 503);
    assert_string_equal(a->body, "the answer");
    assert_int_equal(a->asked, 2);
}

static void
a_retry_after_is_waited_for(void **state)
{
    struct asker *a = *state;
    struct gt_client_request request = asker_request(a, "GET", "/answer");
    uint64_t start_us = gt_clock_wall_us();

    a->statuses[0] = 429;
    a->retry_after = "1";
    request.idempotent = true;
    asker_exchange(a, &request);

    assert_int_equal(a->status, 200);
    assert_true(gt_clock_wall_us() - start_us >= 1000000);
}

static void
a_long_retry_after_is_left_to_the_caller(void **state)
{
    struct asker *a = *state;
    struct gt_client_request request = asker_request(a, "GET", "/answer");

    a->statuses[0] = 429;
    a->retry_after = "31";
    request.idempotent = true;
    asker_exchange(a, &request);

    assert_int_equal(a->status, 429);
    assert_int_equal(a->retry_after_s, 31);
    assert_int_equal(a->asked, 1);
}

/* A directory with a token file, as the kubelet rotates it. */
struct secret {
    char dir[32], path[64], next[64];
};

static void
put_token(const struct secret *secret, const char *token)
{
    FILE *file = fopen(secret->next, "w");

    assert_non_null(file);
    assert_true(fputs(token, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(secret->next, secret->path), 0);
}

static void
make_secret(struct secret *secret)
{
    (void)snprintf(secret->dir, sizeof(secret->dir), "/tmp/gtcas-XXXXXX");
    assert_non_null(mkdtemp(secret->dir));
    (void)snprintf(secret->path, sizeof(secret->path), "%s/token", secret->dir);
    (void)snprintf(secret->next, sizeof(secret->next), "%s/next", secret->dir);
}

static void
drop_secret(const struct secret *secret)
{
    (void)remove(secret->path); /* a test may have done it */
    assert_int_equal(rmdir(secret->dir), 0);
}

static void
rotate_token(struct asker *a)
{
    put_token(a->test, "second");
}

static void
the_token_is_read_for_every_attempt(void **state)
{
    struct asker *a = *state;
    struct gt_client_request request = asker_request(a, "GET", "/answer");
    struct secret secret;

    make_secret(&secret);
    put_token(&secret, "first\n");
    (void)gt_client_free(a->client);
    a->client = asker_client(a, gt_http_port(a->http), secret.path);
    asker_exchange(a, &request);
    assert_non_null(strstr(a->heard, " Bearer first ["));

    a->test = &secret;
    a->asked = 0;
    a->on_asked = rotate_token;
    a->statuses[0] = 401;
    request.idempotent = true;
    asker_exchange(a, &request);
    assert_int_equal(a->status, 200);
    assert_non_null(strstr(a->heard, " Bearer second ["));
    drop_secret(&secret);
}

static void
without_a_token_nothing_is_asked(void **state)
{
    struct asker *a = *state;
    struct gt_client_request request = asker_request(a, "GET", "/answer");
    struct secret secret;

    make_secret(&secret);
    (void)gt_client_free(a->client);
    a->client = asker_client(a, gt_http_port(a->http), secret.path);
    asker_exchange(a, &request);
    assert_int_equal(a->status, 0);
    assert_non_null(strstr(a->error, secret.path));
    assert_non_null(strstr(a->error, strerror(ENOENT)));

    put_token(&secret, "\n");
    asker_exchange(a, &request);
    assert_non_null(strstr(a->error, secret.path));

    put_token(&secret, "two\nlines");
    asker_exchange(a, &request);
    assert_int_equal(a->status, 0);
    assert_int_equal(a->asked, 0);
    drop_secret(&secret);
}

static void
assert_refused(struct asker *a, const struct gt_client_config *config)
{
    struct gt_err err = {0};

    assert_null(gt_client_new(a->loop, config, &err));
    assert_int_equal(err.code, -EINVAL);
    assert_string_not_equal(err.text, "");
}

static void
assert_accepted(struct asker *a, const struct gt_client_config *config)
{
    struct gt_err err = {0};
    struct gt_client *client = gt_client_new(a->loop, config, &err);

    assert_non_null(client);
    (void)gt_client_free(client);
}

static void
plain_http_goes_to_loopback_alone(void **state)
{
    static const char *const near[] = {"http://127.0.0.1:80",
                                       "http://127.8.9.10", "http://[::1]:80",
                                       "http://localhost:80"};
    static const char *const far[] = {
        "http://10.0.0.1:80",       "http://127.0.0.1.example.org",
        "http://127.example.org",   "http://localhost.example.org",
        "http://127.0.0.1@b.org:1", "http://[::2]",
    };
    struct asker *a = *state;
    struct gt_client_config config = {.token_file = "/token"};

    for (size_t i = 0; i < GT_ARRAY_LEN(near); i++) {
        config.base_url = near[i];
        assert_accepted(a, &config);
    }
    for (size_t i = 0; i < GT_ARRAY_LEN(far); i++) {
        config.base_url = far[i];
        config.plaintext = false;
        assert_refused(a, &config);
        config.plaintext = true;
        assert_refused(a, &config);
    }
    config.token_file = NULL;
    assert_accepted(a, &config);
    config.token_file = "/token";
    config.unix_socket = "/socket";
    assert_accepted(a, &config);
}

static void
https_needs_a_ca_file(void **state)
{
    struct asker *a = *state;
    struct gt_client_config config = {.base_url = "https://10.0.0.1:443"};

    assert_refused(a, &config);
    config.ca_file = "/ca";
    config.token_file = "/token";
    assert_accepted(a, &config);
}

static void
what_is_no_url_is_refused(void **state)
{
    static const char *const texts[] = {"", "ftp://127.0.0.1", "http://a:b:c",
                                        "file:///etc/passwd"};
    struct asker *a = *state;

    for (size_t i = 0; i < GT_ARRAY_LEN(texts); i++) {
        assert_refused(a, &(struct gt_client_config){.base_url = texts[i],
                                                     .plaintext = true});
    }
}

#define CLIENT_TEST(name)                                                      \
    cmocka_unit_test_setup_teardown(name, asker_setup, asker_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CLIENT_TEST(an_answer_arrives_whole),
        CLIENT_TEST(a_request_is_sent_as_given),
        CLIENT_TEST(a_refusal_is_an_answer),
        CLIENT_TEST(a_redirect_is_not_followed),
        CLIENT_TEST(an_answer_above_the_cap_is_an_error),
        CLIENT_TEST(a_path_must_begin_with_a_slash),
        CLIENT_TEST(nobody_listening_is_an_error_after_a_second_try),
        CLIENT_TEST(a_stalled_server_is_given_up_at_the_timeout),
        CLIENT_TEST(what_is_not_http_or_is_cut_is_an_error),
        CLIENT_TEST(some_failures_are_asked_again_once),
        CLIENT_TEST(a_second_failure_is_the_answer),
        CLIENT_TEST(a_retry_after_is_waited_for),
        CLIENT_TEST(a_long_retry_after_is_left_to_the_caller),
        CLIENT_TEST(the_token_is_read_for_every_attempt),
        CLIENT_TEST(without_a_token_nothing_is_asked),
        CLIENT_TEST(plain_http_goes_to_loopback_alone),
        CLIENT_TEST(https_needs_a_ca_file),
        CLIENT_TEST(what_is_no_url_is_refused),
    };

    return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}
