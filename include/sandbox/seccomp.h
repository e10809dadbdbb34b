/* SPDX-License-Identifier: Apache-2.0 */
/**
 * sandbox/seccomp.h - seccomp programs from tables
 *
 * A table has one row per decision, with its reason. Arguments are compared as the kernel
 * reads them: their lower 32 bits.
 */
#ifndef MCPJAIL_SANDBOX_SECCOMP_H
#define MCPJAIL_SANDBOX_SECCOMP_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define SECCOMP_TESTS_MAX  3   /* arguments that a row may test */
#define SECCOMP_VALUES_MAX 8   /* that a test may list */
#define SECCOMP_ROWS_MAX   160 /* of a table */
#define SECCOMP_INSNS_MAX  1024

struct sock_filter;

enum seccomp_test_kind {
	SECCOMP_NO_TEST = 0,
	SECCOMP_ONE_OF,  /* argument & mask is one of the values */
	SECCOMP_NONE_OF, /* argument & mask is none of the values */
	SECCOMP_ANY_BIT, /* argument has any bit of the mask */
	SECCOMP_NO_BIT,  /* argument has no bit of the mask */
};

struct seccomp_test {
	enum seccomp_test_kind kind;
	unsigned argument; /* 0 to 5 */
	uint32_t mask;
	uint32_t values[SECCOMP_VALUES_MAX];
	size_t n_values;
};

#define SECCOMP_ALL_BITS 0xffffffffu

/* clang-format off */
#define SECCOMP_LIST(...)		 {__VA_ARGS__}, sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)
#define SECCOMP_IS(argument, mask, ...)	 {SECCOMP_ONE_OF, argument, mask, SECCOMP_LIST(__VA_ARGS__)}
#define SECCOMP_NOT(argument, mask, ...) {SECCOMP_NONE_OF, argument, mask, SECCOMP_LIST(__VA_ARGS__)}
#define SECCOMP_HAS(argument, bits)	 {SECCOMP_ANY_BIT, argument, bits, {0}, 0}
#define SECCOMP_LACKS(argument, bits)	 {SECCOMP_NO_BIT, argument, bits, {0}, 0}
/* clang-format on */

/*
 * A call is decided by its first row of which all tests hold. Numbers are those of
 * libseccomp's SCMP_SYS(), negative where an architecture lacks the call: the row is
 * skipped there.
 */
struct seccomp_row {
	int nr;
	uint32_t action; /* SECCOMP_RET_… */
	unsigned sets;   /* bits: the programs that the row belongs to */
	const char *reason;
	struct seccomp_test tests[SECCOMP_TESTS_MAX];
};

struct seccomp_table {
	const struct seccomp_row *rows;
	size_t n_rows;
	uint32_t otherwise;   /* action for calls that match no row */
	uint32_t foreign_abi; /* action for calls of another ABI: i386 and x32, 32-bit arm */
};

/**
 * seccomp_compile() - The program of the rows whose sets have a bit of @sets
 * @ret_insns: Room for SECCOMP_INSNS_MAX struct sock_filter
 *
 * Return: number of instructions; -E2BIG if the table is beyond the bounds above
 */
int seccomp_compile(const struct seccomp_table *table, unsigned sets,
		    struct sock_filter *ret_insns);

/**
 * seccomp_install() - Compile, and put the program on this thread for good
 *
 * The thread must have no_new_privs. Takes some 100 µs, nearly all of it the kernel's.
 *
 * Return: 0; -errno with @err filled
 */
int seccomp_install(const struct seccomp_table *table, unsigned sets, struct error *err);

#endif
