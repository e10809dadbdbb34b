// SPDX-License-Identifier: Apache-2.0
/*
 * Programs are run here by an interpreter of the instructions they consist of, and must
 * agree with a plain reading of their table, for every table of the project.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "jail/filter.h"
#include "jail/filter/filter_tables.h"
#include "sandbox/profiles.h"
#include "sandbox/seccomp.h"

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#else
#define NATIVE AUDIT_ARCH_AARCH64
#endif

#define CALLS_END     600 /* numbers that are tried */
#define DRAWS         400 /* argument sets per number that the table names */
#define FAILED_RETURN 0xdeadbeefu

static const struct {
	const char *name;
	const struct seccomp_table *table;
	unsigned sets;
} programs[] = {
	{"agent", &filter_agent_table, FILTER_PROGRAM_BIT(0)},
	{"agent, nested", &filter_agent_table, FILTER_PROGRAM_BIT(FILTER_NESTED_SANDBOX)},
	{"agent, ptrace", &filter_agent_table, FILTER_PROGRAM_BIT(FILTER_PTRACE)},
	{"agent, both", &filter_agent_table,
	 FILTER_PROGRAM_BIT(FILTER_NESTED_SANDBOX | FILTER_PTRACE)},
	{"agent, tier b", &filter_agent_table, FILTER_PROGRAM_BIT(FILTER_TIER_B)},
	{"agent, tier b, ptrace", &filter_agent_table,
	 FILTER_PROGRAM_BIT(FILTER_TIER_B | FILTER_PTRACE)},
	{"init", &filter_init_table, FILTER_EVERY_ROW},
	{"proxy", &profiles_table, PROFILE_BIT(CONFINE_PROXY)},
	{"keeper", &profiles_table, PROFILE_BIT(CONFINE_KEEPER)},
	{"dialer", &profiles_table, PROFILE_BIT(CONFINE_DIALER)},
};

static uint32_t load_word(const struct seccomp_data *data, uint32_t at)
{
	uint32_t word;

	assert_true(at % 4 == 0 && at + 4 <= sizeof(*data));
	memcpy(&word, (const char *)data + at, sizeof(word));
	return word;
}

static bool jump_is_taken(const struct sock_filter *i, uint32_t a)
{
	switch (i->code) {
	case BPF_JMP | BPF_JEQ | BPF_K:
		return a == i->k;
	case BPF_JMP | BPF_JGE | BPF_K:
		return a >= i->k;
	case BPF_JMP | BPF_JSET | BPF_K:
		return a & i->k;
	default:
		fail_msg("an instruction that the kernel's emulator does not know: %x", i->code);
		return false;
	}
}

static uint32_t run(const struct sock_filter *insns, int n, const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (int at = 0; at < n; at++) {
		const struct sock_filter *i = &insns[at];

		if (i->code == (BPF_LD | BPF_W | BPF_ABS))
			a = load_word(data, i->k);
		else if (i->code == (BPF_ALU | BPF_AND | BPF_K))
			a &= i->k;
		else if (i->code == (BPF_RET | BPF_K))
			return i->k;
		else if (i->code == (BPF_JMP | BPF_JA))
			at += (int)i->k;
		else
			at += jump_is_taken(i, a) ? i->jt : i->jf;
	}
	return FAILED_RETURN;
}

/* --- the plain reading ---------------------------------------------------- */

static bool test_holds(const struct seccomp_test *test, const struct seccomp_data *data)
{
	uint32_t value = (uint32_t)data->args[test->argument];
	bool is_listed = false;

	for (size_t i = 0; i < test->n_values; i++)
		is_listed |= (value & test->mask) == test->values[i];
	switch (test->kind) {
	case SECCOMP_NO_TEST:
		return true;
	case SECCOMP_ONE_OF:
		return is_listed;
	case SECCOMP_NONE_OF:
		return !is_listed;
	case SECCOMP_ANY_BIT:
		return value & test->mask;
	case SECCOMP_NO_BIT:
		return !(value & test->mask);
	}
	return false;
}

static uint32_t read_table(const struct seccomp_table *table, unsigned sets,
			   const struct seccomp_data *data)
{
	if (data->arch != NATIVE ||
	    (NATIVE == AUDIT_ARCH_X86_64 && (uint32_t)data->nr >= 0x40000000))
		return table->foreign_abi;
	if (table->unknown_from && (uint32_t)data->nr >= table->unknown_from)
		return SECCOMP_RET_ERRNO | ENOSYS;
	for (size_t i = 0; i < table->n_rows; i++) {
		const struct seccomp_row *row = &table->rows[i];
		bool holds = row->nr == data->nr && (row->sets & sets);

		for (size_t t = 0; t < SECCOMP_TESTS_MAX; t++)
			holds = holds && test_holds(&row->tests[t], data);
		if (holds)
			return row->action;
	}
	return table->otherwise;
}

/* --- inputs --------------------------------------------------------------- */

static uint64_t next_random(void)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Values that some row of the table looks for, near misses, and noise above bit 31. */
static uint64_t draw_argument(const struct seccomp_table *table, int nr, unsigned argument)
{
	uint64_t drawn = next_random() >> (next_random() % 64);

	for (size_t i = 0; i < table->n_rows; i++) {
		const struct seccomp_test *tests = table->rows[i].tests;

		for (size_t t = 0; t < SECCOMP_TESTS_MAX; t++) {
			if (table->rows[i].nr != nr || !tests[t].kind ||
			    tests[t].argument != argument || next_random() % 3)
				continue;
			drawn = tests[t].n_values
					? tests[t].values[next_random() % tests[t].n_values]
					: tests[t].mask & next_random();
			if (!(next_random() % 4))
				drawn ^= UINT64_C(1) << (next_random() % 32);
		}
	}
	if (!(next_random() % 4))
		drawn |= next_random() << 32;
	return drawn;
}

static void check_number(size_t p, const struct sock_filter *insns, int n, int nr)
{
	struct seccomp_data data = {.nr = nr, .arch = NATIVE};

	for (int draw = 0; draw < DRAWS; draw++) {
		uint32_t expected, got;

		for (unsigned i = 0; i < 6; i++)
			data.args[i] = draw_argument(programs[p].table, nr, i);
		expected = read_table(programs[p].table, programs[p].sets, &data);
		got = run(insns, n, &data);
		if (got != expected)
			fail_msg("%s: call %d(%llx, %llx, %llx): %x, not %x", programs[p].name, nr,
				 (unsigned long long)data.args[0], (unsigned long long)data.args[1],
				 (unsigned long long)data.args[2], got, expected);
	}
}

static void test_seccomp_compile_agrees_with_the_table(void **state)
{
	static struct sock_filter insns[SECCOMP_INSNS_MAX];

	(void)state;
	for (size_t p = 0; p < ARRAY_SIZE(programs); p++) {
		int n = seccomp_compile(programs[p].table, programs[p].sets, insns);

		assert_in_range(n, 10, SECCOMP_INSNS_MAX);
		for (int nr = -1; nr < CALLS_END; nr++)
			check_number(p, insns, n, nr);
		check_number(p, insns, n, 0x40000000 + 1);
		check_number(p, insns, n, INT32_MIN);
	}
}

static void test_seccomp_compile_refuses_foreign_abis(void **state)
{
	static const uint32_t arches[] = {AUDIT_ARCH_I386, AUDIT_ARCH_ARM, 0, ~0u};
	static struct sock_filter insns[SECCOMP_INSNS_MAX];

	(void)state;
	for (size_t p = 0; p < ARRAY_SIZE(programs); p++) {
		int n = seccomp_compile(programs[p].table, programs[p].sets, insns);

		for (size_t i = 0; i < ARRAY_SIZE(arches); i++) {
			struct seccomp_data data = {.nr = SCMP_SYS(read), .arch = arches[i]};

			assert_int_equal(run(insns, n, &data), programs[p].table->foreign_abi);
		}
#ifdef __x86_64__
		for (int nr = 0; nr < CALLS_END; nr++) {
			struct seccomp_data x32 = {.nr = 0x40000000 + nr, .arch = NATIVE};

			assert_int_equal(run(insns, n, &x32), programs[p].table->foreign_abi);
		}
#endif
	}
}

static void test_profiles_name_a_reason_for_every_call(void **state)
{
	(void)state;
	for (size_t p = 0; p < ARRAY_SIZE(programs); p++) {
		const struct seccomp_table *table = programs[p].table;

		for (size_t i = 0; i < table->n_rows; i++)
			assert_true(strlen(table->rows[i].reason) > 2);
	}
}

static void test_seccomp_compile_refuses_a_table_that_is_too_long(void **state)
{
	static struct seccomp_row rows[SECCOMP_ROWS_MAX + 1];
	static struct sock_filter insns[SECCOMP_INSNS_MAX];
	struct seccomp_table table = {rows, SECCOMP_ROWS_MAX, SECCOMP_RET_ALLOW, SECCOMP_RET_ALLOW,
				      0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		rows[i] =
			(struct seccomp_row){.nr = (int)i, .action = SECCOMP_RET_ERRNO, .sets = 1};
	assert_true(seccomp_compile(&table, 1, insns) > 0);
	table.n_rows++;
	assert_true(seccomp_compile(&table, 1, insns) < 0);
	/* Rows of other programs do not count. */
	rows[3].sets = 2;
	assert_true(seccomp_compile(&table, 1, insns) > 0);
}

static void test_seccomp_compile_takes_the_first_row_that_holds(void **state)
{
	static const struct seccomp_row rows[] = {
		{7, SECCOMP_RET_ERRNO | 1, 1, "a", {SECCOMP_IS(0, SECCOMP_ALL_BITS, 5)}},
		{7, SECCOMP_RET_ERRNO | 2, 1, "b", {SECCOMP_NOT(0, 0xff, 5, 6)}},
		{7, SECCOMP_RET_ERRNO | 3, 1, "c", {{0}}},
		{7, SECCOMP_RET_ERRNO | 4, 1, "never", {{0}}},
	};
	static const struct {
		uint64_t argument;
		uint32_t error;
	} cases[] = {{5, 1}, {UINT64_C(5) << 32 | 5, 1}, {6, 3}, {0x105, 3}, {7, 2}, {0, 2}};
	const struct seccomp_table table = {rows, ARRAY_SIZE(rows), SECCOMP_RET_ALLOW,
					    SECCOMP_RET_ALLOW, 0};
	static struct sock_filter insns[SECCOMP_INSNS_MAX];
	int n = seccomp_compile(&table, 1, insns);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct seccomp_data data = {.nr = 7, .arch = NATIVE, .args = {cases[i].argument}};

		assert_int_equal(run(insns, n, &data), SECCOMP_RET_ERRNO | cases[i].error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seccomp_compile_agrees_with_the_table),
		cmocka_unit_test(test_seccomp_compile_refuses_foreign_abis),
		cmocka_unit_test(test_profiles_name_a_reason_for_every_call),
		cmocka_unit_test(test_seccomp_compile_refuses_a_table_that_is_too_long),
		cmocka_unit_test(test_seccomp_compile_takes_the_first_row_that_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
