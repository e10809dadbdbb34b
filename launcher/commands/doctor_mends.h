/* SPDX-License-Identifier: Apache-2.0 */
/**
 * commands/doctor_mends.h - the command, or the condition, that mends what a probe misses
 *
 * @error: -errno of the probe. Return: static text
 */
#ifndef MCPJAIL_COMMANDS_DOCTOR_MENDS_H
#define MCPJAIL_COMMANDS_DOCTOR_MENDS_H

#include "commands/doctor_parts.h"

const char *mend_namespaces(const struct host_facts *facts, int error);
const char *mend_network(const struct host_facts *facts, int error);
const char *mend_packet_log(const struct host_facts *facts, int error);
const char *mend_mounts(const struct host_facts *facts, int error);
const char *mend_overlay(const struct host_facts *facts, int error);
const char *mend_seccomp(const struct host_facts *facts, int error);
const char *mend_notification(const struct host_facts *facts, int error);
const char *mend_memory(const struct host_facts *facts, int error);
const char *mend_landlock(const struct host_facts *facts, int error);
const char *mend_landlock_scopes(const struct host_facts *facts, int error);
const char *mend_cgroup(const struct host_facts *facts, int error);
const char *mend_bpf(const struct host_facts *facts, int error);

#endif
