/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API server of the simulated nodes over HTTP: requests in, answers and
 * watch streams out.
 */
#ifndef TESTS_SIM_APISERVER_IO_H
#define TESTS_SIM_APISERVER_IO_H

#include "common/http_io.h"
#include "tests/sim/apiserver.h"

struct apiserver_io;

/* @sim is borrowed.  NULL: no memory. */
struct apiserver_io *apiserver_io_new(struct node_sim *sim, uint64_t history);

/* Cuts the streams; before the HTTP server goes.  Returns NULL. */
struct apiserver_io *apiserver_io_free(struct apiserver_io *io);

/* Answers @request, takes it. */
void apiserver_io_answer(struct apiserver_io *io,
                         struct gt_http_request *request, uint64_t now_ms);

/* Sends what the watches have to say. */
void apiserver_io_pump(struct apiserver_io *io, uint64_t now_ms);

/* Ends every watch. */
void apiserver_io_cut(struct apiserver_io *io);

#endif
