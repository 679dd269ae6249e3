/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cgroup_io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Room for one container's texts; memory.stat of Linux 6.12 takes 1.8 KiB. */
struct room {
    char cpu_stat[2048];
    char cpu_usage[64];
    char cpu_pressure[512];
    char memory_current[64];
    char memory_stat[8192];
    char memory_events[1024];
};

static void
close_fd(const int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
}

/* Reads to the end; the length or -errno. */
static int
read_all(int fd, char *text, size_t size)
{
    size_t len = 0;

    while (len < size) {
        ssize_t n = read(fd, text + len, size - len);

        if (n == 0) {
            text[len] = '\0';
            return (int)len;
        }
        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        len += n > 0 ? (size_t)n : 0;
    }
    return -EFBIG;
}

static int
read_file(int folder, const char *name, char *text, size_t size)
{
    gt_cleanup(close_fd) int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);

    return fd < 0 ? -errno : read_all(fd, text, size);
}

/* A file without which we are blind; NULL and @err where it is. */
static const char *
need(int folder, const char *name, char *text, size_t size, struct gt_err *err)
{
    int rc = read_file(folder, name, text, size);

    if (rc >= 0) {
        return text;
    }
    gt_err_set(err, rc, "%s: %s%s", name, strerror(-rc),
               rc == -EACCES || rc == -EPERM
                   ? " (the agent needs the user and group of the app)"
                   : "");
    return NULL;
}

/* A file that need not be there. */
static const char *
want(int folder, const char *name, char *text, size_t size)
{
    return read_file(folder, name, text, size) >= 0 ? text : NULL;
}

static bool
read_v2(int folder, struct room *room, struct cgroup_texts *out,
        struct gt_err *err)
{
    out->version = CGROUP_V2;
    out->cpu_usage = NULL;
    out->cpu_stat =
        need(folder, "cpu.stat", room->cpu_stat, sizeof(room->cpu_stat), err);
    if (out->cpu_stat == NULL) {
        return false;
    }
    out->memory_stat = need(folder, "memory.stat", room->memory_stat,
                            sizeof(room->memory_stat), err);
    out->cpu_pressure = want(folder, "cpu.pressure", room->cpu_pressure,
                             sizeof(room->cpu_pressure));
    out->memory_events = want(folder, "memory.events", room->memory_events,
                              sizeof(room->memory_events));
    return out->memory_stat != NULL;
}

static bool
read_v1(int folder, struct room *room, struct cgroup_texts *out,
        struct gt_err *err)
{
    out->version = CGROUP_V1;
    out->cpu_pressure = NULL;
    out->cpu_usage = need(folder, "cpuacct/cpuacct.usage", room->cpu_usage,
                          sizeof(room->cpu_usage), err);
    if (out->cpu_usage == NULL) {
        return false;
    }
    out->memory_stat = need(folder, "memory/memory.stat", room->memory_stat,
                            sizeof(room->memory_stat), err);
    out->cpu_stat =
        want(folder, "cpu/cpu.stat", room->cpu_stat, sizeof(room->cpu_stat));
    out->memory_events = want(folder, "memory/memory.oom_control",
                              room->memory_events, sizeof(room->memory_events));
    return out->memory_stat != NULL;
}

/* memory.current tells v2; where neither is, its error is the one told. */
static bool
read_texts(int folder, struct room *room, struct cgroup_texts *out,
           struct gt_err *err)
{
    out->memory_current = need(folder, "memory.current", room->memory_current,
                               sizeof(room->memory_current), err);
    if (out->memory_current != NULL) {
        return read_v2(folder, room, out, err);
    }
    if (err->code != -ENOENT) {
        return false;
    }
    out->memory_current =
        want(folder, "memory/memory.usage_in_bytes", room->memory_current,
             sizeof(room->memory_current));
    return out->memory_current != NULL && read_v1(folder, room, out, err);
}

/* One folder name and nothing else. */
static bool
is_folder_name(const char *name)
{
    return name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL;
}

static enum cgroup_outcome
read_folder(int folder, struct cgroup_sample *out, struct gt_err *err)
{
    struct room room;
    struct cgroup_texts texts;
    enum cgroup_outcome outcome = CGROUP_E_MISSING;

    if (!read_texts(folder, &room, &texts, err)) {
        return CGROUP_E_MISSING;
    }
    outcome = cgroup_parse(out, &texts);
    if (outcome != CGROUP_OK) {
        gt_err_set(err, (int)outcome, "%s",
                   outcome == CGROUP_E_MISSING ? "a figure is missing"
                                               : "a figure is malformed");
    }
    return outcome;
}

enum cgroup_outcome
cgroup_io_read(const char *root, const char *container,
               struct cgroup_sample *out, struct gt_err *err)
{
    gt_cleanup(close_fd) int folder = -1;
    char path[PATH_MAX];
    enum cgroup_outcome outcome = CGROUP_E_MISSING;
    int n = snprintf(path, sizeof(path), "%s/%s", root, container);

    if (n < 0 || (size_t)n >= sizeof(path) || !is_folder_name(container)) {
        gt_err_set(err, -EINVAL, "not a container's name");
        return CGROUP_E_MISSING;
    }
    folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        int rc = -errno;

        gt_err_set(err, rc, "%s", strerror(-rc));
    } else {
        outcome = read_folder(folder, out, err);
    }
    if (outcome != CGROUP_OK) {
        gt_err_wrap(err, "cannot read the cgroup files in %s", path);
    }
    return outcome;
}
