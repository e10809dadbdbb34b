/* SPDX-License-Identifier: Apache-2.0 */
/**
 * filter_tables.h - the tables behind jail/filter.h (private to jail/ and its tests)
 */
#ifndef MCPJAIL_JAIL_FILTER_TABLES_H
#define MCPJAIL_JAIL_FILTER_TABLES_H

#include "sandbox/seccomp.h"

#define FILTER_EVERY_ROW 0xffu

/** FILTER_PROGRAM_BIT() - The program of some enum filter_switch */
#define FILTER_PROGRAM_BIT(switches) (1u << (switches))

extern const struct seccomp_table filter_agent_table;
extern const struct seccomp_table filter_init_table;

#endif
