// SPDX-License-Identifier: Apache-2.0
/*
 * Paths of requests to `egress` hosts. What must hold of one that passes:
 *   - what is sent reads the same again;
 *   - however often a server decodes it, whether it takes runs of slashes for one or drops
 *     what is behind a semicolon, no dot segment, backslash or control character appears;
 *   - the reading with all escapes decoded is what decoding until nothing changes yields.
 */
#include <ctype.h>

#include "fuzz.h"
#include "proxy/egress_path.h"

#define DECODINGS 6

static unsigned int hex(char c)
{
	return isdigit((unsigned char)c) ? (unsigned int)(c - '0')
					 : (unsigned int)(tolower((unsigned char)c) - 'a') + 10;
}

static void decode(char *path)
{
	char *out = path;

	for (const char *in = path; *in; out++) {
		if (*in == '%' && isxdigit((unsigned char)in[1]) &&
		    isxdigit((unsigned char)in[2])) {
			*out = (char)(hex(in[1]) << 4 | hex(in[2]));
			must(*out);
			in += 3;
		} else {
			*out = *in++;
		}
	}
	*out = '\0';
}

static void check_segment(const char *segment, size_t n)
{
	const char *parameters = memchr(segment, ';', n);
	size_t bare = parameters ? (size_t)(parameters - segment) : n;

	must(!(n == 1 && segment[0] == '.') && !(n == 2 && !memcmp(segment, "..", 2)));
	must(!(bare == 1 && segment[0] == '.') && !(bare == 2 && !memcmp(segment, "..", 2)));
}

static void check_plain(const char *path)
{
	const char *from = path;

	for (const char *c = path;; c++) {
		must((uint8_t)*c >= 0x20 || !*c);
		must(*c != '\\' && *c != 0x7f);
		if (*c != '/' && *c)
			continue;
		check_segment(from, (size_t)(c - from));
		if (!*c)
			return;
		from = c + 1;
	}
}

static void check_sent(const struct egress_path *path)
{
	static struct egress_path again;
	const char *sent = path->readings[0];

	for (const char *c = sent; *c; c++)
		must((uint8_t)*c > ' ' && (uint8_t)*c < 0x7f && !strchr("?#\"<>\\^`{|}", *c));
	must(!egress_path_read(span_of(sent), &again) && again.n == path->n);
	for (size_t i = 0; i < path->n; i++)
		must(!strcmp(path->readings[i], again.readings[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	autofree char *copy = fuzz_copy(data, n);
	static struct egress_path path;
	static char decoded[HTTP1_PATH_MAX + 1];

	if (egress_path_read(span_bytes(copy, n), &path))
		return 0;
	must(path.n >= 1 && path.n <= EGRESS_READINGS_MAX);
	for (size_t i = 0; i < path.n; i++) {
		must(path.readings[i][0] == '/');
		check_plain(path.readings[i]);
		for (size_t k = 0; k < i; k++)
			must(strcmp(path.readings[i], path.readings[k]) != 0);
	}
	check_sent(&path);
	strcpy(decoded, path.readings[0]);
	for (size_t i = 0; i < DECODINGS; i++) {
		check_plain(decoded);
		decode(decoded);
	}
	must(path.n == 1
		     ? !strcmp(decoded, path.readings[0])
		     : !strcmp(decoded, path.readings[0]) || !strcmp(decoded, path.readings[1]));
	return 0;
}
