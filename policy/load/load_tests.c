// SPDX-License-Identifier: Apache-2.0
#include "policy/load/load_tests.h"

#include "base/cleanup.h"

#define WRITE_CASE    "write {\"call\":{\"tool\":\"get_quote\",\"arguments\":{}},\"expect\":\"allow\"}"
#define WRITE_CALL    "write {\"tool\":\"get_quote\",\"arguments\":{}}"
#define WRITE_EARLIER "write [{\"tool\":\"get_quote\",\"result\":{}}]"

static void check_string(struct load *l, const json_t *value, void *into)
{
	const char *text;

	(void)into;
	load_string(l, value, &text);
}

static void check_object(struct load *l, const json_t *value, void *into)
{
	(void)into;
	load_is_object(l, value, NULL);
}

static void check_verdict(struct load *l, const json_t *value, void *into)
{
	static const struct load_word verdicts[] = {{"allow", 0}, {"deny", 0}, {"ask", 0}};
	int verdict;

	(void)into;
	load_word(l, value, LOAD_WORDS(verdicts), &verdict);
}

static void check_list(struct load *l, const json_t *value, const char *write,
		       const struct load_keys *keys)
{
	if (!load_is_array(l, value, write))
		return;
	for (size_t i = 0; i < json_array_size(value); i++) {
		size_t mark = load_enter_index(l, i);

		load_object(l, json_array_get(value, i), keys, NULL);
		load_leave(l, mark);
	}
}

static void check_earlier(struct load *l, const json_t *value, void *into)
{
	static const struct load_key keys[] = {{"tool", check_string, true},
					       {"result", check_object, true}};
	static const struct load_keys earlier = {"an earlier result", WRITE_EARLIER, keys,
						 ARRAY_SIZE(keys)};

	(void)into;
	check_list(l, value, WRITE_EARLIER, &earlier);
}

static void check_call(struct load *l, const json_t *value, void *into)
{
	static const struct load_key keys[] = {
		{"tool", check_string, true},     {"arguments", check_object, false},
		{"server", check_string, false},  {"grant", check_string, false},
		{"session", check_string, false}, {"earlier", check_earlier, false},
	};
	static const struct load_keys call = {"a call", WRITE_CALL, keys, ARRAY_SIZE(keys)};

	(void)into;
	load_object(l, value, &call, NULL);
}

void load_tests(struct load *l, const json_t *value, void *into)
{
	static const struct load_key keys[] = {
		{"name", check_string, false},   {"call", check_call, true},
		{"expect", check_verdict, true}, {"rule", check_string, false},
		{"reason", check_string, false},
	};
	static const struct load_keys test = {"a test", WRITE_CASE, keys, ARRAY_SIZE(keys)};

	(void)into;
	check_list(l, value,
		   "write a list of tests: ["
		   "{\"call\":…,\"expect\":\"allow\"}]",
		   &test);
}
