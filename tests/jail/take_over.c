// SPDX-License-Identifier: Apache-2.0
/*
 * take_over PID FD ATTEMPT [VICTIM] - make a role do what only an attacker inside it would do
 *
 * Stops the process with ptrace (so this is root's) and has it execute one system call,
 * as code injected into it would. FD is the role's channel to the keeper. Prints what the
 * call returned, or the signal that killed the role; 0 if the attempt was made.
 */
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "ipc/channel.h"

#define SCRATCH_BYTES 8192

#if defined(__x86_64__)
typedef struct user_regs_struct registers;
static uint64_t stack_of(const registers *r)
{
	return r->rsp;
}
static void set_call(registers *r, long nr, const uint64_t args[6])
{
	r->rip -= 2; /* back onto the syscall instruction that it waits in */
	r->orig_rax = ~0ull;
	r->rax = (uint64_t)nr;
	r->rdi = args[0], r->rsi = args[1], r->rdx = args[2];
	r->r10 = args[3], r->r8 = args[4], r->r9 = args[5];
}
static long result_of(const registers *r)
{
	return (long)r->rax;
}
#elif defined(__aarch64__)
typedef struct user_regs_struct registers;
static uint64_t stack_of(const registers *r)
{
	return r->sp;
}
static void set_call(registers *r, long nr, const uint64_t args[6])
{
	r->pc -= 4;
	r->regs[8] = (uint64_t)nr;
	memcpy(r->regs, args, 6 * sizeof(uint64_t));
}
static long result_of(const registers *r)
{
	return (long)r->regs[0];
}
#endif

struct taken {
	pid_t pid, victim;
	int channel;
	uint64_t scratch; /* address in the role's stack, far below what it uses */
};

static void must(long r, const char *what)
{
	if (r < 0) {
		perror(what);
		exit(2);
	}
}

static uint64_t put(const struct taken *t, size_t offset, const void *bytes, size_t n)
{
	struct iovec local = {(void *)(uintptr_t)bytes, n};
	struct iovec remote = {(void *)(uintptr_t)(t->scratch + offset), n};

	must(process_vm_writev(t->pid, &local, 1, &remote, 1, 0), "process_vm_writev");
	return t->scratch + offset;
}

static void call(const struct taken *t, long nr, const uint64_t args[6])
{
	registers regs;
	struct iovec iov = {&regs, sizeof(regs)};
	int status;

	must(ptrace(PTRACE_GETREGSET, t->pid, (void *)NT_PRSTATUS, &iov), "getregset");
	set_call(&regs, nr, args);
	must(ptrace(PTRACE_SETREGSET, t->pid, (void *)NT_PRSTATUS, &iov), "setregset");
	must(ptrace(PTRACE_SINGLESTEP, t->pid, NULL, NULL), "singlestep");
	must(waitpid(t->pid, &status, 0), "waitpid");
	if (WIFSIGNALED(status)) {
		printf("killed by signal %d\n", WTERMSIG(status));
		exit(0);
	}
	if (WIFSTOPPED(status) && WSTOPSIG(status) != SIGTRAP) {
		printf("stopped by signal %d\n", WSTOPSIG(status));
		ptrace(PTRACE_CONT, t->pid, NULL, (void *)(intptr_t)WSTOPSIG(status));
		exit(0);
	}
	must(ptrace(PTRACE_GETREGSET, t->pid, (void *)NT_PRSTATUS, &iov), "getregset");
	printf("returned %ld\n", result_of(&regs));
}

static void try_openat(const struct taken *t)
{
	uint64_t path = put(t, 0, "/etc/passwd", 12);

	call(t, SYS_openat, (uint64_t[6]){(uint64_t)-100, path});
}

static void try_socket(const struct taken *t)
{
	call(t, SYS_socket, (uint64_t[6]){AF_INET, SOCK_STREAM});
}

static void try_connect(const struct taken *t)
{
	struct sockaddr address = {.sa_family = AF_INET};

	call(t, SYS_connect,
	     (uint64_t[6]){(uint64_t)t->channel, put(t, 0, &address, sizeof(address)),
			   sizeof(address)});
}

static void try_memory(const struct taken *t)
{
	struct iovec iov[2] = {{(void *)(uintptr_t)t->scratch, 64}, {(void *)0x10000, 64}};
	uint64_t at = put(t, 0, iov, sizeof(iov));

	call(t, SYS_process_vm_readv,
	     (uint64_t[6]){(uint64_t)t->victim, at, 1, at + sizeof(iov[0]), 1});
}

static void try_execve(const struct taken *t)
{
	call(t, SYS_execve, (uint64_t[6]){put(t, 0, "/bin/sh", 8)});
}

static void try_ptrace(const struct taken *t)
{
	call(t, SYS_ptrace, (uint64_t[6]){PTRACE_ATTACH, (uint64_t)t->victim});
}

static void try_executable_memory(const struct taken *t)
{
	call(t, SYS_mmap, (uint64_t[6]){0, 4096, 7 /* rwx */, 0x22, (uint64_t)-1});
}

static void send_packet(const struct taken *t, const void *bytes, size_t n, bool with_fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct cmsghdr *c = &control.align;
	uint64_t at = put(t, 1024, bytes, n);
	struct iovec iov = {(void *)(uintptr_t)at, n};
	struct msghdr msg = {.msg_iov = (void *)(uintptr_t)put(t, 0, &iov, sizeof(iov)),
			     .msg_iovlen = 1};

	memset(&control, 0, sizeof(control));
	if (with_fd) {
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &t->channel, sizeof(int));
		msg.msg_control = (void *)(uintptr_t)put(t, 256, &control, sizeof(control));
		msg.msg_controllen = sizeof(control);
	}
	call(t, SYS_sendmsg, (uint64_t[6]){(uint64_t)t->channel, put(t, 512, &msg, sizeof(msg))});
}

static struct buf outcome_of(uint64_t call_id)
{
	struct buf b = BUF_INIT(512);
	struct msg_outcome outcome = {.call_id = call_id, .outcome = OUTCOME_ANSWERED};
	uint8_t type[2] = {MSG_OUTCOME, 0};

	buf_append(&b, type, 2);
	wire_encode(message_rule(MSG_OUTCOME)->payload, &outcome, &b);
	return b;
}

static void try_unrecorded_call(const struct taken *t)
{
	struct buf b = outcome_of(4711);

	send_packet(t, b.data, b.len, false);
}

static void try_wrong_length(const struct taken *t)
{
	struct buf b = outcome_of(1);

	send_packet(t, b.data, b.len - 1, false);
}

static void try_forged_fd(const struct taken *t)
{
	struct buf b = outcome_of(1);

	send_packet(t, b.data, b.len, true);
}

/* The keeper hears this from the supervisor, once, at the end; never from the proxy. */
static void try_out_of_order(const struct taken *t)
{
	struct buf b = BUF_INIT(512);
	struct msg_run_ended ended = {.child_exit = 0};
	uint8_t type[2] = {MSG_RUN_ENDED, 0};

	buf_append(&b, type, 2);
	wire_encode(message_rule(MSG_RUN_ENDED)->payload, &ended, &b);
	send_packet(t, b.data, b.len, false);
}

static const struct {
	const char *name;
	void (*run)(const struct taken *);
} attempts[] = {
	{"openat", try_openat},
	{"socket", try_socket},
	{"connect", try_connect},
	{"memory", try_memory},
	{"execve", try_execve},
	{"ptrace", try_ptrace},
	{"executable-memory", try_executable_memory},
	{"unrecorded-call", try_unrecorded_call},
	{"wrong-length", try_wrong_length},
	{"forged-fd", try_forged_fd},
	{"out-of-order", try_out_of_order},
};

int main(int argc, char **argv)
{
	struct taken t;
	registers regs;
	struct iovec iov = {&regs, sizeof(regs)};
	int status;

	if (argc < 4)
		return 2;
	t = (struct taken){.pid = atoi(argv[1]),
			   .channel = atoi(argv[2]),
			   .victim = argc > 4 ? atoi(argv[4]) : 0};
	must(ptrace(PTRACE_SEIZE, t.pid, NULL, NULL), "seize");
	must(ptrace(PTRACE_INTERRUPT, t.pid, NULL, NULL), "interrupt");
	must(waitpid(t.pid, &status, 0), "waitpid");
	must(ptrace(PTRACE_GETREGSET, t.pid, (void *)NT_PRSTATUS, &iov), "getregset");
	t.scratch = (stack_of(&regs) - 3 * SCRATCH_BYTES) & ~15ull;
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		if (strcmp(argv[3], attempts[i].name))
			continue;
		attempts[i].run(&t);
		ptrace(PTRACE_DETACH, t.pid, NULL, NULL);
		return 0;
	}
	return 2;
}
