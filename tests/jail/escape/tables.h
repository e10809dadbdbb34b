/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of probes, each ended by one without a name. */
#ifndef MCPJAIL_TESTS_TABLES_H
#define MCPJAIL_TESTS_TABLES_H

#include <stdint.h>

#include "escape.h"

#define NOWHERE "/mcpjail-escape/nowhere"

/* Of a single call, with arguments that the kernel refuses once it has let the caller in. */
/* clang-format off */
#define CALL(name, attempt, number, ...) \
	{name, attempt, "call:EPERM", .nr = (number), .args = {__VA_ARGS__}}
#define LACK(name, attempt, number, ...) \
	{name, attempt, "call:ENOSYS", .absent = "call:ENOSYS", .nr = (number), .args = {__VA_ARGS__}}
/* clang-format on */
#define POINTER(p) ((long)(intptr_t)(p))

extern const struct probe probes_inet[], probes_unix[], probes_namespaces[], probes_kernel[],
	probes_admin[], probes_processes[], probes_files[], probes_life[], probes_peers[],
	probes_peers_unix[], probes_creations[], probes_peers_files[];

#endif
