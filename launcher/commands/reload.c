// SPDX-License-Identifier: Apache-2.0
#include "commands/reload.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "commands/run_lookup.h"
#include "ipc/channel.h"
#include "roles/control_socket.h"

#define ANSWER_S 30

enum reload_exit { RELOAD_EXIT_DONE = 0, RELOAD_EXIT_REFUSED = 1, RELOAD_EXIT_CANNOT = 2 };

static const char usage[] =
	"usage: mcpjail reload [RUN]\n"
	"\n"
	"Makes a run that goes on take its policy's file anew, with what its options added: all "
	"of\n"
	"it, or nothing. What limits have counted stays counted. RUN is a run's id or directory;\n"
	"without it, the last run is meant.\n"
	"\n"
	"exit status: 0 the new policy is in force, 1 it was refused and the old one stays,\n"
	"2 there is no such run, or it is over\n";

/* By the directory's descriptor: its path may be longer than an address. */
static int connect_to_run(int dir_fd)
{
	const struct timeval limit = {ANSWER_S, 0};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	autoclose int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" CONTROL_NAME,
		 dir_fd);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)))
		return -errno;
	return fd_take(&fd);
}

static int tell(const struct message *m, const char *path)
{
	struct msg_reloaded reloaded;
	char shown[4 * PATH_MAX];

	if (m->type != MSG_RELOADED || message_decode(m, &reloaded)) {
		log_error("%s: its answer is none", path);
		return RELOAD_EXIT_CANNOT;
	}
	if (reloaded.failed) {
		log_error("%.*s", (int)reloaded.text.n, reloaded.text.p);
		log_error("%s: the policy in force stays", path);
		return RELOAD_EXIT_REFUSED;
	}
	text_escape_terminal(path, strlen(path), shown, sizeof(shown));
	printf("%s: the policy was taken anew\n", shown);
	return RELOAD_EXIT_DONE;
}

static int ask(int fd, const char *path)
{
	struct channel channel = {.fd = -1};
	struct message m;
	int r = channel_open(&channel, fd, ROLE_CONTROL, ROLE_SUPERVISOR);

	if (r) {
		close(fd);
		log_error("%s: %s", path, strerror(-r));
		return RELOAD_EXIT_CANNOT;
	}
	r = channel_send(&channel, MSG_RELOAD, NULL);
	if (!r)
		r = channel_receive(&channel, &m);
	if (r == 1) {
		r = tell(&m, path);
		message_free(&m);
	} else {
		log_error("%s: no answer: %s", path,
			  r == -EAGAIN ? "the run is busy"
				       : "the run has ended, or takes no request from here");
		r = RELOAD_EXIT_CANNOT;
	}
	channel_close(&channel);
	return r;
}

int command_reload(int argc, char **argv)
{
	char path[PATH_MAX], line[ERROR_LINE_BYTES];
	struct error err = {.what = ""};
	autoclose int dir_fd = -1;
	bool wants_help = argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"));
	int fd;

	if (wants_help || argc > 2 || (argc == 2 && argv[1][0] == '-')) {
		fputs(usage, wants_help ? stdout : stderr);
		return wants_help ? RELOAD_EXIT_DONE : RELOAD_EXIT_CANNOT;
	}
	if (run_lookup(argv[1], path, &dir_fd, &err)) {
		error_format(&err, line, sizeof(line));
		log_error("%s", line);
		return RELOAD_EXIT_CANNOT;
	}
	fd = connect_to_run(dir_fd);
	if (fd < 0) {
		log_error("%s: %s", path,
			  fd == -ENOENT || fd == -ECONNREFUSED ? "this run is over"
							       : strerror(-fd));
		return RELOAD_EXIT_CANNOT;
	}
	return ask(fd, path);
}
