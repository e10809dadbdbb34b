// SPDX-License-Identifier: Apache-2.0
#include "dial/http_connect.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define VERSION_BYTES 9 /* "HTTP/1.1 " */
#define STATUS_BYTES  3

/* RFC 4648 §4. */
static void encode_base64(const uint8_t *bytes, size_t n, char *ret)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789+/";

	for (size_t i = 0; i < n; i += 3, ret += 4) {
		uint32_t group = (uint32_t)bytes[i] << 16;

		group |= i + 1 < n ? (uint32_t)bytes[i + 1] << 8 : 0;
		group |= i + 2 < n ? bytes[i + 2] : 0;
		ret[0] = digits[group >> 18];
		ret[1] = digits[group >> 12 & 63];
		ret[2] = i + 1 < n ? digits[group >> 6 & 63] : '=';
		ret[3] = i + 2 < n ? digits[group & 63] : '=';
	}
	*ret = '\0';
}

_Static_assert((HTTP_CONNECT_USERINFO_MAX + 2) / 3 * 4 < HTTP_CONNECT_CREDENTIALS_MAX,
	       "base64 of every userinfo fits");

int http_connect_credentials(struct span userinfo, char *ret)
{
	if (userinfo.n > HTTP_CONNECT_USERINFO_MAX)
		return -EMSGSIZE;
	encode_base64((const uint8_t *)userinfo.p, userinfo.n, ret);
	return 0;
}

size_t http_connect_request(const char *host, uint16_t port, const char *credentials, char *ret)
{
	bool v6 = strchr(host, ':');
	const char *open = v6 ? "[" : "", *close = v6 ? "]" : "";
	int n = snprintf(ret, HTTP_CONNECT_REQUEST_MAX,
			 "CONNECT %s%s%s:%u HTTP/1.1\r\n"
			 "Host: %s%s%s:%u\r\n"
			 "User-Agent: mcpjail\r\n"
			 "%s%s%s\r\n",
			 open, host, close, port, open, host, close, port,
			 credentials[0] ? "Proxy-Authorization: Basic " : "", credentials,
			 credentials[0] ? "\r\n" : "");

	return (size_t)n;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* RFC 9112 §4: "HTTP/1.1 407 reason"; without a reason also without the space before it. */
static bool read_status(struct http_connect_answer *answer)
{
	char *line = answer->line, *status = line + VERSION_BYTES;

	if (strlen(line) < VERSION_BYTES + STATUS_BYTES || strncmp(line, "HTTP/1.", 7) ||
	    !is_digit(line[7]) || line[8] != ' ' || !is_digit(status[0]) || !is_digit(status[1]) ||
	    !is_digit(status[2]) || (status[3] && status[3] != ' '))
		return false;
	answer->status = (unsigned)(status[0] - '0') * 100u + (unsigned)(status[1] - '0') * 10u +
			 (unsigned)(status[2] - '0');
	memmove(line, status, strlen(status) + 1);
	return answer->status >= 100;
}

/* The first bytes of the line are kept; what is no answer need not be read to its end. */
static bool take_status_byte(struct http_connect_answer *answer, char byte)
{
	static const char version[] = "HTTP/1.";
	size_t at = answer->line_bytes;

	if (at < sizeof(version) - 1 && byte != version[at])
		return false;
	if (byte != '\r' && byte != '\n' && at + 1 < sizeof(answer->line)) {
		answer->line[at] = byte;
		answer->line[at + 1] = '\0';
		answer->line_bytes = at + 1;
	}
	return byte != '\n' || read_status(answer);
}

/* A line ends by LF, with or without CR before it (RFC 9112 §2.2). */
static void take_field_byte(struct http_connect_answer *answer, char byte)
{
	if (byte == '\r')
		return;
	if (byte != '\n') {
		answer->field_bytes++;
		return;
	}
	if (!answer->field_bytes && answer->status < 200) {
		answer->status = 0;
		answer->line_bytes = 0;
	} else if (!answer->field_bytes) {
		answer->is_whole = true;
	}
	answer->field_bytes = 0;
}

ssize_t http_connect_answer_take(struct http_connect_answer *answer, const char *bytes, size_t n)
{
	size_t taken = 0;

	while (taken < n && !answer->is_whole) {
		if (++answer->head_bytes > HTTP_CONNECT_HEAD_MAX)
			return -EMSGSIZE;
		if (answer->status)
			take_field_byte(answer, bytes[taken]);
		else if (!take_status_byte(answer, bytes[taken]))
			return -EPROTO;
		taken++;
	}
	return (ssize_t)taken;
}
