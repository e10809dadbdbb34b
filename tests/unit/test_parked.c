// SPDX-License-Identifier: Apache-2.0
/*
 * The listener and the caller are this test's own: what a try comes to, and whether anybody still
 * waits, is what each case says. An attempt holds the ends of pipes, whose other ends tell when it
 * has let go.
 */
#include "cmocka_all.h"

#include "broker/parked.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define FULL        1000000 /* tries: for as long as the test runs */
#define NEVER       INT32_MIN
#define PATIENCE_MS 5000
#define SIGNALLED   (-512) /* the kernel's own ERESTARTSYS */

enum { HELD_CALLER = 0, HELD_SOCKET, HELD_PIN, HELD };

/* One attempt, found by its call's id. */
struct one {
	int full_tries; /* that find no room; then @result */
	int result;
	bool has_gone, has_signal, must_end;
	long until_ms; /* from now; 0: for ever */
	int expected;  /* that it is finished with; NEVER: it is not finished */
	/* what became of it */
	int tries, finishes, finished_with;
	int pipes[HELD];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct one *ones;

/* In place of broker/caller.c, which asks the kernel. */
bool caller_is_waiting(const struct caller *c)
{
	return !ones[c->call.id].has_gone;
}

bool caller_has_signal(const struct caller *c)
{
	return ones[c->call.id].has_signal;
}

void caller_close(struct caller *c)
{
	fd_close(&c->proc_fd);
}

static int on_connect(void *owner, const struct attempt *a)
{
	struct one *one = &ones[a->caller.call.id];
	int r;

	assert_ptr_equal(owner, &lock);
	pthread_mutex_lock(&lock);
	r = one->tries++ < one->full_tries ? -EAGAIN : one->result;
	pthread_mutex_unlock(&lock);
	return r;
}

static void on_finish(void *owner, struct attempt *a, int r)
{
	struct one *one = &ones[a->caller.call.id];

	(void)owner;
	pthread_mutex_lock(&lock);
	one->finishes++;
	one->finished_with = r;
	pthread_mutex_unlock(&lock);
}

static struct attempt open_attempt(struct one *all, uint64_t id)
{
	struct attempt a = {.caller = {.call = {.id = id}}, .must_end = all[id].must_end};
	int *const ends[HELD] = {&a.caller.proc_fd, &a.socket, &a.pin};

	for (size_t i = 0; i < HELD; i++) {
		int ends_of_pipe[2];

		assert_int_equal(pipe2(ends_of_pipe, O_CLOEXEC), 0);
		all[id].pipes[i] = ends_of_pipe[0];
		*ends[i] = ends_of_pipe[1];
	}
	if (all[id].until_ms)
		a.until_ms = (uint64_t)((long)clock_mono_ms() + all[id].until_ms);
	return a;
}

/* Whether all that it held is closed within @ms. */
static bool has_let_go(const struct one *one, int ms)
{
	for (size_t i = 0; i < HELD; i++) {
		struct pollfd end = {.fd = one->pipes[i], .events = POLLIN};

		if (poll(&end, 1, ms) != 1 || !(end.revents & POLLHUP))
			return false;
	}
	return true;
}

static void close_pipes(struct one *one)
{
	for (size_t i = 0; i < HELD; i++)
		close(one->pipes[i]);
}

/* Its thread runs for ever, as the broker's does: one serves all tests. */
static struct parked *parked(void)
{
	static struct parked *p;
	const struct parked_hooks hooks = {on_connect, on_finish, &lock, false};

	if (!p)
		assert_int_equal(parked_new(&hooks, &p), 0);
	return p;
}

static void add(struct one *all, uint64_t id)
{
	struct attempt a = open_attempt(all, id);

	assert_int_equal(parked_add(parked(), &a), 0);
	assert_int_equal(a.caller.proc_fd, -1);
	assert_int_equal(a.socket, -1);
	assert_int_equal(a.pin, -1);
}

static void test_each_ends_by_itself_and_once(void **state)
{
	static struct one cases[] = {
		{.full_tries = 0, .result = 0, .expected = 0},
		{.full_tries = 7, .result = 0, .expected = 0},
		{.full_tries = 1, .result = -ECONNREFUSED, .expected = -ECONNREFUSED},
		{.full_tries = FULL, .until_ms = -1, .expected = -EAGAIN},
		{.full_tries = FULL, .until_ms = 30, .expected = -EAGAIN},
		{.full_tries = 3, .result = 0, .until_ms = PATIENCE_MS, .expected = 0},
		{.full_tries = FULL, .has_signal = true, .expected = SIGNALLED},
		/* What has come about counts, signal or not. */
		{.full_tries = 0, .result = 0, .has_signal = true, .expected = 0},
		{.full_tries = FULL, .has_gone = true, .expected = NEVER},
		/* What its tries alone end is not let go before. */
		{.full_tries = 7, .must_end = true, .has_gone = true, .expected = 0},
		{.full_tries = 7, .must_end = true, .has_signal = true, .expected = 0},
		{.full_tries = 7, .must_end = true, .until_ms = -1, .expected = 0},
	};

	(void)state;
	ones = cases;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		add(cases, i);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct one *one = &cases[i];

		assert_true(has_let_go(one, PATIENCE_MS));
		assert_int_equal(one->finishes, one->expected != NEVER);
		if (one->expected != NEVER)
			assert_int_equal(one->finished_with, one->expected);
		if (one->full_tries != FULL)
			assert_int_equal(one->tries, one->full_tries + 1);
		close_pipes(one);
	}
}

static void test_one_that_waits_holds_up_nobody(void **state)
{
	static struct one cases[] = {{.full_tries = FULL}, {.full_tries = 2}, {.full_tries = 2}};

	(void)state;
	ones = cases;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		add(cases, i);
	assert_true(has_let_go(&cases[1], PATIENCE_MS));
	assert_true(has_let_go(&cases[2], PATIENCE_MS));
	assert_false(has_let_go(&cases[0], 0));
	pthread_mutex_lock(&lock);
	cases[0].full_tries = 0;
	pthread_mutex_unlock(&lock);
	assert_true(has_let_go(&cases[0], PATIENCE_MS));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		close_pipes(&cases[i]);
}

/* What is tried rarely costs little, however long it waits. */
static void test_tries_become_rare(void **state)
{
	static struct one cases[] = {{.full_tries = FULL, .until_ms = 40 * PARKED_REST_MS}};

	(void)state;
	ones = cases;
	add(cases, 0);
	assert_true(has_let_go(&cases[0], PATIENCE_MS));
	assert_in_range(cases[0].tries, 2, 50);
	close_pipes(&cases[0]);
}

static void test_no_more_than_there_is_room_for(void **state)
{
	static struct one cases[PARKED_MAX + 1];
	struct attempt without = {.caller = {.proc_fd = -1}, .socket = -1, .pin = -1}, last;

	(void)state;
	ones = cases;
	for (size_t i = 0; i <= PARKED_MAX; i++)
		cases[i] = (struct one){.full_tries = FULL};
	for (size_t i = 0; i < PARKED_MAX; i++) {
		struct attempt a = without;

		a.caller.call.id = i;
		assert_int_equal(parked_add(parked(), &a), 0);
	}
	last = open_attempt(cases, PARKED_MAX);
	assert_int_equal(parked_add(parked(), &last), -EAGAIN);
	assert_true(last.socket >= 0);
	assert_false(has_let_go(&cases[PARKED_MAX], 0));
	attempt_free(&last);
	assert_true(has_let_go(&cases[PARKED_MAX], 0));
	close_pipes(&cases[PARKED_MAX]);
}

int main(void)
{
	/* The last leaves no room. */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_ends_by_itself_and_once),
		cmocka_unit_test(test_one_that_waits_holds_up_nobody),
		cmocka_unit_test(test_tries_become_rare),
		cmocka_unit_test(test_no_more_than_there_is_room_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
