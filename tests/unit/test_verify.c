// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ledger/ledger.h"
#include "ledger/run_files.h"
#include "ledger/verify.h"

#define POLICY  "{\"version\":\"1\"}\n"
#define CALLS   4
#define STOPPED "{\"connect\":3}" /* by the second wall */

struct fixture {
	char dir[64];
	int fd;
	char anchor[VERIFY_ANCHOR_MAX];
	struct hasher *hasher;
};

static void add_record(struct ledger *l, const char *type, uint64_t n)
{
	struct record *r = ledger_begin(l, type);

	record_u64(r, "n", n);
	record_string(r, "text", span_of("a \"quoted\" text"));
	assert_int_equal(ledger_commit(l), 0);
}

static void start_ledger(struct fixture *f, const char *run_id, struct ledger **ret)
{
	char key[NOTE_KEY_TEXT_MAX];
	struct span policy = span_of(POLICY);
	struct digest digest;
	struct record *r;

	assert_int_equal(ledger_new(f->fd, run_id, ret), 0);
	assert_string_equal(ledger_failure(*ret), "");
	r = ledger_begin(*ret, "run.start");
	assert_int_equal(note_key_format(ledger_key(*ret), f->hasher, key), 0);
	record_string(r, "log_key", span_of(key));
	assert_int_equal(ledger_commit(*ret), 0);
	r = ledger_begin(*ret, "policy.loaded");
	assert_int_equal(hasher_sha256(f->hasher, &policy, 1, &digest), 0);
	record_hex(r, "sha256", span_bytes(digest.b, DIGEST_BYTES));
	record_bool(r, "copied", true);
	assert_int_equal(ledger_commit(*ret), 0);
	assert_int_equal(ledger_checkpoint(*ret), 0);
}

static void end_ledger(struct fixture *f, struct ledger *l, const struct run_files *files,
		       struct run_status *status)
{
	char fingerprint[NOTE_FINGERPRINT_HEX];
	struct record *r = ledger_begin(l, "run.end");

	record_u64(r, "child_exit", 0);
	record_null(r, "signal");
	record_u64(r, "allowed", CALLS);
	record_u64(r, "denied", 0);
	record_u64(r, "unknown", 0);
	record_u64(r, "lost", 0);
	record_u64(r, "egress_allowed", 0);
	record_u64(r, "egress_refused", 0);
	record_json(r, "second_wall", span_of(STOPPED));
	snprintf(status->second_wall, sizeof(status->second_wall), "%s", STOPPED);
	record_hex(r, "tools_sha256", span_bytes(files->tools_sha256.b, DIGEST_BYTES));
	assert_int_equal(ledger_commit(l), 0);
	assert_int_equal(ledger_checkpoint(l), 0);
	ledger_head(l, status->log_head);
	assert_int_equal(run_status_write(files, status), 0);
	assert_int_equal(note_key_fingerprint(ledger_key(l), f->hasher, fingerprint), 0);
	snprintf(f->anchor, sizeof(f->anchor), "%s:%s", status->log_head, fingerprint);
}

/* A run of CALLS records between its start and, if it has one, its end. */
static void write_run(struct fixture *f, const char *run_id, bool has_end)
{
	struct run_status status = {.run_id = run_id,
				    .tier = "a",
				    .layers = "namespaces,seccomp",
				    .counts = {.allowed = CALLS}};
	struct ledger *l = NULL;
	struct run_files files;

	start_ledger(f, run_id, &l);
	assert_int_equal(run_files_open(f->fd, f->hasher, &files), 0);
	assert_int_equal(run_policy_copy(f->fd, span_of(POLICY)), 0);
	assert_int_equal(run_tools_set(&files, f->hasher, span_of("https://a/mcp"), span_of("[]")),
			 1);
	assert_int_equal(run_status_write(&files, &status), 0);
	for (uint64_t i = 0; i < CALLS; i++) {
		add_record(l, "call.decision", i);
		if (i == 1)
			assert_int_equal(ledger_checkpoint(l), 0);
	}
	if (has_end)
		end_ledger(f, l, &files, &status);
	run_files_close(&files);
	ledger_free(l);
}

static void clear(struct fixture *f)
{
	static const char *const names[] = {"ledger.jsonl", "checkpoints", "status.json",
					    "policy.json", "tools.json"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unlinkat(f->fd, names[i], 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/mcpjail-verify-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	f->hasher = hasher_new();
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	clear(f);
	close(f->fd);
	rmdir(f->dir);
	hasher_free(f->hasher);
	free(f);
	return 0;
}

static size_t read_text(struct fixture *f, const char *name, char *text, size_t size)
{
	int fd = openat(f->fd, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, size);

	close(fd);
	assert_in_range(n, 1, (ssize_t)size - 1);
	text[n] = '\0';
	return (size_t)n;
}

static void write_text(struct fixture *f, const char *name, const char *text, size_t n)
{
	int fd = openat(f->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, text, n), n);
	close(fd);
}

static enum verify_outcome verify(struct fixture *f, const char *anchor)
{
	struct verify_result result;

	verify_run(f->fd, anchor, &result);
	return result.outcome;
}

static void test_verify_accepts_what_the_keeper_wrote(void **state)
{
	struct fixture *f = *state;
	struct verify_result result;
	char head_only[DIGEST_HEX];

	write_run(f, "run-1", true);
	verify_run(f->fd, NULL, &result);
	if (result.outcome)
		fail_msg("%s: %s", result.problem.where, result.problem.what);
	assert_int_equal(result.records, CALLS + 3);
	assert_int_equal(result.signed_size, CALLS + 3);
	assert_string_equal(result.run_id, "run-1");
	assert_int_equal(verify(f, f->anchor), VERIFY_COMPLETE);
	snprintf(head_only, sizeof(head_only), "%.64s", f->anchor);
	assert_int_equal(verify(f, head_only), VERIFY_COMPLETE);
}

/* Every byte of the file, changed in several ways: by each bit, to a newline, to NUL. */
static void flip_every_byte(struct fixture *f, const char *name, bool names_record)
{
	static char text[65536], changed[65536];
	size_t n = read_text(f, name, text, sizeof(text)), line = 0;

	for (size_t i = 0; i < n; i++) {
		const char values[] = {(char)(text[i] ^ 1),
				       (char)(text[i] ^ 2),
				       (char)(text[i] ^ 0x20),
				       (char)(text[i] ^ (char)0x80),
				       '\n',
				       '\0',
				       ' ',
				       '"'};

		for (size_t j = 0; j < sizeof(values); j++) {
			struct verify_result result;

			if (values[j] == text[i])
				continue;
			memcpy(changed, text, n);
			changed[i] = values[j];
			write_text(f, name, changed, n);
			verify_run(f->fd, NULL, &result);
			if (result.outcome != VERIFY_TAMPERED)
				fail_msg("%s: byte %zu from %02x to %02x: outcome %d", name, i,
					 (unsigned char)text[i], (unsigned char)values[j],
					 result.outcome);
			if (names_record && (!result.has_bad_record || result.bad_seq != line))
				fail_msg("byte %zu of line %zu to %02x: %s", i, line,
					 (unsigned char)values[j], result.problem.what);
		}
		line += text[i] == '\n';
	}
	write_text(f, name, text, n);
}

static void test_verify_finds_every_changed_byte_and_names_the_record(void **state)
{
	struct fixture *f = *state;

	write_run(f, "run-1", true);
	flip_every_byte(f, "ledger.jsonl", true);
	assert_int_equal(verify(f, NULL), VERIFY_COMPLETE);
}

static void test_verify_finds_every_changed_byte_of_checkpoints(void **state)
{
	struct fixture *f = *state;

	write_run(f, "run-1", true);
	flip_every_byte(f, "checkpoints", false);
	assert_int_equal(verify(f, NULL), VERIFY_COMPLETE);
}

static void test_verify_finds_other_policy_and_tools(void **state)
{
	struct fixture *f = *state;

	write_run(f, "run-1", true);
	flip_every_byte(f, "policy.json", false);
	flip_every_byte(f, "tools.json", false);
	assert_int_equal(verify(f, NULL), VERIFY_COMPLETE);
}

static void replace_in(struct fixture *f, const char *name, const char *from, const char *to)
{
	char text[65536];
	size_t n = read_text(f, name, text, sizeof(text));
	char *found = strstr(text, from);

	assert_non_null(found);
	assert_int_equal(strlen(from), strlen(to));
	memcpy(found, to, strlen(to));
	write_text(f, name, text, n);
}

static void test_verify_compares_status_with_the_ledger(void **state)
{
	static const char *const changes[][2] = {
		{"\"allowed\":4", "\"allowed\":3"},
		{"\"denied\":0", "\"denied\":1"},
		{"\"child_exit\":0", "\"child_exit\":1"},
		{"\"run\":\"run-1\"", "\"run\":\"run-2\""},
		{"\"egress_refused\":0", "\"egress_refused\":9"},
		{"\"connect\":3", "\"connect\":0"},
	};
	struct fixture *f = *state;
	char head[DIGEST_HEX + 16], other[DIGEST_HEX + 16];

	write_run(f, "run-1", true);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		replace_in(f, "status.json", changes[i][0], changes[i][1]);
		assert_int_equal(verify(f, NULL), VERIFY_TAMPERED);
		replace_in(f, "status.json", changes[i][1], changes[i][0]);
		assert_int_equal(verify(f, NULL), VERIFY_COMPLETE);
	}
	snprintf(head, sizeof(head), "\"log_head\":\"%.64s", f->anchor);
	memcpy(other, head, sizeof(other));
	other[12] ^= 1;
	replace_in(f, "status.json", head, other);
	assert_int_equal(verify(f, NULL), VERIFY_TAMPERED);
	unlinkat(f->fd, "status.json", 0);
	assert_int_equal(verify(f, NULL), VERIFY_TAMPERED);
}

static void test_verify_finds_appended_and_missing_bytes(void **state)
{
	static const char *const tails[] = {"\n", " ", "x", "{}\n", "{\"v\":1}\n", "\0"};
	struct fixture *f = *state;
	static char text[65536];
	size_t n;

	write_run(f, "run-1", true);
	n = read_text(f, "ledger.jsonl", text, sizeof(text));
	for (size_t i = 0; i < ARRAY_SIZE(tails); i++) {
		size_t tail = tails[i][0] ? strlen(tails[i]) : 1;

		memcpy(text + n, tails[i], tail);
		write_text(f, "ledger.jsonl", text, n + tail);
		assert_int_equal(verify(f, NULL), VERIFY_TAMPERED);
	}
	for (size_t left = 0; left < n; left++) {
		write_text(f, "ledger.jsonl", text, left);
		assert_int_equal(verify(f, NULL), VERIFY_TAMPERED);
	}
	/* The last line a second time. */
	for (size_t from = n - 2;; from--) {
		if (text[from] != '\n')
			continue;
		memmove(text + n, text + from + 1, n - from - 1);
		write_text(f, "ledger.jsonl", text, 2 * n - from - 1);
		assert_int_equal(verify(f, NULL), VERIFY_TAMPERED);
		break;
	}
}

static void test_verify_calls_an_unended_run_interrupted(void **state)
{
	struct fixture *f = *state;
	struct verify_result result;
	static char text[65536];
	size_t n;

	write_run(f, "run-1", false);
	verify_run(f->fd, NULL, &result);
	assert_int_equal(result.outcome, VERIFY_INTERRUPTED);
	assert_int_equal(result.signed_size, 4);
	/* A line that the keeper did not finish. */
	n = read_text(f, "ledger.jsonl", text, sizeof(text));
	write_text(f, "ledger.jsonl", text, n - 10);
	verify_run(f->fd, NULL, &result);
	assert_int_equal(result.outcome, VERIFY_INTERRUPTED);
	assert_true(result.is_torn);
	assert_int_equal(result.records, CALLS + 1);
	/* Lines that were signed may not be missing. */
	write_text(f, "ledger.jsonl", text, n / 3);
	assert_int_equal(verify(f, NULL), VERIFY_TAMPERED);
	/* A note that the keeper did not finish. */
	write_text(f, "ledger.jsonl", text, n);
	n = read_text(f, "checkpoints", text, sizeof(text));
	write_text(f, "checkpoints", text, n - 20);
	verify_run(f->fd, NULL, &result);
	assert_int_equal(result.outcome, VERIFY_INTERRUPTED);
	assert_int_equal(result.signed_size, 2);
}

static void test_anchor_finds_a_rebuilt_and_a_cut_ledger(void **state)
{
	struct fixture *f = *state;
	char anchor[VERIFY_ANCHOR_MAX], wrong[VERIFY_ANCHOR_MAX];

	write_run(f, "run-1", true);
	strcpy(anchor, f->anchor);
	strcpy(wrong, f->anchor);
	wrong[70] = wrong[70] == '0' ? '1' : '0';
	assert_int_equal(verify(f, wrong), VERIFY_TAMPERED);
	assert_int_equal(verify(f, "abc"), VERIFY_CANNOT);
	/* The same records, under a key of the forger's: only the anchor can tell. */
	clear(f);
	write_run(f, "run-1", true);
	assert_int_equal(verify(f, NULL), VERIFY_COMPLETE);
	assert_int_equal(verify(f, anchor), VERIFY_TAMPERED);
	clear(f);
	write_run(f, "run-1", false);
	assert_int_equal(verify(f, NULL), VERIFY_INTERRUPTED);
	assert_int_equal(verify(f, anchor), VERIFY_TAMPERED);
}

static void test_verify_cannot_check_what_is_not_there(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(verify(f, NULL), VERIFY_CANNOT);
	write_run(f, "run-1", true);
	unlinkat(f->fd, "checkpoints", 0);
	assert_int_equal(verify(f, NULL), VERIFY_TAMPERED);
}

static void test_verify_finds_unsigned_end(void **state)
{
	struct fixture *f = *state;
	static char text[65536];
	size_t n;

	write_run(f, "run-1", true);
	n = read_text(f, "checkpoints", text, sizeof(text));
	for (n -= 2; memcmp(text + n - 2, "\n\n", 2) || memcmp(text + n, "mcpjail/", 8); n--)
		;
	write_text(f, "checkpoints", text, n);
	assert_int_equal(verify(f, NULL), VERIFY_TAMPERED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_verify_accepts_what_the_keeper_wrote),
		TEST(test_verify_finds_every_changed_byte_and_names_the_record),
		TEST(test_verify_finds_every_changed_byte_of_checkpoints),
		TEST(test_verify_finds_other_policy_and_tools),
		TEST(test_verify_compares_status_with_the_ledger),
		TEST(test_verify_finds_appended_and_missing_bytes),
		TEST(test_verify_calls_an_unended_run_interrupted),
		TEST(test_anchor_finds_a_rebuilt_and_a_cut_ledger),
		TEST(test_verify_cannot_check_what_is_not_there),
		TEST(test_verify_finds_unsigned_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
