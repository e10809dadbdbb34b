// SPDX-License-Identifier: Apache-2.0
#include "commands/summary.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"

#define LINE_BYTES 1024

struct summary {
	int fd; /* -1: standard error only */
};

static void say(const struct summary *s, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void say(const struct summary *s, const char *format, ...)
{
	char line[LINE_BYTES], safe[2 * LINE_BYTES];
	va_list ap;

	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	log_notice("%s", line);
	if (s->fd < 0)
		return;
	text_escape_terminal(line, strlen(line), safe, sizeof(safe) - 1);
	strcat(safe, "\n");
	if (write(s->fd, safe, strlen(safe)) < 0)
		log_error("--summary: %s", strerror(errno));
}

static void say_refused(const struct summary *s, const struct run_result *res)
{
	for (size_t i = 0; i < res->ledger.n_refused; i++) {
		const char *host = res->ledger.refused[i].host;
		bool is_v6 = strchr(host, ':') != NULL;

		say(s, "refused: %s%s%s:%u, %" PRIu64 " time%s; the policy names no such server",
		    is_v6 ? "[" : "", host, is_v6 ? "]" : "", res->ledger.refused[i].port,
		    res->ledger.refused[i].count, res->ledger.refused[i].count == 1 ? "" : "s");
	}
}

int summary_open(const char *path, int *ret_fd, struct error *err)
{
	struct stat st;
	autoclose int fd = -1;
	int r;

	*ret_fd = -1;
	if (!path)
		return 0;
	/* Neither a link nor a FIFO that an earlier agent left: this writes outside the jail. */
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
	if (fd < 0 || fstat(fd, &st))
		r = -errno;
	else
		r = S_ISREG(st.st_mode) ? 0 : -EINVAL;
	if (!r) {
		*ret_fd = fd_take(&fd);
		return 0;
	}
	error_set(err, "--summary", "name a regular file that is no symbolic link", "%s: %s", path,
		  strerror(-r));
	return r;
}

void summary_tell(const struct run_result *res, const char *run_dir, int fd)
{
	struct summary s = {.fd = fd};

	if (!res->has_ledger) {
		if (res->end != RUN_END_NOT_MADE)
			log_error("the ledger was not closed; what was recorded is in %s", run_dir);
		return;
	}
	if (res->ledger.failure[0])
		log_error("%s", res->ledger.failure);
	if (res->end == RUN_END_NOT_MADE || res->end == RUN_END_NOT_EXECED)
		return;
	say(&s, "calls: %" PRIu64 " allowed, %" PRIu64 " denied%s", res->ledger.allowed,
	    res->ledger.denied, res->ledger.unknown ? ", outcomes unknown: see trace" : "");
	say_refused(&s, res);
	say(&s, "records: %s", run_dir);
	if (!res->ledger.failure[0])
		say(&s, "anchor: %s:%s", res->ledger.head, res->ledger.key_fingerprint);
}
