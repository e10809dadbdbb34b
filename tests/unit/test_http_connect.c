// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "dial/http_connect.h"
#include "guard.h"

static void test_credentials_are_base64(void **state)
{
	/* RFC 4648 §10, RFC 7617 §2 and §2.1 */
	static const struct {
		const char *userinfo, *base64;
	} vectors[] = {
		{"", ""},
		{"f", "Zg=="},
		{"fo", "Zm8="},
		{"foo", "Zm9v"},
		{"foob", "Zm9vYg=="},
		{"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"},
		{"Aladdin:open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
		{"test:123\302\243", "dGVzdDoxMjPCow=="},
		{"\377\376\373\357\276", "//77774="},
	};
	char longest[HTTP_CONNECT_USERINFO_MAX + 1], text[HTTP_CONNECT_CREDENTIALS_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		assert_int_equal(http_connect_credentials(span_of(vectors[i].userinfo), text), 0);
		assert_string_equal(text, vectors[i].base64);
	}
	memset(longest, 'a', sizeof(longest));
	assert_int_equal(http_connect_credentials(span_bytes(longest, sizeof(longest)), text),
			 -EMSGSIZE);
	assert_int_equal(http_connect_credentials(span_bytes(longest, sizeof(longest) - 1), text),
			 0);
	assert_int_equal(strlen(text), (HTTP_CONNECT_USERINFO_MAX + 2) / 3 * 4);
}

static void test_request_names_the_target(void **state)
{
	char request[HTTP_CONNECT_REQUEST_MAX];
	size_t n = http_connect_request("promptfax.app", 443, "", request);

	(void)state;
	assert_int_equal(n, strlen(request));
	assert_string_equal(request, "CONNECT promptfax.app:443 HTTP/1.1\r\n"
				     "Host: promptfax.app:443\r\n"
				     "User-Agent: mcpjail\r\n\r\n");
	http_connect_request("2001:db8::1", 8443, "dTpw", request);
	assert_string_equal(request, "CONNECT [2001:db8::1]:8443 HTTP/1.1\r\n"
				     "Host: [2001:db8::1]:8443\r\n"
				     "User-Agent: mcpjail\r\n"
				     "Proxy-Authorization: Basic dTpw\r\n\r\n");
}

static void test_every_request_fits(void **state)
{
	char host[254], userinfo[HTTP_CONNECT_USERINFO_MAX];
	char credentials[HTTP_CONNECT_CREDENTIALS_MAX], request[HTTP_CONNECT_REQUEST_MAX];
	size_t n;

	(void)state;
	memset(host, 'a', sizeof(host));
	host[sizeof(host) - 1] = '\0';
	memset(userinfo, 'u', sizeof(userinfo));
	http_connect_credentials(span_bytes(userinfo, sizeof(userinfo)), credentials);
	n = http_connect_request(host, 65535, credentials, request);
	assert_int_equal(n, strlen(request));
	assert_string_equal(request + n - 4, "\r\n\r\n");
}

#define TUNNEL "\026\003\001" /* what the server behind the proxy says, at once */

static const struct {
	const char *answer;
	int r;           /* 0: whole; 1: more is wanted; else -errno */
	unsigned status; /* of a whole one */
	const char *line;
} answers[] = {
	{"HTTP/1.1 200 Connection established\r\n\r\n" TUNNEL, 0, 200,
	 "200 Connection established"},
	{"HTTP/1.0 200 OK\r\nVia: 1.1 proxy\r\nX: y\r\n\r\n" TUNNEL, 0, 200, "200 OK"},
	{"HTTP/1.1 200\r\n\r\n" TUNNEL, 0, 200, "200"},
	{"HTTP/1.1 200 \r\n\r\n" TUNNEL, 0, 200, "200 "},
	{"HTTP/1.1 200 OK\n\n" TUNNEL, 0, 200, "200 OK"},
	{"HTTP/1.1 204 x\r\nContent-Length: 3\r\n\r\n" TUNNEL, 0, 204, "204 x"},
	{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n" TUNNEL, 0, 200, "200 OK"},
	{"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 407 Who\r\n\r\n" TUNNEL, 0, 407,
	 "407 Who"},
	{"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n", 0, 407,
	 "407 Proxy Authentication Required"},
	{"HTTP/1.1 503 a long reason, longer than what is kept of it: 0123456789 0123456789 "
	 "0123456789 0123456789\r\n\r\n",
	 0, 503,
	 "503 a long reason, longer than what is kept of it: 0123456789 0123456789 0123456789 "
	 "01"},
	{"", 1, 0, ""},
	{"HTT", 1, 0, ""},
	{"HTTP/1.1 200 OK\r\n", 1, 0, ""},
	{"HTTP/1.1 200 OK\r\nField: x\r\n", 1, 0, ""},
	{"HTTP/1.1 100 Continue\r\n\r\n", 1, 0, ""},
	{"SSH-2.0-x\r\n", -EPROTO, 0, ""},
	{TUNNEL, -EPROTO, 0, ""},
	{"\r\nHTTP/1.1 200 OK\r\n\r\n", -EPROTO, 0, ""},
	{"HTTP/2 200 OK\r\n\r\n", -EPROTO, 0, ""},
	{"HTTP/1.1  200 OK\r\n\r\n", -EPROTO, 0, ""},
	{"HTTP/1.1 20 OK\r\n\r\n", -EPROTO, 0, ""},
	{"HTTP/1.1 2000 OK\r\n\r\n", -EPROTO, 0, ""},
	{"HTTP/1.1 +20 OK\r\n\r\n", -EPROTO, 0, ""},
	{"HTTP/1.1 000 OK\r\n\r\n", -EPROTO, 0, ""},
	{"HTTP/1.1 \r\n\r\n", -EPROTO, 0, ""},
	{"HTTP/1.x 200 OK\r\n\r\n", -EPROTO, 0, ""},
	{"http/1.1 200 OK\r\n\r\n", -EPROTO, 0, ""},
	{"<html>\r\n\r\n", -EPROTO, 0, ""},
};

/* As many bytes at a time, up to where memory ends. Return: as in the rows. */
static int take(const char *answer, size_t step, struct http_connect_answer *ret, size_t *ret_taken)
{
	struct guard guard = guard_new();
	size_t n = strlen(answer), at = 0;
	int r = 1;

	memset(ret, 0, sizeof(*ret));
	while (r == 1 && at < n) {
		size_t some = n - at < step ? n - at : step;
		ssize_t taken =
			http_connect_answer_take(ret, guard_place(&guard, answer + at, some), some);

		if (taken < 0)
			r = (int)taken;
		else
			at += (size_t)taken;
		if (taken >= 0 && ret->is_whole)
			r = 0;
	}
	guard_free(&guard);
	*ret_taken = at;
	return r;
}

static void test_answers_are_read_up_to_their_end_and_no_further(void **state)
{
	static const size_t steps[] = {1, 2, 7, 4096};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(answers) * ARRAY_SIZE(steps); i++) {
		size_t row = i / ARRAY_SIZE(steps), step = steps[i % ARRAY_SIZE(steps)], taken;
		const char *text = answers[row].answer, *tunnel = strstr(text, TUNNEL);
		struct http_connect_answer answer;
		int r = take(text, step, &answer, &taken);

		if (r != answers[row].r ||
		    (!r && (answer.status != answers[row].status ||
			    strcmp(answer.line, answers[row].line) ||
			    taken != (tunnel ? (size_t)(tunnel - text) : strlen(text)))))
			fail_msg("row %zu by %zu: %d, status %u, \"%s\", %zu bytes", row, step, r,
				 answer.status, answer.line, taken);
	}
}

/* A part is written out again and again behind the head; it has to come to an end. */
static void check_endless(const char *head, const char *part)
{
	struct http_connect_answer answer = {0};
	ssize_t taken = http_connect_answer_take(&answer, head, strlen(head));
	size_t n = 0;

	while (taken >= 0 && n < 10 * HTTP_CONNECT_HEAD_MAX) {
		assert_false(answer.is_whole);
		taken = http_connect_answer_take(&answer, part, strlen(part));
		n += strlen(part);
	}
	assert_int_equal(taken, -EMSGSIZE);
	assert_in_range(n, HTTP_CONNECT_HEAD_MAX - 100, HTTP_CONNECT_HEAD_MAX + 100);
}

static void test_an_answer_without_an_end_is_refused(void **state)
{
	(void)state;
	check_endless("HTTP/1.1 200 OK\r\n", "Field: value\r\n");
	check_endless("HTTP/1.1 200 OK\r\nField: ", "x");
	check_endless("HTTP/1.1 200 ", "x");
	check_endless("", "HTTP/1.1 100 Continue\r\n\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_credentials_are_base64),
		cmocka_unit_test(test_request_names_the_target),
		cmocka_unit_test(test_every_request_fits),
		cmocka_unit_test(test_answers_are_read_up_to_their_end_and_no_further),
		cmocka_unit_test(test_an_answer_without_an_end_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
