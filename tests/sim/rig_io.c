/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/rig_io.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sim/ask_io.h"

#define START_MS  20000 /* a program is up by then, under valgrind too */
#define STOP_MS   20000
#define BODY_MAX  (4 << 20)
#define PATH_SIZE 512

/* The words of a command line under construction. */
struct words {
    const char *at[RIG_FLAGS_MAX + 1];
    size_t len;
};

static void
add_word(struct words *words, const char *word)
{
    if (words->len < RIG_FLAGS_MAX) {
        words->at[words->len++] = word;
    }
    words->at[words->len] = NULL;
}

static void
add_words(struct words *words, const char *const *list)
{
    for (size_t i = 0; list != NULL && list[i] != NULL; i++) {
        add_word(words, list[i]);
    }
}

/* In the child: its own process group, so that Ctrl-C reaches it through us
 * only, and an end when we end. */
static void
become(const char *log, const struct words *words, pid_t parent)
{
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    char *argv[RIG_FLAGS_MAX + 1];

    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (fd < 0 || getppid() != parent || dup2(fd, STDOUT_FILENO) < 0 ||
        dup2(fd, STDERR_FILENO) < 0) {
        _exit(126);
    }
    memcpy(argv, words->at, sizeof(argv));
    execvp(argv[0], argv);
    dprintf(STDERR_FILENO, "cannot run %s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

static int
spawn(struct rig *rig, struct rig_program *program, const struct words *words,
      struct gt_err *err)
{
    char log[PATH_SIZE];
    sigset_t none;
    pid_t parent = getpid();

    snprintf(log, sizeof(log), "%s/%s.log", rig->config.dir, program->name);
    program->pid = fork();
    if (program->pid < 0) {
        program->pid = 0;
        return gt_err_set(err, -errno, "cannot start %s", program->name);
    }
    if (program->pid == 0) {
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        become(log, words, parent);
    }
    return 0;
}

bool
rig_runs(struct rig_program *program)
{
    if (program->pid > 0 &&
        waitpid(program->pid, &program->status, WNOHANG) == program->pid) {
        program->pid = 0;
    }
    return program->pid > 0;
}

/* Of the run before. */
static void
forget_log(const struct rig *rig, const struct rig_program *program)
{
    char log[PATH_SIZE];

    snprintf(log, sizeof(log), "%s/%s.log", rig->config.dir, program->name);
    unlink(log);
}

static void
port_path(const struct rig *rig, const struct rig_program *program,
          char path[PATH_SIZE])
{
    snprintf(path, PATH_SIZE, "%s/%s.port", rig->config.dir, program->name);
}

/* A program writes its port file, whole, once it listens: "HTTP [BUS]". */
static bool
read_ports(const char *path, struct rig_program *program)
{
    char text[64] = "";
    FILE *file = fopen(path, "re");
    char *end;

    if (file == NULL) {
        return false;
    }
    if (fgets(text, sizeof(text), file) == NULL) {
        text[0] = '\0';
    }
    fclose(file);
    program->port = (uint16_t)strtoul(text, &end, 10);
    program->bus_port = (uint16_t)strtoul(end, NULL, 10);
    return program->port != 0;
}

static int
wait_ready(struct rig *rig, struct rig_program *program, struct gt_err *err)
{
    uint64_t deadline_ms = ask_clock_ms() + START_MS;
    char path[PATH_SIZE];

    port_path(rig, program, path);
    while (rig_runs(program) && ask_clock_ms() < deadline_ms) {
        if (read_ports(path, program)) {
            return 0;
        }
        ask_pause_ms(5);
    }
    return gt_err_set(err, -ETIMEDOUT,
                      "%s did not come up; its log is %s/%s.log", program->name,
                      rig->config.dir, program->name);
}

/* What the command line of a program is made of. */
struct line {
    struct words words;
    char wrap[PATH_SIZE];
    char program[PATH_SIZE];
    char port_file[PATH_SIZE];
    char speed[32];
    char text[6][PATH_SIZE]; /* of flags that are made here */
};

static void
begin_line(const struct rig *rig, const struct rig_program *program,
           const char *binary, struct line *line)
{
    char *rest = line->wrap;

    memset(line, 0, sizeof(*line));
    if (rig->config.wrap != NULL && rig->config.wrap[0] != '\0') {
        snprintf(line->wrap, sizeof(line->wrap), "%s", rig->config.wrap);
        for (char *word; (word = strsep(&rest, " ")) != NULL;) {
            add_word(&line->words, word);
        }
    }
    snprintf(line->program, sizeof(line->program), "%s/%s", rig->config.build,
             binary);
    snprintf(line->speed, sizeof(line->speed), "%g", rig->config.speed);
    port_path(rig, program, line->port_file);
    unlink(line->port_file);
    add_word(&line->words, line->program);
    add_word(&line->words, "--speed");
    add_word(&line->words, line->speed);
    add_word(&line->words, "--port-file");
    add_word(&line->words, line->port_file);
}

static int
run_line(struct rig *rig, struct rig_program *program, const struct line *line,
         struct gt_err *err)
{
    int error = spawn(rig, program, &line->words, err);

    return error != 0 ? error : wait_ready(rig, program, err);
}

static int
start_testnode(struct rig *rig, struct gt_err *err)
{
    struct line line;

    begin_line(rig, &rig->testnode, "gtcas-testnode", &line);
    snprintf(line.text[0], PATH_SIZE, "%s/cgroup", rig->config.dir);
    add_word(&line.words, "--listen");
    add_word(&line.words, "127.0.0.1:0");
    add_word(&line.words, "--cgroup-out");
    add_word(&line.words, line.text[0]);
    add_words(&line.words, rig->config.testnode_flags);
    return run_line(rig, &rig->testnode, &line, err);
}

static void
api_url(const struct rig *rig, char url[PATH_SIZE])
{
    snprintf(url, PATH_SIZE, "http://127.0.0.1:%u", rig->testnode.port);
}

/* A port that was free a moment ago, for a bus that cannot ask for any. */
static uint16_t
free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *)&address, len) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        address.sin_port = 0;
    }
    close(fd);
    return ntohs(address.sin_port);
}

static int
try_arbiter(struct rig *rig, uint16_t bus_port, struct gt_err *err)
{
    struct line line;

    begin_line(rig, &rig->arbiter, "gtcas-arbiter", &line);
    snprintf(line.text[0], PATH_SIZE, "127.0.0.1:%u", rig->arbiter.port);
    snprintf(line.text[1], PATH_SIZE, "localhost:%u", bus_port);
    api_url(rig, line.text[2]);
    add_word(&line.words, "--listen");
    add_word(&line.words, line.text[0]);
    add_word(&line.words, "--bus");
    add_word(&line.words, line.text[1]);
    add_word(&line.words, "--api-server");
    add_word(&line.words, line.text[2]);
    add_words(&line.words, rig->config.arbiter_flags);
    return run_line(rig, &rig->arbiter, &line, err);
}

int
rig_start_arbiter(struct rig *rig, struct gt_err *err)
{
    bool again = rig->arbiter.bus_port != 0;
    int error = -EADDRINUSE;

    for (int i = 0; i < 5 && error != 0; i++) {
        error =
            try_arbiter(rig, again ? rig->arbiter.bus_port : free_port(), err);
        rig_kill(error != 0 ? &rig->arbiter : NULL, SIGKILL);
    }
    return error;
}

int
rig_start_agent(struct rig *rig, size_t index, struct gt_err *err)
{
    struct rig_pod *pod = &rig->pods[index];
    struct line line;

    begin_line(rig, &pod->agent, "gtcas-agent", &line);
    api_url(rig, line.text[0]);
    snprintf(line.text[1], PATH_SIZE, "localhost:%u", rig->arbiter.bus_port);
    snprintf(line.text[2], PATH_SIZE, "%s/cgroup/%s", rig->config.dir,
             pod->name);
    add_words(&line.words, (const char *const[]){"--api-server",
                                                 line.text[0],
                                                 "--arbiter",
                                                 line.text[1],
                                                 "--cgroup-root",
                                                 line.text[2],
                                                 "--namespace",
                                                 pod->space,
                                                 "--pod",
                                                 pod->name,
                                                 "--pod-uid",
                                                 pod->uid,
                                                 "--node",
                                                 pod->node,
                                                 "--listen",
                                                 "127.0.0.1:0",
                                                 "--admin-listen",
                                                 "127.0.0.1:0",
                                                 "--first-dial",
                                                 "0",
                                                 NULL});
    add_words(&line.words, rig->config.agent_flags);
    return run_line(rig, &pod->agent, &line, err);
}

static const char *
text_at(struct json_object *object, const char *outer, const char *inner)
{
    struct json_object *part = json_object_object_get(object, outer);

    return json_object_get_string(json_object_object_get(part, inner));
}

static void
add_pod(struct rig *rig, struct json_object *item)
{
    struct rig_pod *pod = &rig->pods[rig->pods_len];

    snprintf(pod->space, sizeof(pod->space), "%s",
             text_at(item, "metadata", "namespace"));
    snprintf(pod->name, sizeof(pod->name), "%s",
             text_at(item, "metadata", "name"));
    snprintf(pod->uid, sizeof(pod->uid), "%s",
             text_at(item, "metadata", "uid"));
    snprintf(pod->node, sizeof(pod->node), "%s",
             text_at(item, "spec", "nodeName"));
    pod->agent.name[0] = '\0';
    strncat(strcpy(pod->agent.name, "agent-"), pod->name,
            sizeof(pod->agent.name) - sizeof("agent-"));
    forget_log(rig, &pod->agent);
    rig->pods_len++;
}

static int
find_pods(struct rig *rig, struct gt_err *err)
{
    char *body = calloc(1, BODY_MAX);
    struct json_object *list = NULL;
    struct json_object *items;

    if (body != NULL &&
        ask_get(rig->testnode.port, "/api/v1/pods", body, BODY_MAX) == 200) {
        list = json_tokener_parse(body);
    }
    items = json_object_object_get(list, "items");
    for (size_t i = 0; items != NULL && i < json_object_array_length(items) &&
                       rig->pods_len < RIG_PODS_MAX;
         i++) {
        add_pod(rig, json_object_array_get_idx(items, i));
    }
    json_object_put(list);
    free(body);
    return rig->pods_len > 0 ? 0 : gt_err_set(err, -EPROTO, "no pods to play");
}

/* Nothing was started under these names yet. */
static void
name_programs(struct rig *rig)
{
    strcpy(rig->testnode.name, "testnode");
    strcpy(rig->arbiter.name, "arbiter");
    forget_log(rig, &rig->testnode);
    forget_log(rig, &rig->arbiter);
}

static int
start_all(struct rig *rig, struct gt_err *err)
{
    int error;

    name_programs(rig);
    error = start_testnode(rig, err);

    if (error == 0) {
        error = find_pods(rig, err);
    }
    if (error == 0) {
        error = rig_start_arbiter(rig, err);
    }
    for (size_t i = 0; i < rig->pods_len && error == 0; i++) {
        error = rig_start_agent(rig, i, err);
    }
    return error;
}

int
rig_start(struct rig *rig, const struct rig_config *config, struct gt_err *err)
{
    int error;

    memset(rig, 0, sizeof(*rig));
    rig->config = *config;
    if (mkdir(config->dir, 0755) != 0 && errno != EEXIST) {
        return gt_err_set(err, -errno, "cannot make folder %s", config->dir);
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    error = start_all(rig, err);
    if (error != 0) {
        rig_stop(rig);
    }
    return error;
}

void
rig_kill(struct rig_program *program, int signal)
{
    if (program != NULL && program->pid > 0) {
        kill(program->pid, signal);
        waitpid(program->pid, &program->status, 0);
        program->pid = 0;
    }
}

static bool
end_program(struct rig_program *program)
{
    uint64_t deadline_ms = ask_clock_ms() + STOP_MS;

    if (program->pid == 0) {
        return true; /* never started, or ended on purpose */
    }
    kill(program->pid, SIGTERM);
    while (rig_runs(program) && ask_clock_ms() < deadline_ms) {
        ask_pause_ms(2);
    }
    if (rig_runs(program)) {
        rig_kill(program, SIGKILL);
    }
    return WIFEXITED(program->status) && WEXITSTATUS(program->status) == 0;
}

bool
rig_stop(struct rig *rig)
{
    bool clean = true;

    for (size_t i = 0; i < rig->pods_len; i++) {
        clean = end_program(&rig->pods[i].agent) && clean;
    }
    clean = end_program(&rig->arbiter) && clean;
    clean = end_program(&rig->testnode) && clean;
    curl_global_cleanup();
    return clean;
}
