// SPDX-License-Identifier: Apache-2.0
#include "proxy/client_hello.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "guard.h"

struct hello {
	const char *name;       /* of the row */
	const char *server;     /* NULL: no server_name extension */
	const char *second;     /* another name in the same list; NULL: none */
	size_t record_bytes;    /* of each record; 0: all in one */
	uint16_t extension;     /* one more, of this type, if not 0 */
	size_t extension_bytes; /* of it */
	size_t fault_at;        /* this byte of the message… */
	int fault;              /* …is set to that; 0: none */
	const char *expect;     /* server name; NULL: bad */
	bool ech;
};

static uint8_t message[40000], bytes[40000];

static void put(size_t *at, size_t width, size_t v)
{
	while (width--)
		message[(*at)++] = (uint8_t)(v >> (8 * width));
}

static void put_text(size_t *at, const char *text)
{
	memcpy(message + *at, text, strlen(text));
	*at += strlen(text);
}

/* RFC 8446 §4.1.2. Return: its bytes */
static size_t write_message(const struct hello *h)
{
	size_t at = 4, extensions, n = h->server ? strlen(h->server) : 0;
	size_t more = h->second ? strlen(h->second) + 3 : 0;

	put(&at, 2, 0x0303);
	memset(message + at, 0xab, 32);
	at += 32;
	put(&at, 1, 32); /* session */
	memset(message + at, 0xcd, 32);
	at += 32;
	put(&at, 2, 4); /* ciphers */
	put(&at, 4, 0x13011302);
	put(&at, 2, 0x0100); /* compression: none */
	extensions = at;
	at += 2;
	put(&at, 4, 0x00170000);
	if (h->server) {
		put(&at, 2, 0);
		put(&at, 2, n + more + 5);
		put(&at, 2, n + more + 3);
		put(&at, 1, 0);
		put(&at, 2, n);
		put_text(&at, h->server);
	}
	if (h->second) {
		put(&at, 1, 0);
		put(&at, 2, more - 3);
		put_text(&at, h->second);
	}
	if (h->extension) {
		put(&at, 2, h->extension);
		put(&at, 2, h->extension_bytes);
		memset(message + at, 0, h->extension_bytes);
		at += h->extension_bytes;
	}
	put(&extensions, 2, at - extensions - 2);
	extensions = 0;
	put(&extensions, 1, 1);
	put(&extensions, 3, at - 4);
	if (h->fault_at)
		message[h->fault_at] = (uint8_t)h->fault;
	return at;
}

static size_t write_records(const struct hello *h)
{
	size_t n = write_message(h), at = 0, from = 0;

	while (from < n) {
		size_t part =
			h->record_bytes && h->record_bytes < n - from ? h->record_bytes : n - from;

		memcpy(bytes + at, (uint8_t[]){22, 3, 1, (uint8_t)(part >> 8), (uint8_t)part}, 5);
		memcpy(bytes + at + 5, message + from, part);
		at += 5 + part;
		from += part;
	}
	return at;
}

#define SNI_AT 89 /* of the server_name extension: 4 + 2 + 32 + 33 + 6 + 2 + 2 + 4, and 4 */

static const struct hello hellos[] = {
	{.name = "plain", .server = "tun.example", .expect = "tun.example"},
	{.name = "in capitals", .server = "TUN.Example", .expect = "tun.example"},
	{.name = "without SNI", .expect = ""},
	{.name = "a record a byte",
	 .server = "tun.example",
	 .record_bytes = 1,
	 .expect = "tun.example"},
	{.name = "cut in the name",
	 .server = "tun.example",
	 .record_bytes = 98,
	 .expect = "tun.example"},
	{.name = "ECH",
	 .server = "a.example",
	 .extension = 0xfe0d,
	 .extension_bytes = 200,
	 .expect = "a.example",
	 .ech = true},
	{.name = "ECH draft",
	 .server = "a.example",
	 .extension = 0xfe0a,
	 .extension_bytes = 9,
	 .expect = "a.example",
	 .ech = true},
	{.name = "ESNI",
	 .server = "a.example",
	 .extension = 0xffce,
	 .extension_bytes = 9,
	 .expect = "a.example",
	 .ech = true},
	{.name = "key share of 12 KiB",
	 .server = "a.example",
	 .extension = 51,
	 .extension_bytes = 12000,
	 .record_bytes = 4000,
	 .expect = "a.example"},
	{.name = "over 16 KiB",
	 .server = "a.example",
	 .extension = 51,
	 .extension_bytes = 17000,
	 .record_bytes = 8000},
	{.name = "over 16 KiB by its records",
	 .server = "a.example",
	 .extension = 51,
	 .extension_bytes = 4000,
	 .record_bytes = 1},
	{.name = "a server name extension without a list",
	 .server = "a.example",
	 .extension = 0,
	 .fault_at = 82,
	 .fault = 0},
	{.name = "two names", .server = "a.example", .second = "b.example"},
	{.name = "the same name twice", .server = "a.example", .second = "a.example"},
	{.name = "an extension twice",
	 .server = "a.example",
	 .extension = 23,
	 .extension_bytes = 0},
	{.name = "an address", .server = "192.0.2.1"},
	{.name = "a dot behind", .server = "a.example."},
	{.name = "an empty name", .server = ""},
	{.name = "a space", .server = "a b.example"},
	{.name = "a colon", .server = "a.example:443"},
	{.name = "a NUL",
	 .server = "evil.example.tun.example",
	 .fault_at = SNI_AT + 17,
	 .fault = 0x100},
	{.name = "another message", .server = "a.example", .fault_at = 0, .fault = 0},
	{.name = "a longer name than its list",
	 .server = "a.example",
	 .fault_at = SNI_AT + 4,
	 .fault = 10},
	{.name = "a shorter name than its list",
	 .server = "a.example",
	 .fault_at = SNI_AT + 4,
	 .fault = 8},
	{.name = "another type of name", .server = "a.example", .fault_at = SNI_AT + 2, .fault = 1},
	{.name = "an odd list of ciphers", .server = "a.example", .fault_at = 72, .fault = 3},
	{.name = "a session of 33 bytes", .server = "a.example", .fault_at = 38, .fault = 33},
};

/* Byte by byte, each prefix against the guard: more until it is whole, then the same for good. */
static int feed(struct guard *g, size_t n, struct client_hello *ret)
{
	size_t step = n > 2000 ? 97 : 1;

	for (size_t i = 0; i < n; i += step) {
		int r = client_hello_parse((uint8_t *)guard_place(g, bytes, i), i, ret);

		if (r != PARSE_MORE)
			return r;
	}
	return client_hello_parse((uint8_t *)guard_place(g, bytes, n), n, ret);
}

static void test_hello_tells_its_name_and_ech_or_is_bad(void **state)
{
	struct guard g = guard_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hellos); i++) {
		const struct hello *h = &hellos[i];
		size_t n = write_records(h);
		struct client_hello got = {.why = NULL};
		int r;

		if (!strcmp(h->name, "another message"))
			bytes[5] = 2;
		r = feed(&g, n, &got);
		if (h->expect ? r != (int)n || strcmp(got.server_name, h->expect) ||
					got.has_ech != h->ech
			      : r != PARSE_BAD || !got.why)
			fail_msg("%s: %d of %zu, name \"%s\", ech %d, why %s", h->name, r, n,
				 got.server_name, got.has_ech, got.why);
	}
	guard_free(&g);
}

static void test_hello_is_the_only_thing_in_its_records(void **state)
{
	static const struct {
		const char *name;
		size_t at;
		int value;
	} faults[] = {
		{"another type of record", 0, 23},
		{"an alert", 0, 21},
		{"another version", 1, 2},
		{"an empty record", 4, 0},
	};
	const struct hello h = {.server = "a.example"};
	struct client_hello got = {.why = NULL};
	size_t n = write_records(&h);

	(void)state;
	bytes[n] = 0;
	bytes[4]++;
	assert_int_equal(client_hello_parse(bytes, n + 1, &got), PARSE_BAD);
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		n = write_records(&h);
		bytes[faults[i].at] = (uint8_t)faults[i].value;
		if (client_hello_parse(bytes, n, &got) != PARSE_BAD)
			fail_msg("%s passes", faults[i].name);
	}
}

static void test_what_follows_is_not_looked_at(void **state)
{
	const struct hello h = {.server = "a.example"};
	struct client_hello got = {.why = NULL};
	size_t n = write_records(&h);

	(void)state;
	memset(bytes + n, 0xff, 100);
	assert_int_equal(client_hello_parse(bytes, n + 100, &got), n);
}

/* Every byte of a hello set to something else, and every length of it cut: no crash, no other name.
 */
static void test_no_change_makes_it_read_beyond_its_end(void **state)
{
	const struct hello h = {.server = "tun.example", .extension = 0xfe0d, .extension_bytes = 7};
	static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
	struct guard g = guard_new();
	struct client_hello got;
	size_t n = write_records(&h);
	uint8_t whole[512];

	(void)state;
	memcpy(whole, bytes, n);
	for (size_t i = 0; i < n; i++) {
		for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
			whole[i] = values[v];
			for (size_t cut = 0; cut <= n; cut += cut + 8 < n ? 8 : 1)
				client_hello_parse((uint8_t *)guard_place(&g, whole, cut), cut,
						   &got);
		}
		whole[i] = bytes[i];
	}
	guard_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hello_tells_its_name_and_ech_or_is_bad),
		cmocka_unit_test(test_hello_is_the_only_thing_in_its_records),
		cmocka_unit_test(test_what_follows_is_not_looked_at),
		cmocka_unit_test(test_no_change_makes_it_read_beyond_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
