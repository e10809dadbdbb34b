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
#include "summary_lines.h"

#define LINE_BYTES 1536

void summary_say(const struct summary_facts *facts, const char *format, ...)
{
	char line[LINE_BYTES], safe[2 * LINE_BYTES];
	va_list ap;

	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	log_notice("%s", line);
	if (facts->fd < 0)
		return;
	text_escape_terminal(line, strlen(line), safe, sizeof(safe) - 1);
	strcat(safe, "\n");
	if (write(facts->fd, safe, strlen(safe)) < 0)
		log_error("--summary: %s", strerror(errno));
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

void summary_tell(const struct run_result *res, const struct summary_facts *facts)
{
	if (!res->has_ledger) {
		if (res->end != RUN_END_NOT_MADE)
			log_error("the ledger was not closed; what was recorded is in %s",
				  facts->run_dir);
		return;
	}
	if (res->ledger.failure[0])
		log_error("%s", res->ledger.failure);
	if (res->end == RUN_END_NOT_MADE || res->end == RUN_END_NOT_EXECED)
		return;
	summary_say(facts, "calls: %" PRIu64 " allowed, %" PRIu64 " denied%s", res->ledger.allowed,
		    res->ledger.denied, res->ledger.unknown ? ", outcomes unknown: see trace" : "");
	summary_refused(res, facts);
	summary_say(facts, "records: %s", facts->run_dir);
	if (!res->ledger.failure[0])
		summary_say(facts, "anchor: %s:%s", res->ledger.head, res->ledger.key_fingerprint);
}
