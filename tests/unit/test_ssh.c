// SPDX-License-Identifier: Apache-2.0
#include "proxy/ssh.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

static uint32_t number(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* RFC 4253 §6 and §11.1, for texts of every length that padding depends on, and of one too long. */
static void test_refusal_is_a_greeting_and_a_packet_of_whole_blocks(void **state)
{
	static const char greeting[] = "SSH-2.0-mcpjail\r\n";
	char text[SSH_TEXT_MAX + 64];

	(void)state;
	for (size_t n = 0; n < sizeof(text) - 1; n += n < 20 ? 1 : 97) {
		autobuf struct buf out = BUF_INIT(4096);
		size_t shown = n < SSH_TEXT_MAX ? n : SSH_TEXT_MAX;
		const uint8_t *p;

		memset(text, 'x', n);
		text[n] = '\0';
		assert_int_equal(ssh_write_refusal(&out, text), 0);
		assert_memory_equal(out.data, greeting, strlen(greeting));
		p = out.data + strlen(greeting);
		assert_int_equal(number(p), out.len - strlen(greeting) - 4);
		assert_int_equal((number(p) + 4) % 8, 0);
		assert_in_range(p[4], 4, 11);
		assert_int_equal(p[5], 1);
		assert_int_equal(number(p + 6), 1);
		assert_int_equal(number(p + 10), shown);
		assert_memory_equal(p + 14, text, shown);
		assert_int_equal(number(p + 14 + shown), 2);
		assert_int_equal(number(p), 1 + 9 + shown + 4 + 2 + p[4]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusal_is_a_greeting_and_a_packet_of_whole_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
