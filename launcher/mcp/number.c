// SPDX-License-Identifier: Apache-2.0
/*
 * jansson keeps an int64 or a double and forgets the digits. A call whose amount is
 * 12345678901234567890.0 would be judged and forwarded as ...7168.0, so such digits are
 * refused before the tree is built. Doubles are not written with a fixed 17 digits, as
 * jansson does, because then 0.1 itself would come back as 0.10000000000000001.
 *
 * strtod() and snprintf() follow the locale; mcpjail never leaves the C locale.
 */
#include "mcp/number.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mcp/json.h"

#define EXPONENT_MAX 100000 /* bounds the arithmetic; far outside of what a double holds */

/* The value 0.DIGITS × 10^exponent, digits without zeros at either end; none: zero. */
struct decimal {
	bool negative;
	bool is_real; /* written with a fraction or an exponent */
	char digits[MCP_JSON_NUMBER_MAX];
	size_t n;
	long exponent;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Take a run of digits before or behind the point. Return: how many there were */
static size_t decimal_take_digits(struct decimal *d, const char *p, bool is_fraction)
{
	size_t n = 0;

	for (; is_digit(p[n]); n++) {
		bool is_leading_zero = !d->n && p[n] == '0';

		if (!is_leading_zero)
			d->digits[d->n++] = p[n];
		if (is_fraction && is_leading_zero)
			d->exponent--;
		if (!is_fraction && !is_leading_zero)
			d->exponent++;
	}
	return n;
}

static bool decimal_take_exponent(struct decimal *d, const char **p)
{
	bool negative = **p == '-';
	long value = 0;

	if (**p == '-' || **p == '+')
		++*p;
	if (!is_digit(**p))
		return false;
	for (; is_digit(**p); ++*p) {
		value = value * 10 + (**p - '0');
		if (value > EXPONENT_MAX)
			return false;
	}
	d->exponent += negative ? -value : value;
	return true;
}

/* @text is NUL-terminated and shorter than MCP_JSON_NUMBER_MAX. */
static bool decimal_parse(const char *text, struct decimal *ret)
{
	const char *p = text;
	size_t n;

	*ret = (struct decimal){.negative = *p == '-'};
	if (ret->negative)
		p++;
	n = decimal_take_digits(ret, p, false);
	if (!n || (n > 1 && *p == '0'))
		return false;
	p += n;
	if (*p == '.') {
		ret->is_real = true;
		n = decimal_take_digits(ret, p + 1, true);
		if (!n)
			return false;
		p += 1 + n;
	}
	if (*p == 'e' || *p == 'E') {
		ret->is_real = true;
		p++;
		if (!decimal_take_exponent(ret, &p))
			return false;
	}
	while (ret->n && ret->digits[ret->n - 1] == '0')
		ret->n--;
	return *p == '\0';
}

static bool decimal_equals(const struct decimal *a, const struct decimal *b)
{
	if (a->negative != b->negative || a->n != b->n)
		return false;
	return !a->n || (a->exponent == b->exponent && !memcmp(a->digits, b->digits, a->n));
}

static bool real_survives(const char *text, const struct decimal *d)
{
	char again[MCP_NUMBER_TEXT_MAX];
	struct decimal returned;
	double value;

	/* DBL_DIG digits always survive a normal double; this spares nearly all the trip. */
	if (d->n <= DBL_DIG && d->exponent > DBL_MIN_10_EXP + DBL_DIG &&
	    d->exponent < DBL_MAX_10_EXP)
		return true;
	if (d->n > DBL_DECIMAL_DIG)
		return false;
	value = strtod(text, NULL);
	if (!isfinite(value))
		return false;
	mcp_number_format(value, again);
	return decimal_parse(again, &returned) && decimal_equals(d, &returned);
}

bool mcp_number_survives(struct span lexeme)
{
	char text[MCP_JSON_NUMBER_MAX];
	struct decimal d;

	if (!span_copy(lexeme, text, sizeof(text)) || !decimal_parse(text, &d))
		return false;
	if (d.is_real)
		return real_survives(text, &d);
	if (!d.n)
		return !d.negative;
	errno = 0;
	strtoll(text, NULL, 10);
	return errno == 0;
}

void mcp_number_format(double value, char ret_text[MCP_NUMBER_TEXT_MAX])
{
	/* Subnormals carry fewer digits than DBL_DIG: 5e-324 is the one digit. */
	int digits = fabs(value) < DBL_MIN ? 1 : DBL_DIG;

	for (; digits <= DBL_DECIMAL_DIG; digits++) {
		snprintf(ret_text, MCP_NUMBER_TEXT_MAX - 2, "%.*g", digits, value);
		if (strtod(ret_text, NULL) == value)
			break;
	}
	/* Without a fraction a reader would take it for an integer, and jansson too. */
	if (!strpbrk(ret_text, ".e"))
		strcat(ret_text, ".0");
}
