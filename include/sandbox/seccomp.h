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
#define SECCOMP_ROWS_MAX   224 /* of a table */
#define SECCOMP_INSNS_MAX  1024
#define SECCOMP_REASON_MAX 120 /* bytes, NUL included */

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
	uint32_t action;                 /* SECCOMP_RET_… */
	unsigned sets;                   /* bits: the programs that the row belongs to */
	char reason[SECCOMP_REASON_MAX]; /* not a pointer: each process would have to relocate it */
	struct seccomp_test tests[SECCOMP_TESTS_MAX];
};

struct seccomp_table {
	const struct seccomp_row *rows;
	size_t n_rows;
	uint32_t otherwise;    /* action for calls that match no row */
	uint32_t foreign_abi;  /* action for calls of another ABI: i386 and x32, 32-bit arm */
	uint32_t unknown_from; /* calls from this number on are ENOSYS; 0: none */
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

/**
 * seccomp_install_notified() - The same, for a table with SECCOMP_RET_USER_NOTIF among its actions
 * @ret_listener: Where such calls are received and answered; CLOEXEC, owned by the caller
 *
 * A received call is then interrupted by nothing but its process's death, where the kernel
 * knows how (5.19): Go sends its threads signals all the time.
 *
 * Return: 0; -EBUSY if another filter of this thread has such a listener; -errno; with @err filled
 */
int seccomp_install_notified(const struct seccomp_table *table, unsigned sets, int *ret_listener,
			     struct error *err);

#endif
