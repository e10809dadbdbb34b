/* SPDX-License-Identifier: Apache-2.0 */
/**
 * broker/notify.h - system calls of the agent that its filter hands to the broker
 *
 * One descriptor, the listener, yields calls; each stays blocked until it is answered by
 * its id. A call whose thread was killed is gone: -ENOENT from then on. Nothing in here
 * lets a call continue in the kernel: what was judged are copies, and the agent could
 * have changed the originals since.
 *
 * Any number of threads may receive and answer side by side.
 */
#ifndef MCPJAIL_BROKER_NOTIFY_H
#define MCPJAIL_BROKER_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define NOTIFY_ARGS 6

struct notify_call {
	uint64_t id;
	pid_t tid; /* of the calling thread, in the reader's pid namespace */
	int nr;
	uint64_t args[NOTIFY_ARGS];
};

/**
 * notify_prepare() - Check that this program and the kernel mean the same structures
 *
 * Return: 0; -ENOSYS if they do not
 */
int notify_prepare(int listener);

/** notify_receive() - Wait for the next call. Return: 0; -EPIPE when no caller is left; -errno */
int notify_receive(int listener, struct notify_call *ret);

/** notify_is_pending() - Whether the call still waits: what was read of its thread was its */
bool notify_is_pending(int listener, uint64_t id);

/** notify_answer() - Let the call return @value, or fail if it is a negative errno */
int notify_answer(int listener, uint64_t id, int64_t value);

#define NOTIFY_LOWEST (-1)

/**
 * notify_add_fd() - Give the caller a copy of @fd
 * @number:  The caller's number for it, replacing what is there; NOTIFY_LOWEST: one that is free
 * @cloexec: To be closed when the caller executes
 *
 * The call goes on waiting for its answer.
 *
 * Return: the number; -ENOENT if the call is gone; -EMFILE and the like are the caller's
 */
int notify_add_fd(int listener, uint64_t id, int fd, int number, bool cloexec);

/**
 * notify_answer_fd() - Give the caller a copy of @fd, whose number is the call's answer
 *
 * Return: the number; -errno: the call is not answered
 */
int notify_answer_fd(int listener, uint64_t id, int fd, int number, bool cloexec);

#endif
