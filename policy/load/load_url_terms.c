// SPDX-License-Identifier: Apache-2.0
#include "policy/load/load_url_terms.h"

#include <string.h>

#include "base/cleanup.h"
#include "policy/load/load_egress.h"
#include "policy/load/load_names.h"

#define SCHEME_MAX 32
#define PORTS_MAX  64

static const char *load_scheme(struct load *l, const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+-.");

	if (n && n <= SCHEME_MAX && !text[n])
		return load_keep(l, text);
	load_error(l, "\"https\", in lower case, without a colon", "`%.60s` is no scheme", text);
	return NULL;
}

static void load_listed(struct load *l, const json_t *value, load_reader read,
			const char *const **ret, size_t *ret_n)
{
	struct policy_names names = {.n = 0};

	load_names(l, value, "[\"https\"] or [\"api.example.com\"]", read, &names);
	if (json_is_array(value) && !json_array_size(value))
		load_error(l, "leave the key out for any", "the list is empty");
	*ret = names.items;
	*ret_n = names.n;
}

static void load_schemes(struct load *l, const json_t *value, void *into)
{
	struct url_terms *terms = into;

	load_listed(l, value, load_scheme, &terms->schemes, &terms->n_schemes);
}

static void load_hosts(struct load *l, const json_t *value, void *into)
{
	struct url_terms *terms = into;

	load_listed(l, value, load_host_text, &terms->hosts, &terms->n_hosts);
}

static void load_ports(struct load *l, const json_t *value, void *into)
{
	struct url_terms *terms = into;
	size_t n = json_array_size(value);

	if (!load_is_array(l, value, "[443]"))
		return;
	if (n < 1 || n > PORTS_MAX) {
		load_error(l, "leave the key out for any", "%zu ports; 1 to %d", n, PORTS_MAX);
		return;
	}
	terms->ports = load_reserve(l, NULL, 0, n, sizeof(*terms->ports));
	for (size_t i = 0; terms->ports && i < n; i++) {
		size_t mark = load_enter_index(l, i);
		uint64_t port;

		if (load_count(l, json_array_get(value, i), 1, &port)) {
			if (port > UINT16_MAX)
				load_error(l, NULL, "a port is a number from 1 to 65535");
			else
				terms->ports[terms->n_ports++] = (uint16_t)port;
		}
		load_leave(l, mark);
	}
}

static void load_private_ip(struct load *l, const json_t *value, void *into)
{
	struct url_terms *terms = into;
	bool is_private;

	if (load_boolean(l, value, &is_private))
		terms->reach = is_private ? URL_PRIVATE : URL_PUBLIC;
}

static const struct load_key url_keys[] = {
	{"scheme", load_schemes, false},
	{"host_in", load_hosts, false},
	{"port_in", load_ports, false},
	{"private_ip", load_private_ip, false},
};

static const struct load_keys url_table = {
	.owner = "a URL's terms",
	.write =
		"{\"scheme\":[\"https\"],\"host_in\":[\"files.example.com\"],\"private_ip\":false}",
	.keys = url_keys,
	.n = ARRAY_SIZE(url_keys),
};

bool load_url_terms(struct load *l, const json_t *value, const struct url_terms **ret)
{
	bool had_errors = l->has_errors;
	struct url_terms *terms = load_reserve(l, NULL, 0, 1, sizeof(*terms));

	if (!terms)
		return false;
	l->has_errors = false;
	load_object(l, value, &url_table, terms);
	if (!json_object_size(value))
		load_error(l, url_table.write, "no term: every URL would fit");
	*ret = l->has_errors ? NULL : terms;
	l->has_errors = l->has_errors || had_errors;
	return *ret;
}
