// SPDX-License-Identifier: Apache-2.0
/*
 * The control socket: who is listened to, and that a reload comes into force everywhere or
 * nowhere. The parts are sockets that this test answers by itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "roles/supervision.h"

struct world {
	struct supervision s;
	struct supervisor_plan plan;
	struct run_result result;
	struct channel parts[PARTS]; /* the far ends */
	struct channel asker;
	char dir[32];
	const char *error; /* of the next read_policy; NULL: it succeeds */
};

static int read_policy(void *arg, char *ret_path, int *ret_fd, struct error *err)
{
	struct world *w = arg;

	if (w->error) {
		error_set(err, "p.json", NULL, "%s", w->error);
		return -22;
	}
	*ret_fd = memfd_create("policy", MFD_CLOEXEC);
	assert_int_equal(write(*ret_fd, "{}", 2), 2);
	snprintf(ret_path, IPC_PATH_MAX, "/p.json");
	return 0;
}

static void join(struct channel *near, struct channel *far, enum role self, enum role peer)
{
	int pair[2];

	assert_int_equal(channel_pair(pair), 0);
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	fcntl(pair[1], F_SETFL, O_NONBLOCK);
	assert_int_equal(channel_open(near, pair[0], self, peer), 0);
	assert_int_equal(channel_open(far, pair[1], peer, self), 0);
	/* Both have long said that they are ready. */
	if (peer != ROLE_CONTROL)
		near->phases = far->phases = IPC_RUN;
}

static int set_up(void **state)
{
	static const enum role roles[] = {ROLE_KEEPER, ROLE_DIALER, ROLE_PROXY};
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	strcpy(w->dir, "/tmp/mcpjail-control-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	w->plan.run_fd = open(w->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	w->plan.policy_fd = memfd_create("policy", MFD_CLOEXEC);
	w->plan.read_policy = read_policy;
	w->plan.read_policy_arg = w;
	w->s = (struct supervision){.plan = &w->plan,
				    .result = &w->result,
				    .stage = STAGE_RUNNING,
				    .init_pidfd = -1,
				    .service = {.is_started = true},
				    .control = control_none()};
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		join(&w->s.parts[i].channel, &w->parts[i], ROLE_SUPERVISOR, roles[i]);
	control_open(&w->s);
	join(&w->s.control.clients[0], &w->asker, ROLE_SUPERVISOR, ROLE_CONTROL);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	control_close(&w->s);
	for (size_t i = 0; i < 3; i++) {
		channel_close(&w->s.parts[i].channel);
		channel_close(&w->parts[i]);
	}
	channel_close(&w->asker);
	close(w->plan.run_fd);
	close(w->plan.policy_fd);
	unlinkat(AT_FDCWD, w->dir, AT_REMOVEDIR);
	free(w);
	return 0;
}

/* --- a reload ------------------------------------------------------------------------- */

static void turn(struct world *w)
{
	struct pollfd fds[CONTROL_FDS];

	control_poll(&w->s.control, fds);
	assert_true(poll(fds, CONTROL_FDS, 0) >= 0);
	control_move(&w->s, fds);
}

/* The type of what the far end has received; MSG_NONE: nothing. */
static enum message_type received(struct channel *far)
{
	enum message_type type;
	struct message m;

	if (channel_receive(far, &m) != 1)
		return MSG_NONE;
	type = m.type;
	message_free(&m);
	return type;
}

static void say(struct world *w, enum part_index part, enum message_type type, bool failed)
{
	const struct msg_policy_taken taken = {failed, span_of(failed ? "no memory" : "")};
	struct message m;

	assert_int_equal(channel_send(&w->parts[part], type, &taken), 0);
	assert_int_equal(channel_receive(&w->s.parts[part].channel, &m), 1);
	assert_int_equal(control_on_taken(&w->s, &m), 0);
	message_free(&m);
}

/* Return: what the asker was told: 0 done, 1 refused, -1 nothing yet */
static int told(struct world *w)
{
	struct msg_reloaded reloaded;
	struct message m;
	int failed;

	if (channel_receive(&w->asker, &m) != 1)
		return -1;
	assert_int_equal(message_decode(&m, &reloaded), 0);
	failed = reloaded.failed;
	message_free(&m);
	return failed;
}

static void ask(struct world *w)
{
	assert_int_equal(channel_send(&w->asker, MSG_RELOAD, NULL), 0);
	turn(w);
}

static void test_reload_goes_from_part_to_part(void **state)
{
	struct world *w = *state;

	ask(w);
	assert_int_equal(received(&w->parts[PART_KEEPER]), MSG_KEEPER_POLICY);
	assert_int_equal(received(&w->parts[PART_DIALER]), MSG_NONE);
	say(w, PART_KEEPER, MSG_KEEPER_POLICY_TAKEN, false);
	assert_int_equal(received(&w->parts[PART_DIALER]), MSG_DIALER_POLICY);
	assert_int_equal(received(&w->parts[PART_PROXY]), MSG_NONE);
	say(w, PART_DIALER, MSG_DIALER_POLICY_TAKEN, false);
	assert_int_equal(received(&w->parts[PART_PROXY]), MSG_PROXY_POLICY);
	assert_int_equal(told(w), -1);
	say(w, PART_KEEPER, MSG_KEEPER_POLICY_TAKEN, false);
	assert_int_equal(told(w), 0);
	assert_int_equal(w->s.control.stage, RELOAD_NONE);
	assert_true(w->s.control.in_force_fd >= 0);
	assert_int_equal(unlinkat(w->plan.run_fd, "policy.2.json", 0), 0);
}

static void test_a_file_that_is_wrong_reaches_no_part(void **state)
{
	struct world *w = *state;

	w->error = "unknown key";
	ask(w);
	assert_int_equal(received(&w->parts[PART_KEEPER]), MSG_RELOAD_FAILED);
	assert_int_equal(told(w), -1);
	say(w, PART_KEEPER, MSG_KEEPER_POLICY_TAKEN, false);
	assert_int_equal(told(w), 1);
	assert_int_equal(received(&w->parts[PART_DIALER]), MSG_NONE);
	assert_int_equal(received(&w->parts[PART_PROXY]), MSG_NONE);
}

static void test_what_the_dialer_refuses_does_not_reach_the_proxy(void **state)
{
	struct world *w = *state;

	ask(w);
	received(&w->parts[PART_KEEPER]);
	say(w, PART_KEEPER, MSG_KEEPER_POLICY_TAKEN, false);
	say(w, PART_DIALER, MSG_DIALER_POLICY_TAKEN, true);
	assert_int_equal(received(&w->parts[PART_KEEPER]), MSG_RELOAD_FAILED);
	say(w, PART_KEEPER, MSG_KEEPER_POLICY_TAKEN, false);
	assert_int_equal(told(w), 1);
	assert_int_equal(received(&w->parts[PART_PROXY]), MSG_NONE);
	unlinkat(w->plan.run_fd, "policy.2.json", 0);
}

static void test_what_the_proxy_refuses_is_taken_back_from_the_dialer(void **state)
{
	struct world *w = *state;

	ask(w);
	received(&w->parts[PART_KEEPER]);
	say(w, PART_KEEPER, MSG_KEEPER_POLICY_TAKEN, false);
	assert_int_equal(received(&w->parts[PART_DIALER]), MSG_DIALER_POLICY);
	say(w, PART_DIALER, MSG_DIALER_POLICY_TAKEN, false);
	say(w, PART_PROXY, MSG_PROXY_POLICY_REFUSED, true);
	assert_int_equal(received(&w->parts[PART_DIALER]), MSG_DIALER_POLICY);
	assert_int_equal(received(&w->parts[PART_KEEPER]), MSG_NONE);
	say(w, PART_DIALER, MSG_DIALER_POLICY_TAKEN, false);
	assert_int_equal(received(&w->parts[PART_KEEPER]), MSG_RELOAD_FAILED);
	say(w, PART_KEEPER, MSG_KEEPER_POLICY_TAKEN, false);
	assert_int_equal(told(w), 1);
	assert_int_equal(w->s.stage, STAGE_RUNNING);
	assert_int_equal(w->s.control.in_force_fd, -1);
	unlinkat(w->plan.run_fd, "policy.2.json", 0);
}

static void test_a_dialer_that_cannot_go_back_ends_the_run(void **state)
{
	struct world *w = *state;

	ask(w);
	say(w, PART_KEEPER, MSG_KEEPER_POLICY_TAKEN, false);
	say(w, PART_DIALER, MSG_DIALER_POLICY_TAKEN, false);
	say(w, PART_PROXY, MSG_PROXY_POLICY_REFUSED, true);
	say(w, PART_DIALER, MSG_DIALER_POLICY_TAKEN, true);
	assert_int_equal(w->s.stage, STAGE_ENDING);
	unlinkat(w->plan.run_fd, "policy.2.json", 0);
}

static void test_an_answer_that_was_not_asked_for_is_a_breach(void **state)
{
	struct world *w = *state;
	const struct msg_policy_taken taken = {0, span_of("")};
	struct message m;

	assert_int_equal(channel_send(&w->parts[PART_DIALER], MSG_DIALER_POLICY_TAKEN, &taken), 0);
	assert_int_equal(channel_receive(&w->s.parts[PART_DIALER].channel, &m), 1);
	assert_int_equal(control_on_taken(&w->s, &m), -EPROTO);
	message_free(&m);
}

static void test_a_run_takes_so_many_policies_and_no_more(void **state)
{
	struct world *w = *state;

	w->s.control.n_reloads = IPC_RELOADS_MAX;
	ask(w);
	assert_int_equal(received(&w->parts[PART_KEEPER]), MSG_RELOAD_FAILED);
	say(w, PART_KEEPER, MSG_KEEPER_POLICY_TAKEN, false);
	assert_int_equal(told(w), 1);
}

/* --- who asks ------------------------------------------------------------------------------ */

static int connect_here(const struct world *w)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/" CONTROL_NAME, w->dir);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void test_the_socket_is_its_users_alone(void **state)
{
	struct world *w = *state;
	struct stat st;

	assert_int_equal(fstatat(w->plan.run_fd, CONTROL_NAME, &st, 0), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0600);
	control_close(&w->s);
	assert_int_equal(fstatat(w->plan.run_fd, CONTROL_NAME, &st, 0), -1);
}

static void test_a_descendant_is_not_listened_to(void **state)
{
	struct world *w = *state;
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		char byte;
		int fd = connect_here(w);

		/* Closed without a word. */
		_exit(read(fd, &byte, 1) == 0 ? 0 : 1);
	}
	for (int i = 0; i < 200 && waitpid(pid, &status, WNOHANG) == 0; i++) {
		turn(w);
		usleep(5000);
	}
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	for (size_t i = 1; i < CONTROL_CLIENTS; i++)
		assert_int_equal(w->s.control.clients[i].fd, -1);
}

/* Its parent is no descendant of it. */
static void test_a_process_beside_is_listened_to(void **state)
{
	struct world *w = *state;
	int status = -1;
	pid_t pid;

	pid = fork();
	if (!pid) {
		/* The child is the one that listens, its parent the one that asks. */
		bool may = false;

		for (int i = 0; i < 400 && !may; i++) {
			autoclose int fd = accept4(w->s.control.listener, NULL, NULL, SOCK_CLOEXEC);

			may = fd >= 0 && control_peer_may(fd);
			usleep(5000);
		}
		_exit(may ? 0 : 1);
	}
	close(connect_here(w));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH(test_reload_goes_from_part_to_part),
		WITH(test_a_file_that_is_wrong_reaches_no_part),
		WITH(test_what_the_dialer_refuses_does_not_reach_the_proxy),
		WITH(test_what_the_proxy_refuses_is_taken_back_from_the_dialer),
		WITH(test_a_dialer_that_cannot_go_back_ends_the_run),
		WITH(test_an_answer_that_was_not_asked_for_is_a_breach),
		WITH(test_a_run_takes_so_many_policies_and_no_more),
		WITH(test_the_socket_is_its_users_alone),
		WITH(test_a_descendant_is_not_listened_to),
		WITH(test_a_process_beside_is_listened_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
