// SPDX-License-Identifier: Apache-2.0
#include "policy/judge/phones.h"

#include <string.h>

#define DIGITS_LEAST 7  /* shorter ones are not dialled from abroad */
#define DIGITS_MAX   15 /* E.164 §6 */

/* The digits alone, and whether a `+` was before them. Return: false if anything else is there */
static bool take_digits(struct span text, char ret[DIGITS_MAX + 1], bool *ret_has_plus)
{
	size_t n = 0;

	*ret_has_plus = false;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c && strchr(" -.()", c))
			continue;
		if (c == '+' && !n && !*ret_has_plus) {
			*ret_has_plus = true;
			continue;
		}
		if (c < '0' || c > '9' || n == DIGITS_MAX)
			return false;
		ret[n++] = c;
	}
	ret[n] = '\0';
	return true;
}

/* NXX: 2 to 9, and no service code such as 411 */
static bool is_area_or_exchange(const char *p)
{
	return p[0] >= '2' && p[0] <= '9' && !(p[1] == '1' && p[2] == '1');
}

bool phone_is_us_fax(struct span text)
{
	char digits[DIGITS_MAX + 1];
	const char *number = digits;
	bool has_plus;

	if (!take_digits(text, digits, &has_plus))
		return false;
	if (has_plus) {
		if (digits[0] != '1')
			return false;
		number++;
	}
	/* An area code begins with 2 to 9 and has no 9 in the middle. */
	return strlen(number) == 10 && is_area_or_exchange(number) && number[1] != '9' &&
	       is_area_or_exchange(number + 3) && strncmp(number, "900", 3) &&
	       strncmp(number, "976", 3) && strncmp(number + 3, "976", 3);
}

bool phone_normalise(struct span text, char ret[PHONE_MAX])
{
	char digits[DIGITS_MAX + 1];
	bool has_plus;
	size_t n;

	if (!take_digits(text, digits, &has_plus))
		return false;
	n = strlen(digits);
	if (has_plus ? n < DIGITS_LEAST || digits[0] == '0'
		     : n != 10 && !(n == 11 && digits[0] == '1'))
		return false;
	ret[0] = '+';
	ret[1] = '1';
	strcpy(ret + (has_plus || n == 11 ? 1 : 2), digits);
	return true;
}
