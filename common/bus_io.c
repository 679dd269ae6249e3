/* SPDX-License-Identifier: Apache-2.0 */
#include "common/bus_io.h"

#include <errno.h>
#include <nng/nng.h>
#include <nng/protocol/pubsub0/sub.h>
#include <string.h>
#include <unistd.h>

#include "common/bus_ear_io.h"

/* What a wake takes at most, so that one loud peer starves nobody. */
#define RECEIVE_SLICE 64
/* nng starts threads by the number of CPUs, 88 on a node with 64; we need no
 * more than two CPUs' worth. */
#define CPUS_MAX 2

/* libc's own, under its other public name. */
extern long libc_sysconf(int name) __asm__("__sysconf");

/* Stands in front of libc's in the whole program, its libraries included, and
 * ThreadSanitizer asks before it is ready itself. */
__attribute__((no_sanitize("thread"))) long
sysconf(int name)
{
    long value = libc_sysconf(name);

    return name == _SC_NPROCESSORS_ONLN && value > CPUS_MAX ? CPUS_MAX : value;
}

static int
errno_of(int nng_error)
{
    switch (nng_error) {
    case NNG_EADDRINUSE:
        return -EADDRINUSE;
    case NNG_ENOMEM:
        return -ENOMEM;
    case NNG_EMSGSIZE:
        return -EMSGSIZE;
    case NNG_EADDRINVAL:
    case NNG_EINVAL:
        return -EINVAL;
    default:
        return -EIO;
    }
}

int
gt_bus_fail(struct gt_err *err, int nng_error, const char *what,
            const char *url)
{
    return gt_err_set(err, errno_of(nng_error), "cannot %s %s: %s", what, url,
                      nng_strerror(nng_error));
}

static void
hear(void *arg, uint32_t events)
{
    struct gt_bus_ear *ear = arg;
    nng_msg *message;

    (void)events; /* only EPOLLIN is watched */
    for (int i = 0; i < RECEIVE_SLICE; i++) {
        if (nng_recvmsg(ear->socket, &message, NNG_FLAG_NONBLOCK) != 0) {
            return;
        }
        if (nng_msg_len(message) >= ear->topic_len) {
            ear->heard(ear->arg,
                       (const char *)nng_msg_body(message) + ear->topic_len,
                       nng_msg_len(message) - ear->topic_len);
        }
        nng_msg_free(message);
    }
}

/* Opens the socket; it hears nothing before listen or dial. */
int
gt_bus_ear_open(struct gt_bus_ear *ear, const char *topic)
{
    int error = nng_sub0_open(&ear->socket);

    if (error == 0) {
        error = nng_socket_set_size(ear->socket, NNG_OPT_RECVMAXSZ,
                                    GT_BUS_MESSAGE_MAX_BYTES);
    }
    if (error == 0) {
        error = nng_socket_set(ear->socket, NNG_OPT_SUB_SUBSCRIBE, topic,
                               strlen(topic));
    }
    ear->topic_len = strlen(topic);
    return error;
}

int
gt_bus_ear_watch(struct gt_bus_ear *ear, struct gt_loop *loop)
{
    int fd = -1;
    int error = nng_socket_get_int(ear->socket, NNG_OPT_RECVFD, &fd);

    if (error == 0) {
        ear->source = gt_loop_watch(loop, fd, EPOLLIN, hear, ear);
        error = ear->source == NULL ? NNG_ENOMEM : 0;
    }
    return error;
}

void
gt_bus_ear_close(struct gt_bus_ear *ear)
{
    ear->source = gt_loop_unwatch(ear->source);
    nng_close(ear->socket);
}

int
gt_bus_send(nng_socket socket, const char *topic, const char *bytes, size_t len)
{
    size_t topic_len = topic != NULL ? strlen(topic) : 0;
    nng_msg *message;
    int error;

    if (topic_len + 1 + len > GT_BUS_MESSAGE_MAX_BYTES) {
        return -EMSGSIZE;
    }
    error = nng_msg_alloc(&message, 0);
    if (error != 0) {
        return errno_of(error);
    }
    if (topic != NULL) {
        error = nng_msg_append(message, topic, topic_len);
        error = error != 0 ? error : nng_msg_append(message, "\n", 1);
    }
    error = error != 0 ? error : nng_msg_append(message, bytes, len);
    error =
        error != 0 ? error : nng_sendmsg(socket, message, NNG_FLAG_NONBLOCK);
    if (error != 0) {
        nng_msg_free(message);
        return errno_of(error);
    }
    return 0;
}

void
gt_bus_fini(void)
{
    nng_fini();
}
