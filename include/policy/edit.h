/* SPDX-License-Identifier: Apache-2.0 */
/**
 * policy/edit.h - change a policy's text and leave everything else of it as it was
 *
 * For people's files and for what the command line adds to a run's policy. The text must
 * load (policy_parse()); order, indentation and spelling of what is not changed stay.
 */
#ifndef MCPJAIL_POLICY_EDIT_H
#define MCPJAIL_POLICY_EDIT_H

#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

#define EDIT_POINTER_MAX 1024 /* bytes of a JSON pointer */

/**
 * edit_append() - Add an element to a list of the policy
 * @list:    JSON pointer to it, "/egress" or "/environment/pass"; made, with the objects on
 *           the way, if it is missing
 * @element: JSON text of the element, one line; spaced as the rest of the text is
 * @ret:     Empty; gets the new text
 *
 * Return: 0; -EEXIST if an equal element is there already, with @ret as @text; -EINVAL with
 * @err filled, if something on the way is no object or list, or the text is no sound JSON;
 * -EMSGSIZE beyond @ret's bound; -ENOMEM
 */
int edit_append(const char *text, size_t n, const char *list, const char *element, struct buf *ret,
		struct error *err);

/**
 * edit_put() - Add a member to an object of the policy
 * @pointer: JSON pointer of the member to be, "/tools/get_quote"; objects on the way are made
 *
 * Return: as edit_append(); -EEXIST if there is such a member, whatever its value
 */
int edit_put(const char *text, size_t n, const char *pointer, const char *value, struct buf *ret,
	     struct error *err);

/**
 * edit_remove() - Take the value at a JSON pointer out, with its key and its comma
 *
 * Return: 0; -ENOENT if there is none; -EINVAL with @err filled; -EMSGSIZE; -ENOMEM
 */
int edit_remove(const char *text, size_t n, const char *pointer, struct buf *ret,
		struct error *err);

#endif
