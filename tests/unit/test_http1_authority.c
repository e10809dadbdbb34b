// SPDX-License-Identifier: Apache-2.0
/* The normalisers by themselves; as parts of a request they are tested in test_http1.c. */
#include <errno.h>

#include "base/cleanup.h"
#include "cmocka_all.h"
#include "guard.h"
#include "proxy/http1.h"

#define L63 "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0"

static void test_host_has_one_spelling(void **state)
{
	static const struct {
		const char *in, *out;
		enum http1_host_kind kind;
	} cases[] = {
		{"promptfax.app", "promptfax.app", HTTP1_HOST_NAME},
		{"PROMPTFAX.App.", "promptfax.app", HTTP1_HOST_NAME},
		{"localhost", "localhost", HTTP1_HOST_NAME},
		{"1e100.net", "1e100.net", HTTP1_HOST_NAME},
		{"0x7f.example", "0x7f.example", HTTP1_HOST_NAME},
		{"a.0xg", "a.0xg", HTTP1_HOST_NAME},
		{"r1---sn.example", "r1---sn.example", HTTP1_HOST_NAME},
		{L63 "." L63 "." L63 "."
		     "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxy",
		 L63 "." L63 "." L63 "."
		     "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxy",
		 HTTP1_HOST_NAME},
		{"127.0.0.1", "127.0.0.1", HTTP1_HOST_IPV4},
		{"127.0.0.1.", "127.0.0.1", HTTP1_HOST_IPV4},
		{"::1", "::1", HTTP1_HOST_IPV6},
		{"0:0:0:0:0:0:0:1", "::1", HTTP1_HOST_IPV6},
		{"2001:DB8:0::A", "2001:db8::a", HTTP1_HOST_IPV6},
		{"::FFFF:127.0.0.1", "::ffff:127.0.0.1", HTTP1_HOST_IPV6},
		{"::ffff:7f00:1", "::ffff:127.0.0.1", HTTP1_HOST_IPV6},
		{"64:ff9b::7f00:1", "64:ff9b::7f00:1", HTTP1_HOST_IPV6},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct guard g = guard_new();
		size_t n = strlen(cases[i].in);
		enum http1_host_kind kind = HTTP1_HOST_NAME;
		char out[HTTP1_HOST_MAX + 1], again[HTTP1_HOST_MAX + 1];

		assert_int_equal(
			http1_host_normalise(span_bytes(guard_place(&g, cases[i].in, n), n), out,
					     &kind),
			0);
		assert_string_equal(out, cases[i].out);
		assert_int_equal(kind, cases[i].kind);
		assert_int_equal(http1_host_normalise(span_of(out), again, NULL), 0);
		assert_string_equal(out, again);
		guard_free(&g);
	}
}

static void test_host_refuses_every_byte_that_no_name_has(void **state)
{
	static const char good[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	char out[HTTP1_HOST_MAX + 1];

	(void)state;
	for (unsigned int c = 0; c < 256; c++) {
		char text[4] = {'a', (char)c, 'b', 0};
		bool expected = c && strchr(good, (int)c);

		assert_int_equal(http1_host_normalise(span_bytes(text, 3), out, NULL),
				 expected ? 0 : -EINVAL);
	}
	assert_int_equal(http1_host_normalise(span_bytes("::1\0", 4), out, NULL), -EINVAL);
	assert_int_equal(http1_host_normalise(span_bytes("127.0.0.1\0", 10), out, NULL), -EINVAL);
}

static void test_host_leaves_the_outcome_alone_on_failure(void **state)
{
	struct http1_authority a = {.host = "kept", .port = 7};
	char out[HTTP1_HOST_MAX + 1] = "kept", path[HTTP1_PATH_MAX + 1] = "kept";

	(void)state;
	assert_int_equal(http1_host_normalise(span_of("GOOD.bad!"), out, NULL), -EINVAL);
	assert_int_equal(http1_host_normalise(span_of("1::2::3"), out, NULL), -EINVAL);
	assert_string_equal(out, "kept");
	assert_int_equal(http1_authority_parse(span_of("good:99999"), 443, &a), -EINVAL);
	assert_string_equal(a.host, "kept");
	assert_int_equal(a.port, 7);
	assert_int_equal(http1_path_normalise(span_of("/good/../bad"), path), -EINVAL);
	assert_string_equal(path, "kept");
}

static void test_authority_is_written_back(void **state)
{
	static const struct {
		const char *in;
		uint16_t default_port;
		const char *out;
	} cases[] = {
		{"H.example", 443, "h.example"},
		{"h.example:443", 443, "h.example"},
		{"h.example:80", 443, "h.example:80"},
		{"[2001:DB8::1]", 443, "[2001:db8::1]"},
		{"[::1]:8443", 443, "[::1]:8443"},
		{"192.0.2.1:1", 80, "192.0.2.1:1"},
		{"h.example:65535", 80, "h.example:65535"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct http1_authority a;
		char text[300], tiny[4];

		assert_int_equal(
			http1_authority_parse(span_of(cases[i].in), cases[i].default_port, &a), 0);
		assert_int_equal(
			http1_authority_format(&a, cases[i].default_port, text, sizeof(text)), 0);
		assert_string_equal(text, cases[i].out);
		assert_int_equal(http1_authority_format(&a, 1, tiny, sizeof(tiny)), -EMSGSIZE);
	}
}

static void test_path_bounds(void **state)
{
	char path[HTTP1_PATH_MAX + 2], out[HTTP1_PATH_MAX + 1];

	(void)state;
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	assert_int_equal(http1_path_normalise(span_bytes(path, HTTP1_PATH_MAX), out), 0);
	assert_int_equal(strlen(out), HTTP1_PATH_MAX);
	assert_int_equal(http1_path_normalise(span_bytes(path, HTTP1_PATH_MAX + 1), out), -EINVAL);
	assert_int_equal(http1_path_normalise(span_of(""), out), -EINVAL);
	assert_int_equal(http1_path_normalise(span_of("mcp"), out), -EINVAL);
	assert_int_equal(http1_path_normalise(span_of("/"), out), 0);
	assert_string_equal(out, "/");
}

/* Normalising twice says the same: what was compared is what a second reader compares. */
static void test_path_normal_form_is_stable(void **state)
{
	char out[HTTP1_PATH_MAX + 1], again[HTTP1_PATH_MAX + 1];

	(void)state;
	for (unsigned int c = 0; c < 256; c++) {
		char text[16];

		snprintf(text, sizeof(text), "/a%%%02xb", c);
		if (http1_path_normalise(span_of(text), out))
			continue;
		assert_int_equal(http1_path_normalise(span_of(out), again), 0);
		assert_string_equal(out, again);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_host_has_one_spelling),
		cmocka_unit_test(test_host_refuses_every_byte_that_no_name_has),
		cmocka_unit_test(test_host_leaves_the_outcome_alone_on_failure),
		cmocka_unit_test(test_authority_is_written_back),
		cmocka_unit_test(test_path_bounds),
		cmocka_unit_test(test_path_normal_form_is_stable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
