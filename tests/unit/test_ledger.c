// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "ledger/ledger.h"
#include "ledger/scan.h"

/* --- scan -------------------------------------------------------------------- */

static void test_scan_accepts_json_on_one_line(void **state)
{
	static const char *const values[] = {
		"{}",
		"[]",
		"\"\"",
		"0",
		"-1.5e+3",
		"true",
		"null",
		"{\"a\":[1,2,{\"b\":null}]}",
		"{ \"a\" : 1 , \"b\" : [ ] }",
		"\"\\u00e9\\ud83d\\ude00\\n\"",
		"\"b\xc3\xbc\"",
		"1e999",
		"123456789012345678901234567890",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		if (!scan_is_value(span_of(values[i])))
			fail_msg("%s", values[i]);
}

static void test_scan_refuses_everything_else(void **state)
{
	static const char *const values[] = {
		"",
		" ",
		"{",
		"}",
		"[1,]",
		"{\"a\":}",
		"{\"a\" 1}",
		"{a:1}",
		"{\"a\":1,}",
		"01",
		"+1",
		"1.",
		".5",
		"1e",
		"-",
		"nul",
		"truee",
		"\"",
		"\"\\x\"",
		"\"\\ud800\"",
		"\"\\ude00\"",
		"\"\\ud800\\u0041\"",
		"\"\\u12g4\"",
		"\"a\nb\"",
		"{}\n",
		"{} {}",
		" {}",
		"{} ",
		"[1 2]",
		"'a'",
		"NaN",
		"\"\xff\"",
		"\"\xc0\x80\"",
		"\"\xed\xa0\x80\"",
		"{\"a\":1}\r",
		"[\t]",
		"// x",
		"\"\\",
		"{\"a\\\":1}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		if (scan_is_value(span_of(values[i])))
			fail_msg("%s", values[i]);
	assert_false(scan_is_value(span_bytes("\"a\0b\"", 5)));
}

static void test_scan_bounds_depth(void **state)
{
	char text[2 * SCAN_DEPTH_MAX + 8];

	(void)state;
	for (size_t depth = SCAN_DEPTH_MAX - 1; depth <= SCAN_DEPTH_MAX + 1; depth++) {
		memset(text, '[', depth);
		memset(text + depth, ']', depth);
		assert_int_equal(scan_is_value(span_bytes(text, 2 * depth)),
				 depth <= SCAN_DEPTH_MAX);
	}
}

/* Every prefix of a value, in memory of exactly its size, so that ASan sees a step too far. */
static void test_scan_stays_inside_its_bytes(void **state)
{
	static const char text[] =
		"{\"a\":[1.5e3,\"\\ud83d\\ude00\",true],\"b\":\"\xf0\x9f\x98\x80\"}";

	(void)state;
	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		char *exact = malloc(n ? n : 1);
		struct span cursor = {exact, n}, key, value;

		memcpy(exact, text, n);
		assert_false(scan_is_value(cursor));
		while (scan_member(&cursor, &key, &value))
			;
		free(exact);
	}
}

static void test_scan_takes_objects_apart(void **state)
{
	struct span object = span_of(
		"{\"a\":1,\"b\":{\"a\":2},\"c\":\"x\\u0041\\n\",\"d\":18446744073709551615}");
	uint64_t number;
	char text[8];

	(void)state;
	assert_true(scan_u64(scan_find(object, "a"), &number));
	assert_int_equal(number, 1);
	assert_true(span_equals(scan_find(object, "b"), "{\"a\":2}"));
	assert_true(scan_copy_string(scan_find(object, "c"), text, sizeof(text)));
	assert_string_equal(text, "xA\n");
	assert_false(scan_copy_string(scan_find(object, "c"), text, 3));
	assert_false(scan_copy_string(scan_find(object, "a"), text, sizeof(text)));
	assert_true(scan_u64(scan_find(object, "d"), &number));
	assert_true(number == UINT64_MAX);
	assert_null(scan_find(object, "e").p);
	assert_false(scan_u64(span_of("18446744073709551616"), &number));
	assert_false(scan_u64(span_of("01"), &number));
	assert_false(scan_u64(span_of("-1"), &number));
}

/* --- digests ------------------------------------------------------------------ */

static void expect_hex(const struct digest *d, const char *hex)
{
	char text[DIGEST_HEX];

	text_hex(d->b, DIGEST_BYTES, text);
	assert_string_equal(text, hex);
}

/* Roots of the test vectors of certificate-transparency's merkle_tree_test. */
static void test_merkle_roots_are_those_of_rfc_6962(void **state)
{
	static const struct span leaves[] = {
		{"", 0},
		{"\x00", 1},
		{"\x10", 1},
		{"\x20\x21", 2},
		{"\x30\x31", 2},
		{"\x40\x41\x42\x43", 4},
		{"\x50\x51\x52\x53\x54\x55\x56\x57", 8},
		{"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16},
	};
	static const char *const roots[] = {
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	};
	autohasher struct hasher *h = hasher_new();
	struct merkle tree = {0};
	struct digest root;

	(void)state;
	assert_int_equal(merkle_root(&tree, h, &root), 0);
	expect_hex(&root, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	for (size_t i = 0; i < ARRAY_SIZE(leaves); i++) {
		assert_int_equal(merkle_add(&tree, h, leaves[i]), 0);
		assert_int_equal(merkle_root(&tree, h, &root), 0);
		expect_hex(&root, roots[i]);
	}
}

static void test_hmac_is_that_of_openssl(void **state)
{
	autohasher struct hasher *h = hasher_new();
	uint8_t key[DIGEST_BYTES], theirs[DIGEST_BYTES];
	struct digest ours;
	size_t n;

	(void)state;
	assert_int_equal(hasher_hmac(h, span_of("x"), &ours), -EIO);
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(i * 7);
	hasher_set_key(h, key);
	assert_int_equal(hasher_hmac(h, span_of("some message"), &ours), 0);
	assert_non_null(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key, sizeof(key),
				  (const uint8_t *)"some message", 12, theirs, sizeof(theirs), &n));
	assert_memory_equal(ours.b, theirs, sizeof(theirs));
}

/* --- notes --------------------------------------------------------------------- */

static void test_note_opens_with_its_key_only(void **state)
{
	autohasher struct hasher *h = hasher_new();
	autobuf struct buf notes = BUF_INIT(4 * NOTE_MAX);
	struct note_signer *signer, *stranger;
	struct digest root = {{1, 2, 3}}, got;
	struct span cursor;
	uint64_t size;

	(void)state;
	assert_int_equal(note_signer_new("mcpjail/run-1", &signer), 0);
	assert_int_equal(note_signer_new("mcpjail/run-1", &stranger), 0);
	assert_int_equal(note_sign(signer, h, 5, &root, &notes), 0);
	root.b[0] = 9;
	assert_int_equal(note_sign(signer, h, 1234567, &root, &notes), 0);
	cursor = span_bytes(notes.data, notes.len);
	assert_int_equal(note_open(&cursor, note_signer_key(signer), h, &size, &got), 1);
	assert_int_equal(size, 5);
	assert_int_equal(got.b[0], 1);
	assert_int_equal(note_open(&cursor, note_signer_key(signer), h, &size, &got), 1);
	assert_int_equal(size, 1234567);
	assert_int_equal(note_open(&cursor, note_signer_key(signer), h, &size, &got), 0);
	cursor = span_bytes(notes.data, notes.len);
	assert_int_equal(note_open(&cursor, note_signer_key(stranger), h, &size, &got), -EBADMSG);
	note_signer_free(signer);
	note_signer_free(stranger);
}

static void test_note_names_have_no_spaces_or_plus(void **state)
{
	static const char *const names[] = {"", "a b", "a+b", "a\n"};
	struct note_signer *signer;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(note_signer_new(names[i], &signer), -EINVAL);
}

static void test_note_key_has_one_spelling(void **state)
{
	autohasher struct hasher *h = hasher_new();
	char text[NOTE_KEY_TEXT_MAX];
	struct note_signer *signer;
	struct note_key key;

	(void)state;
	assert_int_equal(note_signer_new("mcpjail/run-1", &signer), 0);
	assert_int_equal(note_key_format(note_signer_key(signer), h, text), 0);
	assert_int_equal(note_key_parse(text, h, &key), 0);
	assert_memory_equal(&key.public_key, note_signer_key(signer)->public_key, NOTE_KEY_BYTES);
	for (size_t i = 0; text[i]; i++) {
		text[i] ^= 1;
		assert_int_equal(note_key_parse(text, h, &key), -EINVAL);
		text[i] ^= 1;
	}
	note_signer_free(signer);
}

/* The example key of golang.org/x/mod/sumdb/note. */
static void test_note_key_of_another_tool_parses(void **state)
{
	static const char key_text[] =
		"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
	autohasher struct hasher *h = hasher_new();
	struct note_key key;

	(void)state;
	assert_int_equal(note_key_parse(key_text, h, &key), 0);
	assert_string_equal(key.name, "PeterNeumann");
}

/* --- records --------------------------------------------------------------------- */

static void test_record_time_is_rfc_3339(void **state)
{
	static const struct {
		uint64_t unix_ns;
		const char *text;
	} cases[] = {
		{0, "1970-01-01T00:00:00.000000Z"},
		{951782399999999999u, "2000-02-28T23:59:59.999999Z"},
		{951782400000000000u, "2000-02-29T00:00:00.000000Z"},
		{1709251199000001000u, "2024-02-29T23:59:59.000001Z"},
		{1767225599123456789u, "2025-12-31T23:59:59.123456Z"},
		{4102444800000000000u, "2100-01-01T00:00:00.000000Z"},
	};
	char text[RECORD_TIME_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		record_format_time(cases[i].unix_ns, text);
		assert_string_equal(text, cases[i].text);
	}
}

static void test_record_is_one_value_whatever_strangers_write(void **state)
{
	struct record r = {.line = BUF_INIT(RECORD_MAX)};

	(void)state;
	record_open(&r);
	record_string(&r, "a", span_bytes("\"},\n\0\xff\x7f\xe2\x80\xa8", 10));
	record_json(&r, "b", span_of("{\"x\": [1]}"));
	record_json(&r, "c", span_of("{\"x\": [1]"));
	record_json(&r, "d", span_of(""));
	record_begin_list(&r, "e");
	for (uint64_t i = 0; i < 2; i++) {
		record_begin_item(&r);
		record_u64(&r, "i", i);
		record_ms(&r, "ms", 1005);
		record_end_item(&r);
	}
	record_end_list(&r);
	record_bool(&r, "f", true);
	record_hex(&r, "g", span_bytes("\x01\xfe", 2));
	record_close(&r);
	assert_int_equal(r.error, 0);
	assert_true(scan_is_value(span_bytes(r.line.data, r.line.len)));
	assert_true(span_equals(span_bytes(r.line.data, r.line.len),
				"{\"a\":\"\\\"},\\u000a\\u0000\\ufffd\\u007f\xe2\x80\xa8\","
				"\"b\":{\"x\": [1]},\"c\":\"{\\\"x\\\": [1]\",\"d\":null,"
				"\"e\":[{\"i\":0,\"ms\":1.005},{\"i\":1,\"ms\":1.005}],"
				"\"f\":true,\"g\":\"01fe\"}"));
	buf_free(&r.line);
}

/* --- the writer -------------------------------------------------------------------- */

struct fixture {
	char dir[64];
	int fd;
	struct ledger *ledger;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/mcpjail-ledger-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(ledger_new(f->fd, "run-1", &f->ledger), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	ledger_free(f->ledger);
	unlinkat(f->fd, "ledger.jsonl", 0);
	unlinkat(f->fd, "checkpoints", 0);
	close(f->fd);
	rmdir(f->dir);
	free(f);
	return 0;
}

static void test_ledger_refuses_to_continue_a_file(void **state)
{
	struct fixture *f = *state;
	struct ledger *second;

	assert_int_equal(ledger_new(f->fd, "run-2", &second), 0);
	assert_non_null(strstr(ledger_failure(second), "File exists"));
	(void)ledger_begin(second, "run.start");
	assert_true(ledger_commit(second) < 0);
	assert_int_equal(ledger_lost(second), 1);
	ledger_free(second);
}

/* A disk that fills up in the middle of a record leaves whole lines, and fills up only once. */
static void test_ledger_takes_back_a_short_write(void **state)
{
	struct fixture *f = *state;
	struct rlimit before, limit;
	char head[DIGEST_HEX], after[DIGEST_HEX];
	off_t size;
	int fd;

	signal(SIGXFSZ, SIG_IGN);
	(void)ledger_begin(f->ledger, "run.start");
	assert_int_equal(ledger_commit(f->ledger), 0);
	ledger_head(f->ledger, head);
	fd = openat(f->fd, "ledger.jsonl", O_RDONLY | O_CLOEXEC);
	size = lseek(fd, 0, SEEK_END);
	getrlimit(RLIMIT_FSIZE, &before);
	limit = before;
	limit.rlim_cur = (rlim_t)size + 50;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	(void)ledger_begin(f->ledger, "call.decision");
	assert_true(ledger_commit(f->ledger) < 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(lseek(fd, 0, SEEK_END), size);
	close(fd);
	assert_int_equal(ledger_lost(f->ledger), 1);
	ledger_head(f->ledger, after);
	assert_string_equal(head, after);
	(void)ledger_begin(f->ledger, "call.decision");
	assert_int_equal(ledger_commit(f->ledger), 0);
}

static void test_ledger_signs_only_what_is_new(void **state)
{
	struct fixture *f = *state;
	int fd = openat(f->fd, "checkpoints", O_RDONLY | O_CLOEXEC);
	off_t size;

	assert_int_equal(ledger_checkpoint(f->ledger), 0);
	assert_int_equal(lseek(fd, 0, SEEK_END), 0);
	(void)ledger_begin(f->ledger, "run.start");
	assert_int_equal(ledger_commit(f->ledger), 0);
	assert_true(ledger_is_dirty(f->ledger));
	assert_int_equal(ledger_checkpoint(f->ledger), 0);
	assert_int_equal(ledger_flush(f->ledger), 0);
	assert_false(ledger_is_dirty(f->ledger));
	size = lseek(fd, 0, SEEK_END);
	assert_in_range(size, 100, NOTE_MAX);
	assert_int_equal(ledger_checkpoint(f->ledger), 0);
	assert_int_equal(lseek(fd, 0, SEEK_END), size);
	/* Without the key there are no more signatures. */
	ledger_wipe_key(f->ledger);
	(void)ledger_begin(f->ledger, "late");
	assert_int_equal(ledger_commit(f->ledger), 0);
	assert_int_equal(ledger_checkpoint(f->ledger), 0);
	assert_int_equal(lseek(fd, 0, SEEK_END), size);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		cmocka_unit_test(test_scan_accepts_json_on_one_line),
		cmocka_unit_test(test_scan_refuses_everything_else),
		cmocka_unit_test(test_scan_bounds_depth),
		cmocka_unit_test(test_scan_stays_inside_its_bytes),
		cmocka_unit_test(test_scan_takes_objects_apart),
		cmocka_unit_test(test_merkle_roots_are_those_of_rfc_6962),
		cmocka_unit_test(test_hmac_is_that_of_openssl),
		cmocka_unit_test(test_note_opens_with_its_key_only),
		cmocka_unit_test(test_note_names_have_no_spaces_or_plus),
		cmocka_unit_test(test_note_key_has_one_spelling),
		cmocka_unit_test(test_note_key_of_another_tool_parses),
		cmocka_unit_test(test_record_time_is_rfc_3339),
		cmocka_unit_test(test_record_is_one_value_whatever_strangers_write),
		TEST(test_ledger_refuses_to_continue_a_file),
		TEST(test_ledger_takes_back_a_short_write),
		TEST(test_ledger_signs_only_what_is_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
