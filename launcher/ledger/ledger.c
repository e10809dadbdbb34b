// SPDX-License-Identifier: Apache-2.0
#include "ledger/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

#define RUN_ID_MAX      64
/* A record this large is rare; its memory is not kept for the next one. */
#define KEEP_LINE_BYTES (64 * 1024)

struct ledger {
	int fd, checkpoints_fd; /* -1: could not be opened */
	off_t end;              /* of whole records */
	off_t checkpoints_end;
	char run_id[RUN_ID_MAX];
	struct hasher *hasher;
	struct note_signer *signer; /* NULL once wiped */
	struct note_key key;
	struct digest prev;
	struct merkle tree;
	uint64_t signed_size, flushed_size, lost;
	struct record record;
	char failure[LEDGER_FAILURE_MAX];
};

static int fail(struct ledger *l, const char *what, int error)
{
	snprintf(l->failure, sizeof(l->failure), "%s: %s", what, strerror(-error));
	return error;
}

static int open_new(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : fd;
}

static void open_files(struct ledger *l, int run_dirfd)
{
	l->fd = open_new(run_dirfd, "ledger.jsonl");
	if (l->fd < 0) {
		fail(l, "cannot make ledger.jsonl in the run directory", l->fd);
		l->fd = -1;
		return;
	}
	l->checkpoints_fd = open_new(run_dirfd, "checkpoints");
	if (l->checkpoints_fd < 0) {
		fail(l, "cannot make checkpoints in the run directory", l->checkpoints_fd);
		/* Records that nobody can check are no records. */
		fd_close(&l->fd);
	}
}

static void ledger_cleanup(struct ledger **l)
{
	ledger_free(*l);
}

int ledger_new(int run_dirfd, const char *run_id, struct ledger **ret)
{
	__attribute__((cleanup(ledger_cleanup))) struct ledger *l = calloc(1, sizeof(*l));
	char name[NOTE_NAME_MAX];
	int r;

	if (!l)
		return -ENOMEM;
	l->fd = l->checkpoints_fd = -1;
	l->record.line = BUF_INIT(RECORD_MAX);
	snprintf(l->run_id, sizeof(l->run_id), "%s", run_id);
	snprintf(name, sizeof(name), LEDGER_ORIGIN "%s", l->run_id);
	l->hasher = hasher_new();
	if (!l->hasher)
		return -ENOMEM;
	r = note_signer_new(name, &l->signer);
	if (r)
		return r;
	l->key = *note_signer_key(l->signer);
	open_files(l, run_dirfd);
	*ret = ptr_take(&l);
	return 0;
}

void ledger_free(struct ledger *l)
{
	if (!l)
		return;
	fd_close(&l->fd);
	fd_close(&l->checkpoints_fd);
	note_signer_free(l->signer);
	hasher_free(l->hasher);
	buf_free(&l->record.line);
	free(l);
}

struct record *ledger_begin(struct ledger *l, const char *type)
{
	struct record *r = &l->record;
	char ts[RECORD_TIME_SIZE];

	record_format_time(clock_ns(CLOCK_REALTIME), ts);
	record_open(r);
	record_u64(r, "v", LEDGER_VERSION);
	record_string(r, "run", span_of(l->run_id));
	record_u64(r, "seq", l->tree.size);
	record_string(r, "ts", span_of(ts));
	record_u64(r, "mono_ns", clock_ns(CLOCK_MONOTONIC));
	record_string(r, "type", span_of(type));
	record_hex(r, "prev", span_bytes(l->prev.b, DIGEST_BYTES));
	return r;
}

/*
 * One write. What it leaves half done is cut off again, so that the next record starts a
 * line; if that fails too, nothing may be written to the file any more.
 */
static int append(int *fd, off_t *end, struct span bytes)
{
	struct stat st;
	ssize_t n;
	int r;

	/* A record in a file that has been removed or cut is no record. */
	if (fstat(*fd, &st))
		return -errno;
	if (!st.st_nlink || st.st_size != *end)
		return -ESTALE;
	do
		n = write(*fd, bytes.p, bytes.n);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)bytes.n) {
		*end += n;
		return 0;
	}
	r = n < 0 ? -errno : -ENOSPC;
	if (n > 0 && ftruncate(*fd, *end)) {
		r = -errno;
		fd_close(fd);
	}
	return r;
}

static int commit(struct ledger *l)
{
	struct buf *line = &l->record.line;
	struct merkle tree = l->tree;
	struct digest head;
	struct span leaf;
	int r;

	record_close(&l->record);
	leaf = span_bytes(line->data, line->len);
	r = l->record.error;
	if (!r)
		r = hasher_sha256(l->hasher, &leaf, 1, &head);
	if (!r)
		r = merkle_add(&tree, l->hasher, leaf);
	if (!r)
		r = buf_append(line, "\n", 1);
	if (r)
		return fail(l, "cannot build a record", r);
	r = append(&l->fd, &l->end, span_bytes(line->data, line->len));
	if (r)
		return fail(l, "cannot write to ledger.jsonl", r);
	l->prev = head;
	l->tree = tree;
	return 0;
}

int ledger_commit(struct ledger *l)
{
	/* Whatever opened the ledger's files failed for has been said already. */
	int r = l->fd < 0 ? -EBADF : commit(l);

	if (r)
		l->lost++;
	if (l->record.line.len > KEEP_LINE_BYTES)
		buf_free(&l->record.line);
	return r;
}

int ledger_checkpoint(struct ledger *l)
{
	autobuf struct buf note = BUF_INIT(NOTE_MAX);
	struct digest root;
	int r;

	if (l->signed_size == l->tree.size || !l->signer || l->checkpoints_fd < 0)
		return 0;
	r = merkle_root(&l->tree, l->hasher, &root);
	if (!r)
		r = note_sign(l->signer, l->hasher, l->tree.size, &root, &note);
	if (!r)
		r = append(&l->checkpoints_fd, &l->checkpoints_end,
			   span_bytes(note.data, note.len));
	if (r)
		return fail(l, "cannot write to checkpoints", r);
	l->signed_size = l->tree.size;
	return 0;
}

int ledger_flush(struct ledger *l)
{
	if (l->flushed_size == l->tree.size || l->fd < 0)
		return 0;
	if (fdatasync(l->fd))
		return fail(l, "cannot bring ledger.jsonl to disk", -errno);
	l->flushed_size = l->tree.size;
	return 0;
}

bool ledger_is_dirty(const struct ledger *l)
{
	return l->flushed_size != l->tree.size || l->signed_size != l->tree.size;
}

void ledger_head(const struct ledger *l, char ret[DIGEST_HEX])
{
	text_hex(l->prev.b, DIGEST_BYTES, ret);
}

const struct note_key *ledger_key(const struct ledger *l)
{
	return &l->key;
}

void ledger_wipe_key(struct ledger *l)
{
	note_signer_free(l->signer);
	l->signer = NULL;
}

uint64_t ledger_lost(const struct ledger *l)
{
	return l->lost;
}

const char *ledger_failure(const struct ledger *l)
{
	return l->failure;
}
