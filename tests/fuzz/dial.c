// SPDX-License-Identifier: Apache-2.0
/*
 * What the dialer reads: the caller's NO_PROXY, an HTTP proxy's answer, /etc/hosts, literal
 * addresses. The first byte of the input chooses, the rest is the text. What must hold:
 *   - a proxy's answer reads the same at once and byte by byte, and nothing behind its head
 *     is taken;
 *   - a literal address formats and parses to itself, an IPv4 one has one spelling;
 *   - an entry of NO_PROXY means the same however the list around it is spaced, and a host
 *     that one list matches, a longer list matches too;
 *   - credentials are base64 that OpenSSL decodes to what they were made of.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/evp.h>

#include "dial/addresses.h"
#include "dial/http_connect.h"
#include "dial/no_proxy.h"
#include "dial/targets.h"
#include "fuzz.h"

static void check_answer(struct span text)
{
	struct http_connect_answer whole = {.is_whole = false}, bytewise = {.is_whole = false};
	ssize_t n = http_connect_answer_take(&whole, text.p, text.n), r = 0;
	size_t at = 0;

	must(n == -EPROTO || n == -EMSGSIZE || (n >= 0 && (size_t)n <= text.n));
	while (at < text.n && !bytewise.is_whole) {
		r = http_connect_answer_take(&bytewise, text.p + at, 1);
		if (r < 0)
			break;
		must(r == 1);
		at++;
	}
	if (n < 0) {
		must(r == n);
		return;
	}
	must(whole.is_whole == bytewise.is_whole && (size_t)n == at);
	must(whole.is_whole || (size_t)n == text.n);
	must(!whole.is_whole || (whole.status >= 200 && whole.status <= 999));
	must(whole.status == bytewise.status && !strcmp(whole.line, bytewise.line));
	must(!whole.is_whole || (n >= 2 && text.p[n - 1] == '\n'));
}

static void check_no_proxy(struct span text)
{
	static const char *const hosts[] = {"promptfax.app", "a.b.example.org", "10.1.2.3", "::1",
					    "fe80::1"};
	autofree char *list = malloc(text.n + 1), *padded = malloc(text.n + 32);

	must(list && padded);
	if (!span_copy(text, list, text.n + 1) || strlen(list) != text.n)
		return;
	snprintf(padded, text.n + 32, " ,%s, ,zz.invalid", list);
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		must(no_proxy_matches(list, hosts[i], 443) ==
		     no_proxy_matches(padded, hosts[i], 443));
	}
}

static void check_address(struct span text)
{
	char copy[256], formatted[ADDRESS_TEXT_MAX];
	union address address, again;
	uint8_t bytes[16];

	if (!span_copy(text, copy, sizeof(copy)) || strlen(copy) != text.n)
		return;
	if (!address_parse(copy, 443, &address)) {
		must(target_kind(copy) != TARGET_LITERAL);
		return;
	}
	must(inet_pton(address.any.sa_family, copy, bytes) == 1);
	address_format(&address.any, formatted);
	/* inet_ntop() gives some IPv6 addresses an IPv4 tail, which is no form of ours. */
	if (!strchr(formatted, ':') || !strchr(formatted, '.'))
		must(address_parse(formatted, 443, &again) && address_equals(&address, &again));
	must(address.any.sa_family == AF_INET6 || !strcmp(copy, formatted));
	must(target_kind(copy) == TARGET_LITERAL);
	must(!address_refusal(&address.any, REACH_ANY));
	/* Each reach includes what stands before it. */
	must(address_refusal(&address.any, REACH_PUBLIC) ||
	     !address_refusal(&address.any, REACH_PRIVATE));
	must(address_refusal(&address.any, REACH_PRIVATE) ||
	     !address_refusal(&address.any, REACH_METADATA));
}

static void check_hosts(struct span text)
{
	union address found[TARGET_ADDRESSES_MAX], again[TARGET_ADDRESSES_MAX];
	size_t n = hosts_find(text.p, text.n, "fax.example", 443, found);

	must(n <= TARGET_ADDRESSES_MAX);
	must(hosts_find(text.p, text.n, "FAX.Example", 443, again) == n);
	for (size_t i = 0; i < n; i++)
		must(address_equals(&found[i], &again[i]));
}

static void check_credentials(struct span text)
{
	char token[HTTP_CONNECT_CREDENTIALS_MAX], request[HTTP_CONNECT_REQUEST_MAX];
	unsigned char decoded[HTTP_CONNECT_CREDENTIALS_MAX];
	size_t n, padding = 0;
	int got;

	if (http_connect_credentials(text, token)) {
		must(text.n > HTTP_CONNECT_USERINFO_MAX);
		return;
	}
	n = strlen(token);
	got = EVP_DecodeBlock(decoded, (unsigned char *)token, (int)n);
	for (size_t i = n; i && token[i - 1] == '='; i--)
		padding++;
	must(got >= 0 && (size_t)got - padding == text.n &&
	     (!text.n || !memcmp(decoded, text.p, text.n)));
	n = http_connect_request("example.org", 443, token, request);
	must(n == strlen(request) && !strcmp(request + n - 4, "\r\n\r\n"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static void (*const checks[])(struct span) = {check_answer, check_no_proxy, check_address,
						      check_hosts, check_credentials};
	autofree char *copy = NULL;

	if (!n)
		return 0;
	copy = fuzz_copy(data + 1, n - 1);
	checks[data[0] % ARRAY_SIZE(checks)](span_bytes(copy, n - 1));
	return 0;
}
