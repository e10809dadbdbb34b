// SPDX-License-Identifier: Apache-2.0
#include "roles/role_policy.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/io.h"

int role_policy_text(int fd, struct buf *ret)
{
	struct stat st;
	void *room;
	int r;

	if (fstat(fd, &st))
		return -errno;
	if (st.st_size <= 0 || st.st_size > POLICY_BYTES_MAX)
		return -EFBIG;
	ret->max = POLICY_BYTES_MAX;
	room = buf_reserve(ret, (size_t)st.st_size);
	if (!room)
		return -ENOMEM;
	r = io_read_all_at(fd, room, (size_t)st.st_size, 0);
	if (!r)
		buf_commit(ret, (size_t)st.st_size);
	return r;
}

int role_policy_load(int fd, struct policy **ret, struct error *err)
{
	autopolicyerrors struct policy_errors errors = {.n = 0};
	autobuf struct buf text = BUF_INIT(0);
	int r = role_policy_text(fd, &text);

	if (!r)
		r = policy_parse((const char *)text.data, text.len, "policy", ret, &errors);
	if (policy_errors_count(&errors))
		*err = *policy_errors_at(&errors, 0);
	return r;
}

int role_policy_answer(struct channel *supervisor, enum message_type type, int r,
		       const struct error *err)
{
	char line[ERROR_LINE_BYTES];
	struct msg_policy_taken taken = {.failed = r != 0, .reason = span_of("")};

	if (r && err->what[0]) {
		error_format(err, line, sizeof(line));
		taken.reason = span_of(line);
	} else if (r) {
		taken.reason = span_of(strerror(-r));
	}
	return channel_send(supervisor, type, &taken);
}
