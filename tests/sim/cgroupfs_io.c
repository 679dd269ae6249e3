/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/cgroupfs_io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One container's folder, and what its files say. */
struct folder {
    int fd;
    char texts[CGROUPFS_FILES][CGROUPFS_TEXT_MAX];
};

struct cgroupfs {
    const struct node_sim *sim;
    size_t len;
    struct folder folders[]; /* pod by pod, container by container */
};

static size_t
count_containers(const struct node_sim *sim)
{
    size_t len = 0;

    for (size_t p = 0; p < node_pods(sim); p++) {
        len += node_pod_spec(sim, p)->containers_len;
    }
    return len;
}

static int
make_folder(const char *path)
{
    return mkdir(path, 0755) == 0 || errno == EEXIST ? 0 : -errno;
}

/* Makes every folder on the way to @path. */
static int
make_path(char *path)
{
    int error = 0;

    for (char *at = strchr(path + 1, '/'); at != NULL && error == 0;
         at = strchr(at + 1, '/')) {
        *at = '\0';
        error = make_folder(path);
        *at = '/';
    }
    return error == 0 ? make_folder(path) : error;
}

static int
open_folder(struct folder *folder, const char *dir,
            const struct node_pod_spec *pod, size_t container)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/%s/%s", dir, pod->name,
                     pod->containers[container].name);

    if (n < 0 || (size_t)n >= sizeof(path)) {
        return -ENAMETOOLONG;
    }
    int error = make_path(path);
    if (error != 0) {
        return error;
    }
    folder->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return folder->fd < 0 ? -errno : 0;
}

static int
open_pod(struct cgroupfs *fs, const char *dir, size_t pod)
{
    const struct node_pod_spec *spec = node_pod_spec(fs->sim, pod);

    for (size_t i = 0; i < spec->containers_len; i++) {
        int error = open_folder(&fs->folders[fs->len], dir, spec, i);
        if (error != 0) {
            return error;
        }
        fs->len++;
    }
    return 0;
}

struct cgroupfs *
cgroupfs_new(const struct node_sim *sim, const char *dir, struct gt_err *err)
{
    struct cgroupfs *fs =
        calloc(1, sizeof(*fs) + count_containers(sim) * sizeof(struct folder));
    int error = fs == NULL ? -ENOMEM : 0;

    if (fs != NULL) {
        fs->sim = sim;
    }
    for (size_t p = 0; p < node_pods(sim) && error == 0; p++) {
        error = open_pod(fs, dir, p);
    }
    if (error != 0) {
        (void)gt_err_set(err, error, "cannot make folders in %s: %s", dir,
                         strerror(-error));
        return cgroupfs_free(fs);
    }
    return fs;
}

/* The whole text under another name first. */
static int
replace_file(int folder, const char *name, const struct gt_buf *text)
{
    int fd =
        openat(folder, ".next", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    if (fd < 0) {
        return -errno;
    }
    ssize_t n = write(fd, text->data, text->len);
    int error = n < 0 ? errno : 0;
    error = n >= 0 && (size_t)n < text->len ? ENOSPC : error;
    error = close(fd) != 0 && error == 0 ? errno : error;
    if (error == 0 && renameat(folder, ".next", folder, name) != 0) {
        error = errno;
    }
    return -error;
}

static int
write_file(struct folder *folder, enum cgroupfs_file file,
           const struct node_cgroup *cgroup)
{
    char memory[CGROUPFS_TEXT_MAX];
    struct gt_buf text;

    gt_buf_init(&text, memory, sizeof(memory));
    cgroupfs_text(file, cgroup, &text);
    if (strcmp(folder->texts[file], memory) == 0) {
        return 0;
    }
    memcpy(folder->texts[file], memory, text.len + 1);
    return replace_file(folder->fd, cgroupfs_name(file), &text);
}

static int
write_container(struct folder *folder, const struct node_cgroup *cgroup)
{
    for (int file = 0; file < CGROUPFS_FILES; file++) {
        int error = write_file(folder, (enum cgroupfs_file)file, cgroup);
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

int
cgroupfs_write(struct cgroupfs *fs, struct gt_err *err)
{
    struct folder *folder = fs->folders;
    int error = 0;

    for (size_t p = 0; p < node_pods(fs->sim); p++) {
        const struct node_pod_spec *spec = node_pod_spec(fs->sim, p);
        for (size_t i = 0; i < spec->containers_len && error == 0; i++) {
            struct node_cgroup cgroup;
            node_cgroup(fs->sim, p, i, &cgroup);
            error = write_container(folder++, &cgroup);
        }
    }
    return error == 0 ? 0
                      : gt_err_set(err, error, "cannot write cgroup files: %s",
                                   strerror(-error));
}

struct cgroupfs *
cgroupfs_free(struct cgroupfs *fs)
{
    for (size_t i = 0; fs != NULL && i < fs->len; i++) {
        (void)close(fs->folders[i].fd); /* nothing to lose */
    }
    free(fs);
    return NULL;
}
