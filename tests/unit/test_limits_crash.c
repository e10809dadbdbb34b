// SPDX-License-Identifier: Apache-2.0
/*
 * Every system call that counting makes is a place to die, or to fail, at. A child counts
 * under a seccomp filter whose listener the test holds: at the n-th call, for every n, it is
 * killed, or the call fails, or writes a half and then one of these. Whoever reads the log
 * next must find what was answered, and at most what was begun.
 */
#include "limits_world.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "state/limits_internal.h"

#define MAX        5
#define FILES      3
#define FILE_BYTES (2u << 20)
#define CALLS_MAX  2000 /* system calls of one child: more is a loop */

static const char *const names[FILES] = {"limits.lock", "limits.0", "limits.1"};

enum fault { FAULT_KILL = 0, FAULT_ENOSPC, FAULT_EIO, FAULT_TORN, FAULT_SHORT, FAULTS };

/* What the child does, in this order; each either happens or fails. */
enum step { CHARGE, REFUND, FLUSH, PUT, CHARGE_TOKEN, STEP_NONE };

struct progress {
	volatile int begun, done;
	volatile int failed[16]; /* by step: its error */
};

struct script {
	const enum step *steps;
	int n;
};

static struct test_clock now = {100000, 1700000000000};
static struct progress *progress;

/* --- what is counted --------------------------------------------------------------- */

static const struct limits_charge token = {.algorithm = LIMITS_TOKEN, .key = "approved"};

/* One of each kind; the values are two in turn. */
static size_t make_charges(struct limits_charge *ret, unsigned value, bool has_token)
{
	ret[0] = charge_of(1, MINUTE, MAX, 1);
	ret[0].label = "grant one https://promptfax.app/mcp calls";
	ret[1] = value_of(2, (uint8_t)value, LIMITS_LIFETIME_MS, MAX);
	ret[2] = charge_by(LIMITS_BUCKET, 3, 10 * MINUTE, MAX, 1);
	ret[3] = token;
	return has_token ? 4 : 3;
}

struct expected {
	uint64_t used, values;
	bool token;
};

/* What stands in the log once the first @n steps are done. */
static struct expected expect(const struct script *script, int n)
{
	struct expected e = {0}, before = {0};

	for (int i = 0; i < n; i++) {
		if (progress->failed[i])
			continue;
		if (script->steps[i] != REFUND)
			before = e;
		if (script->steps[i] == CHARGE || script->steps[i] == CHARGE_TOKEN) {
			e.used++;
			e.values = e.used;
		}
		if (script->steps[i] == PUT)
			e.token = true;
		if (script->steps[i] == CHARGE_TOKEN)
			e.token = false;
		if (script->steps[i] == REFUND)
			e = before;
	}
	return e;
}

static int do_step(struct limits *l, enum step step, struct limits_answer *answer, unsigned value)
{
	struct limits_charge charges[4];
	struct limits_receipt receipt;
	int r = 0;

	switch (step) {
	case CHARGE:
	case CHARGE_TOKEN:
		answer->receipt.n = 0;
		r = limits_charge(l, charges, make_charges(charges, value, step == CHARGE_TOKEN),
				  answer);
		return r || answer->over < 0 ? r : -EDQUOT;
	case REFUND:
		receipt = answer->receipt;
		answer->receipt.n = 0;
		return receipt.n ? limits_refund(l, &receipt) : -ENOENT;
	case FLUSH:
		return limits_flush(l);
	case PUT:
		return limits_put_token(l, token.key, MINUTE, "approval");
	case STEP_NONE:
		break;
	}
	return r;
}

static void count_in_child(const struct script *script)
{
	struct limits_clock clock = {boot_of, wall_of, 1, &now};
	struct limits_answer answer = {.over = -1};
	struct limits *limits;
	int r = limits_open(state_fd, &clock, &limits, NULL);

	for (int i = 0; i < script->n; i++) {
		progress->begun = i + 1;
		progress->failed[i] =
			r ? r : do_step(limits, script->steps[i], &answer, 10u + (unsigned)i);
		progress->done = i + 1;
	}
	if (!r)
		limits_free(limits);
	_exit(0);
}

/* --- the filter ---------------------------------------------------------------------- */

#define TRAP(call)                                                                                 \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##call, 0, 1),                                    \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF)

static int trap_calls(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		TRAP(openat),
		TRAP(flock),
		TRAP(fstat),
		TRAP(newfstatat),
		TRAP(pread64),
		TRAP(pwrite64),
		TRAP(ftruncate),
		TRAP(fdatasync),
		TRAP(fsync),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {ARRAY_SIZE(filter), filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return (int)syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			    &program);
}

/* The child, and the listener of its filter. */
static pid_t start_child(const struct script *script, int *ret_listener)
{
	int pipes[2], number = -1;
	pid_t pid;

	memset(progress, 0, sizeof(*progress));
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		number = trap_calls();
		if (write(pipes[1], &number, sizeof(number)) != sizeof(number) || number < 0)
			_exit(1);
		count_in_child(script);
	}
	assert_int_equal(read(pipes[0], &number, sizeof(number)), sizeof(number));
	assert_true(number >= 0);
	{
		autoclose int pidfd = (int)syscall(__NR_pidfd_open, pid, 0);

		*ret_listener = (int)syscall(__NR_pidfd_getfd, pidfd, number, 0);
	}
	assert_true(*ret_listener >= 0);
	close(pipes[0]);
	close(pipes[1]);
	return pid;
}

static bool is_write(int call)
{
	return call == __NR_pwrite64;
}

static bool touches_the_disk(int call)
{
	return call == __NR_pwrite64 || call == __NR_pread64 || call == __NR_ftruncate ||
	       call == __NR_fdatasync || call == __NR_fstat || call == __NR_newfstatat;
}

/* Half of what the child wants to write. Return: bytes written */
static ssize_t write_half(const struct seccomp_notif *n)
{
	size_t half = (size_t)n->data.args[2] / 2;
	autofree char *bytes = malloc(half + 1);
	struct iovec here = {bytes, half};
	struct iovec there = {(void *)(uintptr_t)n->data.args[1], half};
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/fd/%d", n->pid, (int)n->data.args[0]);
	{
		autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);

		assert_true(fd >= 0);
		assert_int_equal(process_vm_readv((pid_t)n->pid, &here, 1, &there, 1, 0), half);
		assert_int_equal(pwrite(fd, bytes, half, (off_t)n->data.args[3]), half);
	}
	return (ssize_t)half;
}

struct trial {
	enum fault fault;
	int at;    /* the system call that is struck, from 1 */
	int calls; /* so far */
	bool was_struck;
	bool is_short; /* the write after a short one fails too */
	pid_t pid;
};

static void strike(struct trial *t, const struct seccomp_notif *n, struct seccomp_notif_resp *resp)
{
	t->was_struck = true;
	switch (t->fault) {
	case FAULT_TORN:
		if (is_write(n->data.nr))
			(void)write_half(n);
		kill(t->pid, SIGKILL);
		return;
	case FAULT_KILL:
	case FAULTS:
		kill(t->pid, SIGKILL);
		return;
	case FAULT_SHORT:
		if (is_write(n->data.nr)) {
			resp->val = write_half(n);
			resp->flags = 0;
			t->is_short = true;
		}
		return;
	case FAULT_ENOSPC:
	case FAULT_EIO:
		if (t->fault == FAULT_ENOSPC ? !is_write(n->data.nr)
					     : !touches_the_disk(n->data.nr))
			return;
		resp->error = t->fault == FAULT_ENOSPC ? -ENOSPC : -EIO;
		resp->flags = 0;
		return;
	}
}

static void answer_call(struct trial *t, int listener)
{
	struct seccomp_notif n = {0};
	struct seccomp_notif_resp resp = {.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};

	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &n))
		return;
	resp.id = n.id;
	t->calls++;
	assert_true(t->calls < CALLS_MAX);
	if (t->is_short && is_write(n.data.nr)) {
		resp.error = -ENOSPC;
		resp.flags = 0;
		t->is_short = false;
	} else if (t->calls == t->at) {
		strike(t, &n, &resp);
	}
	/* ENOENT: it was killed meanwhile. */
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &resp);
}

/* Return: whether the child lived long enough to be struck */
static bool run_trial(struct trial *t, const struct script *script)
{
	int listener, status;

	t->pid = start_child(script, &listener);
	for (;;) {
		struct pollfd p = {listener, POLLIN, 0};

		assert_true(poll(&p, 1, 10000) == 1);
		if (p.revents & POLLIN)
			answer_call(t, listener);
		else if (p.revents & POLLHUP)
			break;
	}
	close(listener);
	assert_int_equal(waitpid(t->pid, &status, 0), t->pid);
	if (!WIFSIGNALED(status))
		assert_int_equal(status, 0);
	return t->was_struck;
}

/* --- what is found afterwards --------------------------------------------------------- */

static struct expected look(struct limits *limits)
{
	/* The first is over, so that nothing is charged by looking. */
	struct limits_charge charges[5] = {charge_of(9, MINUTE, 0, 1)};
	struct limits_answer answer;

	(void)make_charges(charges + 1, 10, true);
	assert_int_equal(limits_charge(limits, charges, 5, &answer), 0);
	assert_int_equal(answer.over, 0);
	assert_int_equal(answer.used[1], answer.used[3]);
	return (struct expected){answer.used[1], answer.used[2], answer.used[4]};
}

static bool agrees(const struct expected *found, const struct expected *expected)
{
	return found->used == expected->used && found->values == expected->values &&
	       found->token == expected->token;
}

static void check_log(const struct trial *t, const struct script *script)
{
	struct limits *limits = open_with(&now, 1);
	struct expected found = look(limits), least = expect(script, progress->done);
	struct expected most = expect(script, progress->begun);
	uint64_t granted = 0;

	if (!agrees(&found, &least) && !agrees(&found, &most))
		fail_msg("fault %d at call %d: step %d of %d, found %d %d %d, expected %d %d %d",
			 (int)t->fault, t->at, progress->done, progress->begun, (int)found.used,
			 (int)found.values, found.token, (int)least.used, (int)least.values,
			 least.token);
	while (fits(limits, charge_of(1, MINUTE, MAX, 1)))
		granted++;
	assert_int_equal(found.used + granted, MAX);
	if (found.token)
		assert_true(fits(limits, token));
	assert_false(fits(limits, token));
	limits_free(limits);
}

/* --- the state before ------------------------------------------------------------------ */

static struct {
	char bytes[FILE_BYTES];
	ssize_t n;
} saved[FILES];

static void save_files(void)
{
	for (size_t i = 0; i < FILES; i++) {
		autoclose int fd = openat(state_fd, names[i], O_RDONLY | O_CLOEXEC);

		saved[i].n = fd < 0 ? -1 : read(fd, saved[i].bytes, FILE_BYTES);
		assert_true(saved[i].n < (ssize_t)FILE_BYTES);
	}
}

static void restore_files(void)
{
	empty_log();
	for (size_t i = 0; i < FILES; i++) {
		autoclose int fd = saved[i].n < 0 ? -1
						  : openat(state_fd, names[i],
							   O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		if (fd >= 0)
			assert_int_equal(write(fd, saved[i].bytes, (size_t)saved[i].n), saved[i].n);
	}
}

static void try_everywhere(const struct script *script, int least_calls)
{
	save_files();
	for (int fault = 0; fault < FAULTS; fault++) {
		struct trial t;

		for (int at = 1;; at++) {
			restore_files();
			t = (struct trial){.fault = (enum fault)fault, .at = at};
			if (!run_trial(&t, script))
				break;
			check_log(&t, script);
		}
		/* The last one went through, unstruck. */
		assert_int_equal(progress->done, script->n);
		for (int i = 0; i < script->n; i++)
			assert_int_equal(progress->failed[i], 0);
		assert_true(t.calls >= least_calls);
	}
}

static void test_every_system_call_from_nothing(void **state)
{
	static const enum step steps[] = {CHARGE, FLUSH,        CHARGE, REFUND,       PUT,
					  CHARGE, CHARGE_TOKEN, REFUND, CHARGE_TOKEN, FLUSH};
	const struct script script = {steps, ARRAY_SIZE(steps)};

	(void)state;
	empty_log();
	try_everywhere(&script, 60);
}

/* A log so long that the next charge writes it anew. */
static void test_every_system_call_of_a_compaction(void **state)
{
	static const enum step steps[] = {CHARGE, CHARGE, PUT, CHARGE_TOKEN, REFUND};
	const struct script script = {steps, ARRAY_SIZE(steps)};
	struct limits *limits;
	struct stat st;

	(void)state;
	empty_log();
	limits = open_with(&now, 1);
	do {
		struct limits_charge noise = charge_of(8, 1, 1000000, 1);

		noise.keep_ms = 1;
		assert_true(fits(limits, noise));
		assert_int_equal(fstatat(state_fd, "limits.0", &st, 0), 0);
	} while (st.st_size < COMPACT_MIN_LINES * 128 - 200);
	limits_free(limits);
	assert_int_equal(fstatat(state_fd, "limits.1", &st, 0), 0);
	assert_int_equal(st.st_size, 0);
	try_everywhere(&script, 40);
	/* It was: the last trial, which nothing struck, went on in the other file. */
	assert_int_equal(fstatat(state_fd, "limits.1", &st, 0), 0);
	assert_true(st.st_size > 0 && st.st_size < 4096);
}

static int make_all(void **state)
{
	progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	return progress == MAP_FAILED || make_dir(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_system_call_from_nothing),
		cmocka_unit_test(test_every_system_call_of_a_compaction),
	};

	return cmocka_run_group_tests(tests, make_all, remove_dir);
}
