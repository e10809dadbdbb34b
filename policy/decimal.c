// SPDX-License-Identifier: Apache-2.0
/*
 * strtod() and snprintf() follow the locale; mcpjail never leaves the C locale.
 */
#include "decimal.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS_MAX   19      /* that always fit an uint64 */
#define LEXEME_MAX   128     /* bytes of one number; longer ones are read differently somewhere */
#define EXPONENT_MAX 100000L /* bounds the arithmetic; far outside of what a double holds */

typedef unsigned __int128 wide;

static wide power_of_ten(int n)
{
	wide power = 1;

	while (n-- > 0)
		power *= 10;
	return power;
}

static struct decimal normal_form(bool is_negative, uint64_t digits, long exponent)
{
	if (!digits)
		return (struct decimal){0};
	while (digits % 10 == 0) {
		digits /= 10;
		exponent++;
	}
	return (struct decimal){is_negative, digits, (int)exponent};
}

/* What has been read: digits × 10^(zeros + exponent). Zeros wait until a digit follows. */
struct reading {
	uint64_t digits;
	long zeros, exponent;
};

/* A run of digits. Return: false if there are none, or more that count than fit */
static bool take_digits(const char **p, bool is_fraction, struct reading *r)
{
	const char *begin = *p;

	for (; **p >= '0' && **p <= '9'; ++*p) {
		r->exponent -= is_fraction;
		if (**p == '0') {
			r->zeros += r->digits != 0;
			continue;
		}
		for (; r->zeros; r->zeros--) {
			if (r->digits > UINT64_MAX / 100)
				return false;
			r->digits *= 10;
		}
		if (r->digits > (UINT64_MAX - 9) / 10)
			return false;
		r->digits = r->digits * 10 + (uint64_t)(**p - '0');
	}
	return *p > begin;
}

static bool take_exponent(const char **p, long *exponent)
{
	bool is_negative = **p == '-';
	long value = 0;

	if (**p == '-' || **p == '+')
		++*p;
	if (**p < '0' || **p > '9')
		return false;
	for (; **p >= '0' && **p <= '9'; ++*p) {
		value = value * 10 + (**p - '0');
		if (value > EXPONENT_MAX)
			return false;
	}
	*exponent += is_negative ? -value : value;
	return true;
}

static bool decimal_parse(const char *text, struct decimal *ret, bool *ret_is_real)
{
	bool is_negative = *text == '-', is_real = false;
	const char *p = text + is_negative;
	struct reading r = {0};

	if (!take_digits(&p, false, &r))
		return false;
	if (*p == '.') {
		is_real = true;
		p++;
		if (!take_digits(&p, true, &r))
			return false;
	}
	if (*p == 'e' || *p == 'E') {
		is_real = true;
		p++;
		if (!take_exponent(&p, &r.exponent))
			return false;
	}
	*ret = normal_form(is_negative, r.digits, r.zeros + r.exponent);
	*ret_is_real = is_real;
	return !*p;
}

/* The shortest text that reads back as the same double. Subnormals have fewer digits than most. */
static struct decimal decimal_of_real(double value)
{
	char text[40] = "0";
	struct decimal d = {0};
	bool is_real;

	for (int n = fabs(value) < DBL_MIN ? 1 : DBL_DIG; n <= DBL_DECIMAL_DIG; n++) {
		snprintf(text, sizeof(text), "%.*g", n, value);
		if (strtod(text, NULL) == value)
			break;
	}
	decimal_parse(text, &d, &is_real);
	return d;
}

struct decimal decimal_of(const json_t *number)
{
	json_int_t whole = json_integer_value(number);

	if (json_is_real(number))
		return decimal_of_real(json_real_value(number));
	return normal_form(whole < 0, whole < 0 ? 0 - (uint64_t)whole : (uint64_t)whole, 0);
}

bool decimal_survives(struct span lexeme)
{
	char text[LEXEME_MAX];
	struct decimal written, kept;
	bool is_real;
	double value;

	if (!span_copy(lexeme, text, sizeof(text)) || !decimal_parse(text, &written, &is_real))
		return false;
	if (!is_real) {
		uint64_t magnitude, most = (uint64_t)INT64_MAX + written.is_negative;

		written.is_negative = false;
		return decimal_to_count(&written, most, &magnitude);
	}
	value = strtod(text, NULL);
	if (!isfinite(value))
		return false;
	kept = decimal_of_real(value);
	return !decimal_compare(&written, &kept);
}

static int digit_count(uint64_t digits)
{
	int n = 0;

	for (; digits; digits /= 10)
		n++;
	return n;
}

/* Neither is zero. */
static int compare_magnitudes(const struct decimal *a, const struct decimal *b)
{
	int high_a = digit_count(a->digits) + a->exponent;
	int high_b = digit_count(b->digits) + b->exponent;
	wide x = a->digits, y = b->digits;

	if (high_a != high_b)
		return high_a < high_b ? -1 : 1;
	/* With the same highest place, at most DIGITS_MAX zeros make them as long. */
	if (a->exponent > b->exponent)
		x *= power_of_ten(a->exponent - b->exponent);
	else
		y *= power_of_ten(b->exponent - a->exponent);
	return (x > y) - (x < y);
}

static int sign_of(const struct decimal *a)
{
	return a->is_negative ? -1 : a->digits > 0;
}

int decimal_compare(const struct decimal *a, const struct decimal *b)
{
	int sign = sign_of(a), other = sign_of(b);

	if (sign != other || !sign)
		return (sign > other) - (sign < other);
	return sign * compare_magnitudes(a, b);
}

bool decimal_is_multiple(const struct decimal *a, const struct decimal *of)
{
	int shift = a->exponent - of->exponent;
	wide rest;

	if (!a->digits)
		return true;
	if (shift < 0)
		return shift >= -DIGITS_MAX && a->digits % (of->digits * power_of_ten(-shift)) == 0;
	rest = a->digits % of->digits;
	for (; shift && rest; shift--)
		rest = rest * 10 % of->digits;
	return !rest;
}

bool decimal_to_count(const struct decimal *a, uint64_t max, uint64_t *ret)
{
	wide value = a->digits;

	if (a->is_negative || a->exponent < 0 || a->exponent > DIGITS_MAX)
		return false;
	value *= power_of_ten(a->exponent);
	if (value > max)
		return false;
	*ret = (uint64_t)value;
	return true;
}

void decimal_format(const struct decimal *a, char ret_text[DECIMAL_TEXT_MAX])
{
	snprintf(ret_text, DECIMAL_TEXT_MAX, "%s%" PRIu64 "e%d", a->is_negative ? "-" : "",
		 a->digits, a->exponent);
}
