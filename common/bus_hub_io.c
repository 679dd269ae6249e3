/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <netinet/in.h>
#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/bus_ear_io.h"

/* Queues, in messages; nng drops the oldest without a word. */
#define RECEIVE_QUEUE 8192
#define SEND_QUEUE    128
#define PORT_TRIES    8

struct gt_bus_hub {
    struct gt_bus_ear strategies;
    uint16_t port;
    unsigned slots;
    unsigned open; /* of @signals */
    nng_socket signals[];
};

/* nng cannot be asked which port it took for a WebSocket. */
static uint16_t
free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        address.sin_port = 0;
    }
    close(fd);
    return ntohs(address.sin_port);
}

static int
hub_listen_signals(struct gt_bus_hub *hub, const char *host, unsigned slot)
{
    char url[GT_BUS_URL_MAX];
    int error = nng_pub0_open(&hub->signals[slot]);

    if (error != 0) {
        return error;
    }
    hub->open++;
    snprintf(url, sizeof(url), "ws://%s:%u/signals/%u", host, hub->port, slot);
    error = nng_socket_set_size(hub->signals[slot], NNG_OPT_RECVMAXSZ,
                                GT_BUS_MESSAGE_MAX_BYTES);
    if (error == 0) {
        error =
            nng_socket_set_int(hub->signals[slot], NNG_OPT_SENDBUF, SEND_QUEUE);
    }
    return error != 0 ? error : nng_listen(hub->signals[slot], url, NULL, 0);
}

/* The first listener takes the port; the others join it by their paths. */
static int
hub_take_port(struct gt_bus_hub *hub, const struct gt_bus_hub_config *config,
              struct gt_err *err)
{
    char url[GT_BUS_URL_MAX];
    int error = NNG_EADDRINUSE;

    for (int i = 0; i < PORT_TRIES && error == NNG_EADDRINUSE; i++) {
        hub->port = config->port != 0 ? config->port : free_port();
        snprintf(url, sizeof(url), "ws://%s:%u/strategies", config->host,
                 hub->port);
        error = nng_listen(hub->strategies.socket, url, NULL, 0);
        if (config->port != 0) {
            break;
        }
    }
    return error != 0 ? gt_bus_fail(err, error, "listen on", url) : 0;
}

static int
hub_open(struct gt_bus_hub *hub, struct gt_loop *loop,
         const struct gt_bus_hub_config *config, struct gt_err *err)
{
    int error = nng_socket_set_int(hub->strategies.socket, NNG_OPT_RECVBUF,
                                   RECEIVE_QUEUE);

    if (error != 0) {
        return gt_bus_fail(err, error, "set up", "the bus");
    }
    if (hub_take_port(hub, config, err) != 0) {
        return err->code;
    }
    for (unsigned i = 0; i < hub->slots && error == 0; i++) {
        error = hub_listen_signals(hub, config->host, i);
    }
    if (error == 0) {
        error = gt_bus_ear_watch(&hub->strategies, loop);
    }
    return error != 0 ? gt_bus_fail(err, error, "open the slots of", "the bus")
                      : 0;
}

/* An address makes nng compare every request with every path by resolving. */
static bool
is_address(const char *host)
{
    return host[strspn(host, "0123456789.")] == '\0' ||
           strchr(host, ':') != NULL;
}

struct gt_bus_hub *
gt_bus_hub_new(struct gt_loop *loop, const struct gt_bus_hub_config *config,
               struct gt_err *err)
{
    struct gt_bus_hub *hub;
    int error;

    if (is_address(config->host)) {
        gt_err_set(err, -EINVAL,
                   "the bus listens on * or a host name, not on \"%s\"",
                   config->host);
        return NULL;
    }
    hub = calloc(1, sizeof(*hub) + config->slots * sizeof(hub->signals[0]));
    if (hub == NULL) {
        gt_err_set(err, -ENOMEM, "no memory for the bus");
        return NULL;
    }
    hub->slots = config->slots;
    hub->strategies.heard = config->heard;
    hub->strategies.arg = config->arg;
    error = gt_bus_ear_open(&hub->strategies, "");
    if (error != 0) {
        gt_bus_fail(err, error, "open", "the bus");
        free(hub);
        return NULL;
    }
    return hub_open(hub, loop, config, err) == 0 ? hub : gt_bus_hub_free(hub);
}

struct gt_bus_hub *
gt_bus_hub_free(struct gt_bus_hub *hub)
{
    if (hub != NULL) {
        gt_bus_ear_close(&hub->strategies);
        for (unsigned i = 0; i < hub->open; i++) {
            nng_close(hub->signals[i]);
        }
        free(hub);
    }
    return NULL;
}

uint16_t
gt_bus_hub_port(const struct gt_bus_hub *hub)
{
    return hub->port;
}

int
gt_bus_hub_send(struct gt_bus_hub *hub, unsigned slot, const char *topic,
                const char *bytes, size_t len)
{
    return slot < hub->slots
               ? gt_bus_send(hub->signals[slot], topic, bytes, len)
               : -EINVAL;
}
