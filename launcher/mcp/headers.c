// SPDX-License-Identifier: Apache-2.0
/*
 * Modern servers and the balancers before them may route by header alone, legacy ones by
 * the body alone. The policy judges the body, so the headers must not say anything else.
 */
#include "mcp/message.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "mcp/json.h"

#define FIRST_MODERN_VERSION "2026-07-28"
#define PARAM_VALUE_MAX      8192 /* bytes of an Mcp-Param-* value */
#define BASE64_OPEN          "=?base64?"
#define BASE64_CLOSE         "?="

/* Of RFC 9110 §5.6.2: what a field's name is made of. */
static const char token_characters[] = "!#$%&'*+-.^_`|~0123456789"
				       "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static int mismatch(const struct mcp_message *m, const char *field, const char *what,
		    struct mcp_refusal *ret)
{
	*ret = (struct mcp_refusal){.http_status = 400, .code = MCP_CODE_HEADER_MISMATCH};
	snprintf(ret->text, sizeof(ret->text), "mcpjail: refused this message: header %s %s", field,
		 what);
	snprintf(ret->method, sizeof(ret->method), "%s", m->method);
	snprintf(ret->tool, sizeof(ret->tool), "%s", m->tool ? m->tool : "");
	snprintf(ret->id_json, sizeof(ret->id_json), "%s", m->id ? m->id_json : "null");
	return -EBADMSG;
}

/* RFC 4648 §4. Encoding what is expected, not decoding what came: there is one encoding only. */
static int append_base64(struct buf *b, const char *bytes, size_t n)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *p = (const uint8_t *)bytes;
	int r = 0;

	for (size_t i = 0; !r && i < n; i += 3) {
		size_t left = n - i;
		uint32_t bits = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
				(left > 2 ? p[i + 2] : 0u);
		const char group[4] = {digits[bits >> 18], digits[bits >> 12 & 63],
				       left > 1 ? digits[bits >> 6 & 63] : '=',
				       left > 2 ? digits[bits & 63] : '='};

		r = buf_append(b, group, sizeof(group));
	}
	return r;
}

/* Whether a field's value is @bytes, as they are or encoded (MCP 2026-07-28, "Headers"). */
static bool value_equals(struct span value, const char *bytes, size_t n)
{
	autobuf struct buf encoded = BUF_INIT(PARAM_VALUE_MAX);

	if (value.n < strlen(BASE64_OPEN) ||
	    strncmp(value.p, BASE64_OPEN, strlen(BASE64_OPEN)) != 0)
		return value.n == n && (!n || !memcmp(value.p, bytes, n));
	if (buf_puts(&encoded, BASE64_OPEN) || append_base64(&encoded, bytes, n) ||
	    buf_puts(&encoded, BASE64_CLOSE))
		return false;
	return value.n == encoded.len && !memcmp(value.p, encoded.data, encoded.len);
}

static bool names_are_one(struct span a, struct span b)
{
	return a.n == b.n && (!a.n || !strncasecmp(a.p, b.p, a.n));
}

static bool is_repeated(const struct mcp_param *params, size_t i)
{
	for (size_t before = 0; before < i; before++)
		if (names_are_one(params[before].name, params[i].name))
			return true;
	return false;
}

static int check_params(const struct mcp_message *m, const struct mcp_headers *headers,
			struct mcp_refusal *ret)
{
	static const char field[] = MCP_PARAM_PREFIX "*";

	if (headers->n_params > MCP_PARAMS_MAX)
		return mismatch(m, field, "occurs too often", ret);
	for (size_t i = 0; i < headers->n_params; i++) {
		if (!mcp_message_param_key(m, &headers->params[i]))
			return mismatch(m, field,
					"does not repeat the argument that it is named after", ret);
		if (is_repeated(headers->params, i))
			return mismatch(m, field, "repeats an argument twice", ret);
	}
	return 0;
}

static int check_modern(const struct mcp_message *m, const struct mcp_headers *headers,
			struct mcp_refusal *ret)
{
	const struct {
		const char *field;
		struct span value;
		const char *expected; /* NULL: the field has nothing to repeat */
	} checks[] = {
		{"MCP-Protocol-Version", headers->protocol_version, m->version},
		{"Mcp-Method", headers->method, m->method},
		{"Mcp-Name", headers->name, m->tool},
	};
	bool is_denied = mcp_method_route(m) == MCP_DENY;

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		const char *expected = checks[i].expected;

		/* prompts/get and resources/read have names too: they are denied as methods. */
		if (!expected && (is_denied || !checks[i].value.p))
			continue;
		if (!checks[i].value.p)
			return mismatch(m, checks[i].field, "is missing", ret);
		if (!expected || !value_equals(checks[i].value, expected, strlen(expected)))
			return mismatch(m, checks[i].field, "does not agree with the body", ret);
	}
	return check_params(m, headers, ret);
}

const char *mcp_known_version(struct span version)
{
	static const char *const known[] = {
		"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", FIRST_MODERN_VERSION,
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (span_equals(version, known[i]))
			return known[i];
	return NULL;
}

static bool is_legacy_version(struct span version)
{
	const char *first = FIRST_MODERN_VERSION;

	/* Revisions are dates, which sort as text; anything that is no date is not older. */
	for (size_t i = 0; i < version.n; i++)
		if (!strchr("0123456789-", version.p[i]) || !version.p[i])
			return false;
	return version.n == strlen(first) && strncmp(version.p, first, version.n) < 0;
}

int mcp_message_check_headers(const struct mcp_message *m, const struct mcp_headers *headers,
			      struct mcp_refusal *ret_refusal)
{
	struct span version = headers->protocol_version;

	if (m->era == ERA_MODERN)
		return check_modern(m, headers, ret_refusal);
	/* Notifications carry no version of their own in either era. */
	if (m->kind == MCP_REQUEST && version.p && !is_legacy_version(version))
		return mismatch(m, "MCP-Protocol-Version",
				"names a version that the body's _meta does not", ret_refusal);
	return 0;
}

static bool scalar_equals(const json_t *value, struct span text)
{
	autobuf struct buf written = BUF_INIT(PARAM_VALUE_MAX);

	if (json_is_object(value) || json_is_array(value))
		return false;
	if (json_is_string(value))
		return value_equals(text, json_string_value(value), json_string_length(value));
	if (mcp_json_append(&written, value, MCP_JSON_AS_READ))
		return false;
	return written.len == text.n && !memcmp(written.data, text.p, text.n);
}

static bool is_token(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!s.p[i] || !strchr(token_characters, s.p[i]))
			return false;
	return s.n > 0;
}

const char *mcp_message_param_key(const struct mcp_message *m, const struct mcp_param *param)
{
	const char *key;
	json_t *argument;

	if (param->name.n > MCP_PARAM_NAME_MAX || param->value.n > PARAM_VALUE_MAX ||
	    !is_token(param->name))
		return NULL;
	json_object_foreach (m->arguments, key, argument)
		if (names_are_one(param->name, span_of(key)))
			return scalar_equals(argument, param->value) ? key : NULL;
	return NULL;
}
