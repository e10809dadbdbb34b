// SPDX-License-Identifier: Apache-2.0
/*
 * A run's records, written as the keeper writes them and then changed. The input: which
 * file is changed, where, how, and text for the records. What must hold:
 *   - what was written verifies, whatever text is in it;
 *   - with the anchor, a ledger or checkpoints of which any byte was changed, cut off or
 *     added never verify as complete;
 *   - the verifier says what is wrong, and reads nothing past the end of a torn file.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "ledger/ledger.h"
#include "ledger/run_files.h"
#include "ledger/verify.h"

#define RUN_ID    "fuzz"
#define POLICY    "{\"version\":\"1\"}\n"
#define FILE_MAX  (1u << 20)
#define PIECE_MAX 512

static const char *const files_of_run[] = {"ledger.jsonl", "checkpoints", "status.json",
					   "policy.json", "tools.json"};

enum { N_SEALED = 2 }; /* of these, what the anchor covers to the last byte */

struct run {
	int dirfd;
	char anchor[VERIFY_ANCHOR_MAX];
	struct hasher *hasher;
};

static int scratch_fd = -1;
static char scratch_path[64];

static void clear(int fd)
{
	for (size_t i = 0; i < ARRAY_SIZE(files_of_run); i++)
		unlinkat(fd, files_of_run[i], 0);
}

static void remove_scratch_dir(void)
{
	clear(scratch_fd);
	rmdir(scratch_path);
}

/* One directory for all executions, in memory. */
static int scratch_dir(void)
{
	char path[] = "/dev/shm/mcpjail-fuzz-XXXXXX";

	if (scratch_fd >= 0)
		return scratch_fd;
	must(mkdtemp(path));
	snprintf(scratch_path, sizeof(scratch_path), "%s", path);
	scratch_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(scratch_fd >= 0 && !atexit(remove_scratch_dir));
	return scratch_fd;
}

static void start(struct run *run, struct ledger **ret)
{
	char key[NOTE_KEY_TEXT_MAX];
	struct span policy = span_of(POLICY);
	struct digest digest;
	struct record *r;

	must(!ledger_new(run->dirfd, RUN_ID, ret) && !ledger_failure(*ret)[0]);
	r = ledger_begin(*ret, "run.start");
	must(!note_key_format(ledger_key(*ret), run->hasher, key));
	record_string(r, "log_key", span_of(key));
	must(!ledger_commit(*ret));
	r = ledger_begin(*ret, "policy.loaded");
	must(!hasher_sha256(run->hasher, &policy, 1, &digest));
	record_hex(r, "sha256", span_bytes(digest.b, DIGEST_BYTES));
	record_bool(r, "copied", true);
	must(!ledger_commit(*ret) && !ledger_checkpoint(*ret));
	must(!run_policy_copy(run->dirfd, policy));
}

static void end(struct run *run, struct ledger *l, const struct run_files *files,
		struct run_status *status)
{
	static const char *const counts[] = {"denied", "unknown", "lost", "egress_allowed",
					     "egress_refused"};
	char fingerprint[NOTE_FINGERPRINT_HEX];
	struct record *r = ledger_begin(l, "run.end");

	record_u64(r, "child_exit", 0);
	record_null(r, "signal");
	record_u64(r, "allowed", status->counts.allowed);
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		record_u64(r, counts[i], 0);
	record_null(r, "second_wall");
	record_hex(r, "tools_sha256", span_bytes(files->tools_sha256.b, DIGEST_BYTES));
	must(!ledger_commit(l) && !ledger_checkpoint(l));
	ledger_head(l, status->log_head);
	must(!run_status_write(files, status));
	must(!note_key_fingerprint(ledger_key(l), run->hasher, fingerprint));
	snprintf(run->anchor, sizeof(run->anchor), "%s:%s", status->log_head, fingerprint);
}

/* A record for each piece of the text. */
static void write_run(struct run *run, struct span text)
{
	struct run_status status = {.run_id = RUN_ID, .tier = "a", .layers = "namespaces"};
	struct run_files files;
	struct ledger *l = NULL;
	struct span piece, rest;

	clear(run->dirfd);
	start(run, &l);
	must(!run_files_open(run->dirfd, run->hasher, &files));
	for (; text.n; text = rest) {
		struct record *r = ledger_begin(l, "call.decision");

		fuzz_split(text, "\n", &piece, &rest);
		piece.n = piece.n > PIECE_MAX ? PIECE_MAX : piece.n;
		record_string(r, "tool", piece);
		record_json(r, "args", piece);
		must(!ledger_commit(l));
		status.counts.allowed++;
		if (status.counts.allowed % 3 == 0)
			must(!ledger_checkpoint(l));
	}
	end(run, l, &files, &status);
	run_files_close(&files);
	ledger_free(l);
}

static size_t read_file(int dirfd, const char *name, uint8_t *ret)
{
	autoclose int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, ret, FILE_MAX);

	must(n >= 0 && n < FILE_MAX);
	return (size_t)n;
}

static void write_file(int dirfd, const char *name, const uint8_t *bytes, size_t n)
{
	autoclose int fd = openat(dirfd, name, O_WRONLY | O_TRUNC | O_CREAT | O_CLOEXEC, 0600);

	must(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
}

/* Return: whether the file is another now */
static bool change(struct run *run, const char *name, uint32_t at, const uint8_t how[2])
{
	static uint8_t bytes[FILE_MAX], changed[FILE_MAX + 1];
	size_t n = read_file(run->dirfd, name, bytes), m = n, length = 1u + how[1] % 16u;

	if (!n)
		return false;
	at %= (uint32_t)n;
	memcpy(changed, bytes, n);
	switch (how[0] % 4) {
	case 0: /* a byte */
		changed[at] = how[1];
		break;
	case 1: /* cut off */
		m = at;
		break;
	case 2: /* cut out */
		length = length < n - at ? length : n - at;
		memmove(changed + at, changed + at + length, n - at - length);
		m = n - length;
		break;
	default: /* put in */
		memmove(changed + at + 1, changed + at, n - at);
		changed[at] = how[1];
		m = n + 1;
	}
	write_file(run->dirfd, name, changed, m);
	return m != n || memcmp(bytes, changed, n) != 0;
}

static void verify(const struct run *run, const char *anchor, struct verify_result *ret)
{
	verify_run(run->dirfd, anchor, ret);
	if (ret->outcome != VERIFY_COMPLETE)
		must(ret->problem.what[0]);
}

/* Parsers of notes and keys, over text that nobody signed. */
static void check_notes(struct run *run, struct span text)
{
	struct note_key key = {.name = "mcpjail/" RUN_ID}, parsed;
	char copy[256], formatted[NOTE_KEY_TEXT_MAX];
	struct digest root;
	uint64_t size;

	must(note_open(&text, &key, run->hasher, &size, &root) <= 0);
	if (!span_copy(text, copy, sizeof(copy)) || strlen(copy) != text.n ||
	    note_key_parse(copy, run->hasher, &parsed))
		return;
	must(!note_key_format(&parsed, run->hasher, formatted) && !strcmp(copy, formatted));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct run run = {.dirfd = scratch_dir(), .hasher = hasher_new()};
	struct verify_result result;
	uint32_t at = 0;
	size_t which;

	if (n < 7) {
		hasher_free(run.hasher);
		return 0;
	}
	must(run.hasher);
	which = data[0] % ARRAY_SIZE(files_of_run);
	memcpy(&at, data + 1, sizeof(at));
	check_notes(&run, span_bytes(data + 7, n - 7));
	write_run(&run, span_bytes(data + 7, n - 7));
	verify(&run, NULL, &result);
	must(result.outcome == VERIFY_COMPLETE);
	verify(&run, run.anchor, &result);
	must(result.outcome == VERIFY_COMPLETE);
	if (change(&run, files_of_run[which], at, data + 5)) {
		verify(&run, run.anchor, &result);
		must(which >= N_SEALED || result.outcome != VERIFY_COMPLETE);
	}
	hasher_free(run.hasher);
	return 0;
}
