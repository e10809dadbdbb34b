/* SPDX-License-Identifier: Apache-2.0 */
/**
 * load.h - what every part of the loader needs: where it is, and how to complain
 *
 * The loader walks jansson's tree and goes on after each error, so that a person sees all of
 * them. Functions named load_… either fill their out-parameter and return true, or report an
 * error at the current place, leave it alone and return false.
 */
#ifndef MCPJAIL_POLICY_LOAD_H
#define MCPJAIL_POLICY_LOAD_H

#include <stdbool.h>

#include <jansson.h>

#include "policy/model.h"
#include "policy/json/scan.h"

#define LOAD_POINTER_MAX 1024
#define LOAD_PRESETS_MAX 16 /* of one policy */

/* A preset that the policy takes in. */
struct preset_use {
	const char *name;
	const char *rule; /* pointer of the entry that does, "/egress/0" */
	size_t index;     /* of that entry */
};

struct load {
	const char *text; /* well-formed JSON */
	size_t n;
	const char *name;
	struct policy *policy;
	struct policy_errors *errors;    /* may be NULL */
	const struct preset_use *preset; /* whose text this is; NULL: the policy's own */
	struct preset_use presets[LOAD_PRESETS_MAX]; /* met so far */
	size_t n_presets;
	char pointer[LOAD_POINTER_MAX]; /* of the value at hand */
	size_t pointer_len;
	bool takes_unwired; /* keys that nothing carries out yet (unwired.h) */
	bool has_errors;
	bool is_out_of_memory;
};

/** load_enter() - Step into a member; the mark is for load_leave() */
size_t load_enter(struct load *l, const char *key);
size_t load_enter_index(struct load *l, size_t index);
void load_leave(struct load *l, size_t mark);

/** load_error() - Report a problem with the value at hand. @mend may be NULL */
void load_error(struct load *l, const char *mend, const char *what, ...)
	__attribute__((format(printf, 3, 4)));

/** load_error_key() - Report a problem with the key of the value at hand */
void load_error_key(struct load *l, const char *mend, const char *what, ...)
	__attribute__((format(printf, 3, 4)));

/** load_keep() - A string for the policy; NULL, and out of memory noted, if it cannot */
const char *load_keep(struct load *l, const char *string);

/** load_allocate() - Zeroed array; NULL, and out of memory noted, if it cannot */
void *load_allocate(struct load *l, size_t n, size_t size);

/** load_suggest() - Report a word that is none of those that @nth lists, up to its NULL */
void load_suggest(struct load *l, const char *what, const char *written,
		  const char *(*nth)(size_t i));

/* --- values ----------------------------------------------------------------- */

bool load_string(struct load *l, const json_t *value, const char **ret);
bool load_boolean(struct load *l, const json_t *value, bool *ret);

/** load_count() - A whole number from @least to POLICY_COUNT_MAX */
bool load_count(struct load *l, const json_t *value, uint64_t least, uint64_t *ret);

struct load_word {
	const char *name;
	int value; /* WORD_UNSUPPORTED: of the language, but not carried out by this version */
};

#define WORD_UNSUPPORTED (-1)

struct load_words {
	const struct load_word *words;
	size_t n;
};

#define LOAD_WORDS(array) ((struct load_words){(array), ARRAY_SIZE(array)})

/** load_word() - One of a set of words */
bool load_word(struct load *l, const json_t *value, struct load_words words, int *ret);

/* --- objects and arrays ----------------------------------------------------- */

struct load_key {
	const char *name;
	/* Loads the value into what the object is loaded into. NULL: the language has the
	 * key, this version does not carry it out. */
	void (*load)(struct load *l, const json_t *value, void *into);
	bool is_required;
};

struct load_keys {
	const char *owner; /* "a tool's rule" */
	const char *write; /* what the object looks like */
	const struct load_key *keys;
	size_t n; /* at most 64 */
};

/** load_object() - Load each key of an object by its table */
void load_object(struct load *l, const json_t *value, const struct load_keys *keys, void *into);

/** load_text() - Read the whole text and load the object that it is */
void load_text(struct load *l, const struct load_keys *keys, void *into);

/** load_is_object(), load_is_array() - Or report what it is instead; @write shows a right one */
bool load_is_object(struct load *l, const json_t *value, const char *write);
bool load_is_array(struct load *l, const json_t *value, const char *write);

#endif
