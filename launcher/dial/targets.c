// SPDX-License-Identifier: Apache-2.0
#include "dial/targets.h"

#include <errno.h>
#include <string.h>

#define LABEL_MAX       63
#define HOSTS_FIELD_MAX (IPC_HOST_MAX + 1)

/* Not <ctype.h>: that depends on the locale. */
static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_name_byte(char c)
{
	return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') || c == '-' || c == '_';
}

/* Decimal, or hexadecimal behind 0x: what inet_aton() would take for a part of an address. */
static bool label_is_number(const char *label)
{
	if (label[0] == '0' && lower(label[1]) == 'x')
		return !label[2 + strspn(label + 2, "0123456789abcdefABCDEF")];
	return label[0] && !label[strspn(label, "0123456789")];
}

enum target_kind target_kind(const char *host)
{
	const char *label = host;
	union address ignored;
	size_t n = strlen(host);

	if (address_parse(host, 0, &ignored))
		return TARGET_LITERAL;
	if (!n || n > IPC_HOST_MAX)
		return TARGET_BAD;
	for (const char *p = host;; p++) {
		if (*p && *p != '.') {
			if (!is_name_byte(*p))
				return TARGET_BAD;
			continue;
		}
		if (p == label || p - label > LABEL_MAX)
			return TARGET_BAD;
		if (!*p)
			break;
		label = p + 1;
	}
	return label_is_number(label) ? TARGET_BAD : TARGET_NAME;
}

/* False if it does not fit, or holds a NUL. */
static bool copy_host(struct span from, char *ret)
{
	if (from.n >= 2 && from.p[0] == '[' && from.p[from.n - 1] == ']')
		from = span_bytes(from.p + 1, from.n - 2);
	if (!span_copy(from, ret, IPC_HOST_MAX + 1) || strlen(ret) != from.n)
		return false;
	for (char *p = ret; *p; p++)
		*p = lower(*p);
	return true;
}

static bool load_entry(const struct msg_dial_to *from, struct connect_to *ret)
{
	if (from->port > UINT16_MAX || from->address_port > UINT16_MAX ||
	    !copy_host(from->host, ret->host) || !copy_host(from->address, ret->address))
		return false;
	ret->port = (uint16_t)from->port;
	ret->address_port = (uint16_t)from->address_port;
	return !ret->address[0] || target_kind(ret->address) != TARGET_BAD;
}

int connect_to_load(const struct msg_dialer_config *config, struct connect_to_list *ret,
		    struct error *err)
{
	ret->n = 0;
	for (size_t i = 0; i < config->n_dial_to; i++) {
		const struct msg_dial_to *entry = &config->dial_to[i];

		if (!load_entry(entry, &ret->entries[i])) {
			error_set(err, "--connect-to", "HOST:PORT:ADDRESS:PORT, as in curl",
				  "\"%.*s\" is no address, no name, or has a port over 65535",
				  (int)entry->address.n, entry->address.p ? entry->address.p : "");
			return -EINVAL;
		}
		ret->n = i + 1;
	}
	return 0;
}

static bool entry_matches(const struct connect_to *entry, const char *host, uint16_t port)
{
	return (!entry->host[0] || !strcmp(entry->host, host)) &&
	       (!entry->port || entry->port == port);
}

void connect_to_find(const struct connect_to_list *list, const char *host, uint16_t port,
		     struct target *ret)
{
	struct target target = {.port = port};

	span_copy(span_of(host), target.host, sizeof(target.host));
	for (size_t i = 0; i < list->n; i++) {
		const struct connect_to *entry = &list->entries[i];

		if (!entry_matches(entry, host, port))
			continue;
		if (entry->address[0])
			memcpy(target.host, entry->address, sizeof(target.host));
		if (entry->address_port)
			target.port = entry->address_port;
		/* Another port of the same host chooses no address: the name is still DNS's to
		 * answer. */
		target.is_chosen = entry->address[0];
		target.is_listed = true;
		break;
	}
	*ret = target;
}

static bool names_equal(struct span field, const char *name)
{
	if (field.n != strlen(name))
		return false;
	for (size_t i = 0; i < field.n; i++) {
		if (lower(field.p[i]) != lower(name[i]))
			return false;
	}
	return true;
}

/* The next field of a line, up to a comment; empty at its end. */
static struct span next_field(struct span *line)
{
	struct span field;

	while (line->n && (*line->p == ' ' || *line->p == '\t' || *line->p == '\r'))
		*line = span_bytes(line->p + 1, line->n - 1);
	field = span_bytes(line->p, 0);
	while (line->n && *line->p != ' ' && *line->p != '\t' && *line->p != '\r' &&
	       *line->p != '#') {
		*line = span_bytes(line->p + 1, line->n - 1);
		field.n++;
	}
	return field;
}

static bool line_names(struct span line, const char *name)
{
	for (struct span field = next_field(&line); field.n; field = next_field(&line)) {
		if (names_equal(field, name))
			return true;
	}
	return false;
}

size_t hosts_find(const char *text, size_t n, const char *name, uint16_t port, union address *ret)
{
	size_t found = 0, at = 0;

	while (at < n && found < TARGET_ADDRESSES_MAX) {
		const char *end = memchr(text + at, '\n', n - at);
		size_t length = end ? (size_t)(end - text) - at : n - at;
		struct span line = span_bytes(text + at, length);
		char address[HOSTS_FIELD_MAX];

		at += length + 1;
		if (span_copy(next_field(&line), address, sizeof(address)) &&
		    line_names(line, name) && address_parse(address, port, &ret[found]))
			found++;
	}
	return found;
}
