// SPDX-License-Identifier: Apache-2.0
#include "proxy/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"

struct counter {
	struct source source; /* first */
	struct loop *loop;
	struct counter *victim; /* to be buried by this one */
	unsigned left;          /* how often it asks for another turn */
	unsigned turns;
	bool freed;
};

static unsigned rounds, rounds_max;

static void on_round(void *arg)
{
	struct loop *loop = arg;

	loop->stop = ++rounds == rounds_max;
}

static void run_rounds(struct loop *loop, unsigned n)
{
	loop->on_round = on_round;
	loop->arg = loop;
	loop->stop = false;
	rounds = 0;
	rounds_max = n;
	assert_int_equal(loop_run(loop), 0);
}

static void on_turn(struct source *source, uint32_t events)
{
	struct counter *c = (struct counter *)source;

	(void)events;
	c->turns++;
	if (c->victim)
		loop_bury(c->loop, &c->victim->source);
	if (c->left) {
		c->left--;
		loop_again(c->loop, source);
	}
}

static void on_free(struct source *source)
{
	((struct counter *)source)->freed = true;
}

static struct counter counter(struct loop *loop, unsigned left)
{
	return (struct counter){
		.source = {.on_ready = on_turn, .free = on_free}, .loop = loop, .left = left};
}

static void test_again_is_once_a_round_and_lets_events_in(void **state)
{
	struct loop loop;
	struct counter busy, other;
	autoclose int fd = eventfd(1, EFD_CLOEXEC);

	(void)state;
	assert_int_equal(loop_init(&loop), 0);
	busy = counter(&loop, 100);
	other = counter(&loop, 0);
	assert_int_equal(loop_add(&loop, fd, &other.source, LOOP_LEVEL), 0);
	loop_again(&loop, &busy.source);
	loop_again(&loop, &busy.source);
	run_rounds(&loop, 3);
	assert_int_equal(busy.turns, 3);
	assert_int_equal(other.turns, 3);
	loop_close(&loop);
}

static void test_again_ends_with_the_last_who_asks(void **state)
{
	struct loop loop;
	struct counter a, b;

	(void)state;
	assert_int_equal(loop_init(&loop), 0);
	a = counter(&loop, 1);
	b = counter(&loop, 0);
	loop_again(&loop, &a.source);
	loop_again(&loop, &b.source);
	run_rounds(&loop, 2);
	assert_int_equal(a.turns, 2);
	assert_int_equal(b.turns, 1);
	assert_null(loop.again);
	loop_close(&loop);
}

static void test_the_buried_get_no_turn(void **state)
{
	struct loop loop;
	struct counter killer, first, last;

	(void)state;
	assert_int_equal(loop_init(&loop), 0);
	killer = counter(&loop, 1);
	first = counter(&loop, 0);
	last = counter(&loop, 0);
	killer.victim = &last;
	loop_again(&loop, &first.source);
	loop_bury(&loop, &first.source);
	loop_again(&loop, &first.source);
	loop_again(&loop, &killer.source);
	loop_again(&loop, &last.source);
	run_rounds(&loop, 1);
	assert_int_equal(killer.turns, 1);
	killer.victim = NULL;
	run_rounds(&loop, 1);
	assert_int_equal(killer.turns, 2);
	assert_int_equal(first.turns + last.turns, 0);
	assert_true(first.freed && last.freed);
	assert_int_equal(loop.n_again, 0);
	loop_close(&loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_again_is_once_a_round_and_lets_events_in),
		cmocka_unit_test(test_again_ends_with_the_last_who_asks),
		cmocka_unit_test(test_the_buried_get_no_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
