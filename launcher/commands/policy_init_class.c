// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "policy_init.h"

#define WORD_BYTES 32

/* Words of names; the most dangerous of a name's words counts. */
static const struct {
	enum init_class class;
	const char *words; /* each between blanks */
} name_words[] = {
	{INIT_PAID, " pay payment payments paid checkout charge purchase buy order subscribe "
		    "billing invoice refund transfer payout donate tip book "},
	{INIT_DESTRUCTIVE,
	 " delete remove destroy drop purge wipe erase reset revoke cancel terminate kill stop "
	 "send email mail fax sms post publish tweet deploy release merge push execute exec run "
	 "eval invite grant share approve submit retry rollback truncate overwrite uninstall "},
	{INIT_WRITE,
	 " create add set update write put insert edit change modify save upload attach "
	 "start open begin rename move copy append import register upsert enable "
	 "disable assign "},
	{INIT_READ, " get list read search find fetch show view describe lookup query count status "
		    "check preview quote info help ping whoami validate estimate "},
};

/* Behind a verb that reads these are things: `get_order` reads, `get_and_delete` does not. */
static const char things[] =
	" pay payment payments charge purchase order billing invoice refund transfer checkout book "
	"tip mail email fax sms post tweet release merge run invite grant share start open import "
	"copy register set update session upload ";

/* Of descriptions: where these are said, money may be meant. */
static const char money_words[] =
	" pay pays paid payment charge charges charged billed bills invoice invoices purchase "
	"purchases buys authorises authorizes debit debits costs ";

const char *init_class_name(enum init_class class)
{
	static const char *const names[] = {[INIT_UNKNOWN] = NULL,
					    [INIT_READ] = "read",
					    [INIT_WRITE] = "write",
					    [INIT_DESTRUCTIVE] = "destructive",
					    [INIT_PAID] = "paid"};

	return names[class];
}

static bool is_among(const char *words, const char *word)
{
	char between[WORD_BYTES + 3];

	snprintf(between, sizeof(between), " %s ", word);
	return strstr(words, between) != NULL;
}

/*
 * The next word, in lower case: letters; a capital behind a small one begins another
 * ("sendFax"). Too long a word is none that is known.
 */
static bool next_word(const char **at, char ret[WORD_BYTES])
{
	size_t n = 0;

	while (**at && !isalpha((unsigned char)**at))
		++*at;
	while (isalpha((unsigned char)**at)) {
		if (n && isupper((unsigned char)**at) && islower((unsigned char)(*at)[-1]))
			break;
		if (n < WORD_BYTES - 1)
			ret[n++] = (char)tolower((unsigned char)**at);
		++*at;
	}
	ret[n] = '\0';
	return n;
}

static enum init_class class_by_name(const char *tool, char ret_word[WORD_BYTES])
{
	const char *reading = name_words[ARRAY_SIZE(name_words) - 1].words;
	enum init_class class = INIT_UNKNOWN;
	bool reads = false;
	char word[WORD_BYTES];

	for (size_t n = 0; next_word(&tool, word); n++) {
		reads |= !n && is_among(reading, word);
		for (size_t i = 0; i < ARRAY_SIZE(name_words); i++) {
			if (name_words[i].class <= class || !is_among(name_words[i].words, word) ||
			    (reads && is_among(things, word)))
				continue;
			class = name_words[i].class;
			strcpy(ret_word, word);
		}
	}
	return class;
}

static bool speaks_of_money(const json_t *definition, char ret_word[WORD_BYTES])
{
	const char *text = json_string_value(json_object_get(definition, "description"));

	while (text && next_word(&text, ret_word))
		if (is_among(money_words, ret_word))
			return true;
	return false;
}

/* What the annotations claim. A server need not say anything, and then nothing is claimed. */
static enum init_class class_by_annotations(const json_t *definition, const char **ret_hint)
{
	const json_t *hints = json_object_get(definition, "annotations");
	const json_t *reads = json_object_get(hints, "readOnlyHint"),
		     *destroys = json_object_get(hints, "destructiveHint");

	if (json_is_true(destroys)) {
		*ret_hint = "destructiveHint";
		return INIT_DESTRUCTIVE;
	}
	if (json_is_true(reads)) {
		*ret_hint = "readOnlyHint";
		return INIT_READ;
	}
	*ret_hint = "no destructiveHint";
	return json_is_false(destroys) ? INIT_WRITE : INIT_UNKNOWN;
}

enum init_class init_class_infer(const char *tool, const json_t *definition, char *ret_because)
{
	char word[WORD_BYTES] = "", money[WORD_BYTES];
	const char *hint = "";
	enum init_class by_name = class_by_name(tool, word);
	enum init_class by_hint = class_by_annotations(definition, &hint);

	if (by_name != INIT_PAID && by_name != INIT_READ && speaks_of_money(definition, money)) {
		snprintf(ret_because, INIT_BECAUSE_BYTES, "its description says `%s`", money);
		return INIT_PAID;
	}
	if (by_name >= by_hint && by_name != INIT_UNKNOWN)
		snprintf(ret_because, INIT_BECAUSE_BYTES, "its name says `%s`", word);
	else if (by_hint != INIT_UNKNOWN)
		snprintf(ret_because, INIT_BECAUSE_BYTES, "the server says so (%s)", hint);
	else
		snprintf(ret_because, INIT_BECAUSE_BYTES,
			 "neither its name nor the server says what it does");
	return by_name >= by_hint ? by_name : by_hint;
}
