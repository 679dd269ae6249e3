/* SPDX-License-Identifier: Apache-2.0 */
#include "common/client_io.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <microhttpd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/*
 * tests/data/tls: server.pem is ca.pem's for the address 127.0.0.1 alone, and
 * other-ca.pem knows nobody.
 */
#define DATA "tests/data/tls/"

struct fixture {
    char key[1024], certificate[2048];
    struct MHD_Daemon *server; /* in a thread of its own */
    struct gt_clock clock;
    struct gt_loop *loop;
    unsigned status;
    char error[512];
};

static enum MHD_Result
/* NOLINTNEXTLINE(readability-function-size): microhttpd's signature */
answer(void *arg, struct MHD_Connection *mhd, const char *url,
       const char *method, const char *version, const char *data, size_t *len,
       void **context)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    enum MHD_Result result = MHD_queue_response(mhd, 200, response);

    (void)arg;
    (void)url;
    (void)method;
    (void)version;
    (void)data;
    (void)len;
    (void)context;
    MHD_destroy_response(response);
    return result;
}

static void
read_file(char *out, size_t size, const char *path)
{
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    out[fread(out, 1, size - 1, file)] = '\0';
    assert_int_equal(fclose(file), 0);
}

static int
setup(void **state)
{
    const struct sockaddr_in at = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    struct fixture *f = calloc(1, sizeof(*f));
    struct gt_err err;

    read_file(f->key, sizeof(f->key), DATA "server.key");
    read_file(f->certificate, sizeof(f->certificate), DATA "server.pem");
    f->clock.speed = 1;
    f->loop = gt_loop_new(&f->clock, &err);
    f->server = MHD_start_daemon(
        MHD_USE_TLS | MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, answer, f,
        MHD_OPTION_HTTPS_MEM_KEY, f->key, MHD_OPTION_HTTPS_MEM_CERT,
        f->certificate, MHD_OPTION_SOCK_ADDR, &at, MHD_OPTION_END);
    assert_non_null(f->server);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    MHD_stop_daemon(f->server);
    f->loop = gt_loop_free(f->loop);
    free(f);
    return 0;
}

static void
note_reply(void *arg, const struct gt_client_reply *reply)
{
    struct fixture *f = arg;

    f->status = reply->status;
    (void)snprintf(f->error, sizeof(f->error), "%s", reply->error);
    gt_loop_stop(f->loop);
}

static void
ask(struct fixture *f, const char *host, const char *ca_file)
{
    struct gt_err err;
    char url[64];

    (void)snprintf(
        url, sizeof(url), "https://%s:%d", host,
        MHD_get_daemon_info(f->server, MHD_DAEMON_INFO_BIND_PORT)->port);
    struct gt_client *client = gt_client_new(
        f->loop,
        &(struct gt_client_config){.base_url = url, .ca_file = ca_file}, &err);
    assert_non_null(client);
    assert_non_null(gt_client_ask(client, &(struct gt_client_request){
                                              .method = "GET",
                                              .path = "/",
                                              .done = note_reply,
                                              .arg = f,
                                          }));
    assert_int_equal(gt_loop_run(f->loop), 0);
    (void)gt_client_free(client);
}

static void
a_server_of_our_ca_is_asked(void **state)
{
    struct fixture *f = *state;

    ask(f, "127.0.0.1", DATA "ca.pem");

    assert_string_equal(f->error, "");
    assert_int_equal(f->status, 200);
}

static void
a_server_of_another_ca_is_not(void **state)
{
    struct fixture *f = *state;

    ask(f, "127.0.0.1", DATA "other-ca.pem");

    assert_int_equal(f->status, 0);
    assert_non_null(strstr(f->error, "certificate"));
}

static void
a_server_of_another_name_is_not(void **state)
{
    struct fixture *f = *state;

    ask(f, "localhost", DATA "ca.pem");

    assert_int_equal(f->status, 0);
    assert_non_null(strstr(f->error, "certificate"));
}

static void
without_the_ca_file_nobody_is_trusted(void **state)
{
    struct fixture *f = *state;

    ask(f, "127.0.0.1", DATA "no-ca.pem");

    assert_int_equal(f->status, 0);
    assert_string_not_equal(f->error, "");
}

#define TLS_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TLS_TEST(a_server_of_our_ca_is_asked),
        TLS_TEST(a_server_of_another_ca_is_not),
        TLS_TEST(a_server_of_another_name_is_not),
        TLS_TEST(without_the_ca_file_nobody_is_trusted),
    };

    return cmocka_run_group_tests_name("client_tls", tests, NULL, NULL);
}
