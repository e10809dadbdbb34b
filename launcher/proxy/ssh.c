// SPDX-License-Identifier: Apache-2.0
#include "proxy/ssh.h"

#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"

#define GREETING           "SSH-2.0-mcpjail\r\n"
#define MESSAGE_DISCONNECT 1
#define NOT_ALLOWED        1 /* SSH_DISCONNECT_HOST_NOT_ALLOWED_TO_CONNECT */
#define BLOCK              8 /* RFC 4253 §6: also before there is a cipher */
#define PADDING_MIN        4

static int put_number(struct buf *b, uint32_t v)
{
	const uint8_t bytes[] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8),
				 (uint8_t)v};

	return buf_append(b, bytes, sizeof(bytes));
}

static int put_string(struct buf *b, const char *text, size_t n)
{
	int r = put_number(b, (uint32_t)n);

	return r ? r : buf_append(b, text, n);
}

/* Length, length of the padding, payload, padding: whole blocks of all four. */
static int put_packet(struct buf *out, const struct buf *payload)
{
	static const uint8_t zeros[BLOCK + PADDING_MIN];
	size_t padding = BLOCK - (4 + 1 + payload->len) % BLOCK;
	uint8_t padding_byte;
	int r;

	if (padding < PADDING_MIN)
		padding += BLOCK;
	padding_byte = (uint8_t)padding;
	r = put_number(out, (uint32_t)(1 + payload->len + padding));
	if (!r)
		r = buf_append(out, &padding_byte, 1);
	if (!r)
		r = buf_append(out, payload->data, payload->len);
	return r ? r : buf_append(out, zeros, padding);
}

int ssh_write_refusal(struct buf *out, const char *text)
{
	autobuf struct buf payload = BUF_INIT(SSH_TEXT_MAX + 64);
	const uint8_t message = MESSAGE_DISCONNECT;
	int r = buf_puts(out, GREETING);

	if (!r)
		r = buf_append(&payload, &message, 1);
	if (!r)
		r = put_number(&payload, NOT_ALLOWED);
	if (!r)
		r = put_string(&payload, text, strnlen(text, SSH_TEXT_MAX));
	if (!r)
		r = put_string(&payload, "en", 2);
	return r ? r : put_packet(out, &payload);
}
