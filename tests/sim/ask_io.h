/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One blocking question by HTTP to a program on this machine, and the clock to
 * ask by.  For the demo and for tests with real processes; the programs
 * themselves use common/client_io.h.
 */
#ifndef TESTS_SIM_ASK_IO_H
#define TESTS_SIM_ASK_IO_H

#include <stddef.h>
#include <stdint.h>

/*
 * GET or POST http://127.0.0.1:PORT/PATH.  Returns the HTTP status, 0 without
 * an answer.  @body, NULL or of @size bytes, gets the NUL-terminated answer,
 * cut where it does not fit.
 */
int ask_get(uint16_t port, const char *path, char *body, size_t size);
int ask_post(uint16_t port, const char *path, char *body, size_t size);

/* The machine's monotonic clock, in milliseconds. */
uint64_t ask_clock_ms(void);
void ask_pause_ms(unsigned ms);

#endif
