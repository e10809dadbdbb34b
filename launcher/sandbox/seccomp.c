// SPDX-License-Identifier: Apache-2.0
/*
 * A program is: the ABI check, a search by number down to lists of at most GROUP_CALLS,
 * and behind each list the returns and argument checks that it jumps to.
 *
 *	arch is native?  nr is no x32 number?  none that is not known yet?
 *	nr >= middle?  →  right half
 *	nr == a → return EPERM      nr == b → arguments of b      otherwise → return
 *
 * Why not libseccomp's compiler: it has no "none of", joins rules by "or" only, and
 * compares 64 bits unless a mask is given, so that AF_PACKET | 1 << 32 passes a rule
 * against AF_PACKET and opens a packet socket (the kernel takes 32). The agent's table as
 * masked rules is 1200 instructions; building it takes 5500 µs and installing 370. This
 * takes 10 and 100. The kernel's emulator must understand what decides by number, or calls
 * are not cached as allowed: only ld, and, jeq, jge, jset, ja and ret occur.
 *
 * Its numbers for calls, SCMP_SYS(), are used: each exists on every architecture.
 */
#include "sandbox/seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#define X32_NR      0x40000000u /* numbers from here on are x32's */
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#error "sandbox/seccomp.c knows x86-64 and aarch64"
#endif

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the lower half of an argument is taken to come first"
#endif

/* From Linux 5.19 on; not in every header. */
#define WAIT_KILLABLE (1u << 5)

#define GROUP_CALLS 8
#define JUMP_MAX    255 /* of a conditional jump, in instructions */
#define PATCHES_MAX 32  /* jumps out of one row */

struct program {
	struct sock_filter *insns;
	size_t n;
	bool failed; /* a bound was reached */
	uint32_t otherwise;
};

struct calls {
	const struct seccomp_row *rows[SECCOMP_ROWS_MAX]; /* sorted by number, then as listed */
	size_t n;
};

static size_t emit(struct program *p, unsigned code, uint32_t k)
{
	if (p->n == SECCOMP_INSNS_MAX) {
		p->failed = true;
		return 0;
	}
	p->insns[p->n] = (struct sock_filter){(uint16_t)code, 0, 0, k};
	return p->n++;
}

static size_t emit_return(struct program *p, uint32_t action)
{
	return emit(p, BPF_RET | BPF_K, action);
}

/* Both distances count from the instruction behind the jump. */
static void jump_to(struct program *p, size_t jump, size_t if_true, size_t if_false)
{
	size_t t = if_true - jump - 1, f = if_false - jump - 1;

	if (p->failed || t > JUMP_MAX || f > JUMP_MAX) {
		p->failed = true;
		return;
	}
	p->insns[jump].jt = (uint8_t)t;
	p->insns[jump].jf = (uint8_t)f;
}

struct jumps_out {
	struct {
		size_t jump;
		bool when; /* the outcome that leaves; the other goes on to the next instruction */
	} list[PATCHES_MAX];
	size_t n;
};

static void leave_when(struct program *p, struct jumps_out *out, size_t jump, bool when)
{
	if (out->n == PATCHES_MAX) {
		p->failed = true;
		return;
	}
	out->list[out->n].jump = jump;
	out->list[out->n++].when = when;
}

static void leave_to(struct program *p, const struct jumps_out *out, size_t target)
{
	for (size_t i = 0; i < out->n; i++) {
		size_t jump = out->list[i].jump;

		jump_to(p, jump, out->list[i].when ? target : jump + 1,
			out->list[i].when ? jump + 1 : target);
	}
}

/* Goes on behind its last instruction if the test holds, else leaves by @out. */
static void emit_test(struct program *p, const struct seccomp_test *test, struct jumps_out *out)
{
	struct jumps_out found = {.n = 0};

	emit(p, BPF_LD | BPF_W | BPF_ABS,
	     (uint32_t)(offsetof(struct seccomp_data, args) + test->argument * sizeof(uint64_t)));
	if (test->kind == SECCOMP_ANY_BIT || test->kind == SECCOMP_NO_BIT) {
		leave_when(p, out, emit(p, BPF_JMP | BPF_JSET | BPF_K, test->mask),
			   test->kind == SECCOMP_NO_BIT);
		return;
	}
	if (test->mask != SECCOMP_ALL_BITS)
		emit(p, BPF_ALU | BPF_AND | BPF_K, test->mask);
	for (size_t i = 0; i < test->n_values; i++) {
		size_t jump = emit(p, BPF_JMP | BPF_JEQ | BPF_K, test->values[i]);

		if (test->kind == SECCOMP_NONE_OF)
			leave_when(p, out, jump, true);
		else if (i + 1 < test->n_values)
			leave_when(p, &found, jump, true);
		else
			leave_when(p, out, jump, false);
	}
	leave_to(p, &found, p->n);
}

static void emit_rows(struct program *p, const struct seccomp_row *const *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct jumps_out out = {.n = 0};

		for (size_t t = 0; t < SECCOMP_TESTS_MAX && rows[i]->tests[t].kind; t++)
			emit_test(p, &rows[i]->tests[t], &out);
		emit_return(p, rows[i]->action);
		if (!out.n)
			return;
		leave_to(p, &out, p->n);
	}
	emit_return(p, p->otherwise);
}

/* How many rows from @at on are the same call's. */
static size_t rows_of_call(const struct calls *calls, size_t at)
{
	size_t n = 1;

	while (at + n < calls->n && calls->rows[at + n]->nr == calls->rows[at]->nr)
		n++;
	return n;
}

static void emit_group(struct program *p, const struct calls *calls, const size_t *starts, size_t n)
{
	size_t jumps[GROUP_CALLS], plain[GROUP_CALLS], n_plain = 0;

	for (size_t i = 0; i < n; i++)
		jumps[i] = emit(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)calls->rows[starts[i]]->nr);
	emit_return(p, p->otherwise);
	for (size_t i = 0; i < n; i++) {
		const struct seccomp_row *const *rows = &calls->rows[starts[i]];
		size_t target = p->n, found = 0;

		while (found < n_plain && p->insns[plain[found]].k != rows[0]->action)
			found++;
		if (rows[0]->tests[0].kind)
			emit_rows(p, rows, rows_of_call(calls, starts[i]));
		else if (found < n_plain)
			target = plain[found];
		else
			plain[n_plain++] = emit_return(p, rows[0]->action);
		jump_to(p, jumps[i], target, jumps[i] + 1);
	}
}

static void emit_search(struct program *p, const struct calls *calls, const size_t *starts,
			size_t n)
{
	size_t half = n / 2, jump, far;

	if (n <= GROUP_CALLS) {
		emit_group(p, calls, starts, n);
		return;
	}
	jump = emit(p, BPF_JMP | BPF_JGE | BPF_K, (uint32_t)calls->rows[starts[half]]->nr);
	far = emit(p, BPF_JMP | BPF_JA, 0); /* its distance has 32 bits, the condition's has 8 */
	jump_to(p, jump, far, far + 1);
	emit_search(p, calls, starts, half);
	if (!p->failed)
		p->insns[far].k = (uint32_t)(p->n - far - 1);
	emit_search(p, calls, starts + half, n - half);
}

static void emit_unknown_check(struct program *p, uint32_t unknown_from)
{
	size_t jump;

	if (!unknown_from)
		return;
	jump = emit(p, BPF_JMP | BPF_JGE | BPF_K, unknown_from);
	emit_return(p, SECCOMP_RET_ERRNO | ENOSYS);
	jump_to(p, jump, jump + 1, p->n);
}

/* Leaves the call's number loaded. */
static void emit_abi_check(struct program *p, uint32_t foreign)
{
	size_t jump;

	emit(p, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	jump = emit(p, BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH);
	emit_return(p, foreign);
	jump_to(p, jump, p->n, jump + 1);
	emit(p, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
#ifdef X32_NR
	jump = emit(p, BPF_JMP | BPF_JGE | BPF_K, X32_NR);
	emit_return(p, foreign);
	jump_to(p, jump, jump + 1, p->n);
#endif
}

/* By insertion: tables are short, and rows of one call must stay in order. */
static int sort_rows(const struct seccomp_table *table, unsigned sets, struct calls *ret)
{
	ret->n = 0;
	for (size_t i = 0; i < table->n_rows; i++) {
		const struct seccomp_row *row = &table->rows[i];
		size_t at = ret->n;

		if (!(row->sets & sets) || row->nr < 0)
			continue;
		if (ret->n == SECCOMP_ROWS_MAX)
			return -E2BIG;
		for (; at && ret->rows[at - 1]->nr > row->nr; at--)
			ret->rows[at] = ret->rows[at - 1];
		ret->rows[at] = row;
		ret->n++;
	}
	return 0;
}

int seccomp_compile(const struct seccomp_table *table, unsigned sets, struct sock_filter *ret_insns)
{
	struct program p = {.insns = ret_insns, .otherwise = table->otherwise};
	size_t starts[SECCOMP_ROWS_MAX], n_starts = 0;
	struct calls calls;
	int r = sort_rows(table, sets, &calls);

	if (r)
		return r;
	for (size_t at = 0; at < calls.n; at += rows_of_call(&calls, at))
		starts[n_starts++] = at;
	emit_abi_check(&p, table->foreign_abi);
	emit_unknown_check(&p, table->unknown_from);
	emit_search(&p, &calls, starts, n_starts);
	return p.failed ? -E2BIG : (int)p.n;
}

static int install(const struct seccomp_table *table, unsigned sets, unsigned flags,
		   struct error *err)
{
	struct sock_filter insns[SECCOMP_INSNS_MAX];
	int n = seccomp_compile(table, sets, insns);
	struct sock_fprog fprog = {(unsigned short)n, insns};
	int r;

	if (n < 0) {
		error_set(err, "seccomp", NULL, "the table of system calls is too long");
		return n;
	}
	r = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &fprog);
	return r < 0 ? -errno : r;
}

int seccomp_install(const struct seccomp_table *table, unsigned sets, struct error *err)
{
	int r = install(table, sets, 0, err);

	if (r < 0 && r != -E2BIG)
		error_set(err, "seccomp", "mcpjail needs a kernel with CONFIG_SECCOMP_FILTER",
			  "the kernel refuses the filter: %s", strerror(-r));
	return r < 0 ? r : 0;
}

int seccomp_install_notified(const struct seccomp_table *table, unsigned sets, int *ret_listener,
			     struct error *err)
{
	int r = install(table, sets, SECCOMP_FILTER_FLAG_NEW_LISTENER | WAIT_KILLABLE, err);

	/* Before Linux 5.19. */
	if (r == -EINVAL)
		r = install(table, sets, SECCOMP_FILTER_FLAG_NEW_LISTENER, err);
	if (r == -EBUSY)
		error_set(err, "seccomp",
			  "start mcpjail outside of what watches it: another mcpjail, a sandbox or "
			  "container that answers system calls",
			  "another program answers system calls of this process already, and "
			  "there can be only one that does");
	else if (r < 0 && r != -E2BIG)
		error_set(err, "seccomp", "mcpjail needs Linux 5.9 with CONFIG_SECCOMP_FILTER",
			  "the kernel refuses the filter: %s", strerror(-r));
	if (r < 0)
		return r;
	*ret_listener = r;
	return 0;
}
