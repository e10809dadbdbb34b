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

#include "base/cleanup.h"
#include "mcp/json.h"

#define FIRST_MODERN_VERSION "2026-07-28"
#define PARAM_VALUE_MAX      8192 /* bytes of an Mcp-Param-* value */
#define BASE64_OPEN          "=?base64?"
#define BASE64_CLOSE         "?="

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
	return 0;
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

	if (json_is_string(value))
		return value_equals(text, json_string_value(value), json_string_length(value));
	if (mcp_json_append(&written, value, MCP_JSON_AS_READ))
		return false;
	return written.len == text.n && !memcmp(written.data, text.p, text.n);
}

/* Depth is bounded by parsing. */
static bool holds_scalar(json_t *value, struct span text)
{
	const char *key;
	json_t *child;
	size_t i;

	json_object_foreach (value, key, child)
		if (holds_scalar(child, text))
			return true;
	json_array_foreach (value, i, child)
		if (holds_scalar(child, text))
			return true;
	return !json_is_object(value) && !json_is_array(value) && scalar_equals(value, text);
}

bool mcp_message_has_argument_value(const struct mcp_message *m, struct span value)
{
	return m->arguments && value.n <= PARAM_VALUE_MAX && holds_scalar(m->arguments, value);
}
