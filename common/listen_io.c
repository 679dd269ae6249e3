/* SPDX-License-Identifier: Apache-2.0 */
#include "common/listen_io.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/buf.h"

#define BACKLOG 128

/* Both as getaddrinfo() wants them. */
struct place {
    char host[256];
    const char *port;
};

static bool
is_port(const char *text)
{
    size_t len = strspn(text, "0123456789");

    return len > 0 && len <= 5 && text[len] == '\0' &&
           strtol(text, NULL, 10) <= UINT16_MAX;
}

static bool
split(const char *where, struct place *place)
{
    const char *colon = strrchr(where, ':');
    struct gt_buf host;

    if (colon == NULL || !is_port(colon + 1)) {
        return false;
    }
    size_t len = (size_t)(colon - where);
    bool bracketed = len >= 2 && where[0] == '[' && where[len - 1] == ']';
    gt_buf_init(&host, place->host, sizeof(place->host));
    if (bracketed) {
        gt_buf_add(&host, where + 1, len - 2);
    } else {
        gt_buf_add(&host, where, len);
    }
    place->port = colon + 1;
    /* "::1:80" could be read in two ways. */
    return !host.overflow && (bracketed || !strchr(place->host, ':'));
}

/* Returns an fd or -errno. */
static int
listen_at(const struct addrinfo *at)
{
    const int yes = 1;
    const int no = 0;
    int fd =
        socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -errno;
    }
    /* Neither is vital: the bind says what matters. */
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (at->ai_family == AF_INET6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
    }
    if (bind(fd, at->ai_addr, at->ai_addrlen) != 0 ||
        listen(fd, BACKLOG) != 0) {
        int code = -errno;
        (void)close(fd); /* nothing was written */
        return code;
    }
    return fd;
}

/* Returns an fd, -errno, or -EINVAL for a host that does not resolve. */
static int
listen_on(const char *host, const char *port)
{
    const struct addrinfo hints = {
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
    };
    struct addrinfo *found;

    if (getaddrinfo(host, port, &hints, &found) != 0) {
        return -EINVAL;
    }
    int fd = listen_at(found);
    freeaddrinfo(found);
    return fd;
}

int
gt_listen(const char *where, struct gt_err *err)
{
    struct place place;
    int fd;

    if (!split(where, &place)) {
        return gt_err_set(err, -EINVAL, "\"%s\" is not HOST:PORT", where);
    }
    if (place.host[0] != '\0') {
        fd = listen_on(place.host, place.port);
    } else {
        fd = listen_on("::", place.port);
        if (fd < 0 && fd != -EADDRINUSE) {
            fd = listen_on("0.0.0.0", place.port);
        }
    }
    if (fd < 0) {
        return gt_err_set(err, fd, "cannot listen on %s: %s", where,
                          fd == -EINVAL ? "no such host" : strerror(-fd));
    }
    return fd;
}

uint16_t
gt_listen_port(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } at = {0};
    socklen_t len = sizeof(at);

    (void)getsockname(fd, &at.any, &len); /* port 0 where @fd is no socket */
    return ntohs(at.any.sa_family == AF_INET6 ? at.v6.sin6_port
                                              : at.v4.sin_port);
}
