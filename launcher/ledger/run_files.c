// SPDX-License-Identifier: Apache-2.0
#include "ledger/run_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "ledger/record.h"
#include "ledger/scan.h"

#define TOOLS_FILE_MAX (4u << 20)

static int make_file(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : fd;
}

void run_files_close(struct run_files *files)
{
	for (size_t i = 0; i < files->n_served; i++) {
		free(files->served[i].server);
		free(files->served[i].tools);
	}
	files->n_served = 0;
	fd_close(&files->status_fd);
	fd_close(&files->tools_fd);
}

static void put_layers(struct record *r, const char *layers)
{
	autobuf struct buf list = BUF_INIT(2 * RUN_LAYERS_MAX);

	while (!r->error && *layers) {
		size_t n = strcspn(layers, ",");
		int e = buf_printf(&list, "%s\"%.*s\"", list.len ? "," : "[", (int)n, layers);

		if (e)
			r->error = e;
		layers += n + (layers[n] == ',');
	}
	if (!r->error)
		r->error = buf_puts(&list, list.len ? "]" : "[]");
	if (!r->error)
		record_json(r, "layers", span_bytes(list.data, list.len));
}

static void put_optional(struct record *r, const char *key, bool is_there, uint64_t value)
{
	if (is_there)
		record_u64(r, key, value);
	else
		record_null(r, key);
}

static void put_text(struct record *r, const char *key, const char *text)
{
	if (*text)
		record_string(r, key, span_of(text));
	else
		record_null(r, key);
}

int run_status_write(const struct run_files *files, const struct run_status *s)
{
	struct record r = {.line = BUF_INIT(RUN_STATUS_BYTES)};
	char text[RUN_STATUS_BYTES];
	int error;

	if (files->status_fd < 0)
		return -EBADF;
	record_open(&r);
	record_string(&r, "run", span_of(s->run_id));
	put_text(&r, "tier", s->tier);
	put_layers(&r, s->layers);
	put_optional(&r, "child_exit", s->child_exit >= 0, (uint64_t)s->child_exit);
	put_optional(&r, "signal", s->signal > 0, (uint64_t)s->signal);
	record_u64(&r, "allowed", s->counts.allowed);
	record_u64(&r, "denied", s->counts.denied);
	record_u64(&r, "unknown", s->counts.unknown);
	record_u64(&r, "lost", s->counts.lost);
	record_u64(&r, "egress_allowed", s->counts.egress_allowed);
	record_u64(&r, "egress_refused", s->counts.egress_refused);
	if (s->second_wall[0])
		record_json(&r, "second_wall", span_of(s->second_wall));
	else
		record_null(&r, "second_wall");
	if (s->submodules[0])
		record_json(&r, "submodules", span_of(s->submodules));
	put_text(&r, "log_head", s->log_head);
	record_close(&r);
	memset(text, ' ', sizeof(text));
	text[sizeof(text) - 1] = '\n';
	error = r.error;
	if (!error && r.line.len >= sizeof(text))
		error = -EMSGSIZE;
	if (!error)
		memcpy(text, r.line.data, r.line.len);
	buf_free(&r.line);
	return error ? error : io_write_all_at(files->status_fd, text, sizeof(text), 0);
}

int run_policy_copy(int run_dirfd, struct span policy)
{
	autoclose int fd = make_file(run_dirfd, "policy.json");

	return fd < 0 ? fd : io_write_all_at(fd, policy.p, policy.n, 0);
}

static int write_tools(struct run_files *files, struct hasher *h)
{
	struct record r = {.line = BUF_INIT(TOOLS_FILE_MAX)};
	struct span text;
	int error;

	record_open(&r);
	for (size_t i = 0; i < files->n_served; i++)
		record_json(&r, files->served[i].server, span_of(files->served[i].tools));
	record_close(&r);
	if (!r.error)
		r.error = buf_puts(&r.line, "\n");
	error = r.error;
	text = span_bytes(r.line.data, r.line.len);
	files->has_tools = false;
	if (!error)
		error = io_write_all_at(files->tools_fd, text.p, text.n, 0);
	if (!error && ftruncate(files->tools_fd, (off_t)text.n))
		error = -errno;
	if (!error)
		error = hasher_sha256(h, &text, 1, &files->tools_sha256);
	files->has_tools = !error;
	buf_free(&r.line);
	return error;
}

int run_files_open(int run_dirfd, struct hasher *h, struct run_files *ret)
{
	int status = make_file(run_dirfd, "status.json");
	int tools = make_file(run_dirfd, "tools.json");

	*ret = (struct run_files){.status_fd = status < 0 ? -1 : status,
				  .tools_fd = tools < 0 ? -1 : tools};
	if (tools >= 0)
		tools = write_tools(ret, h);
	return status < 0 ? status : tools < 0 ? tools : 0;
}

int run_tools_set(struct run_files *files, struct hasher *h, struct span server, struct span tools)
{
	autofree char *server_copy = strndup(server.p ? server.p : "", server.n);
	autofree char *tools_copy = strndup(tools.p ? tools.p : "", tools.n);
	size_t i = 0;
	int r;

	if (!scan_is_value(tools))
		return -EINVAL;
	if (files->tools_fd < 0)
		return -EBADF;
	if (!server_copy || !tools_copy)
		return -ENOMEM;
	while (i < files->n_served && strcmp(files->served[i].server, server_copy))
		i++;
	if (i == RUN_SERVERS_MAX)
		return -ENOSPC;
	if (i < files->n_served && !strcmp(files->served[i].tools, tools_copy))
		return 0;
	if (i == files->n_served) {
		files->served[i].server = ptr_take(&server_copy);
		files->n_served++;
	}
	free(files->served[i].tools);
	files->served[i].tools = ptr_take(&tools_copy);
	r = write_tools(files, h);
	return r ? r : 1;
}

int run_file_read(int run_dirfd, const char *name, struct buf *ret)
{
	autoclose int fd = openat(run_dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	return io_read_to_end(fd, ret);
}

FILE *run_ledger_open(int run_dirfd)
{
	autoclose int fd =
		openat(run_dirfd, "ledger.jsonl", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");

	if (file)
		fd_take(&fd);
	return file;
}
