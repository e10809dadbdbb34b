/* SPDX-License-Identifier: Apache-2.0 */
/**
 * proxy/dns_internal.h - the table of names as the answers use it
 */
#ifndef MCPJAIL_PROXY_DNS_INTERNAL_H
#define MCPJAIL_PROXY_DNS_INTERNAL_H

#include "proxy/dns.h"

/**
 * dns_names_intern() - Index of a name, given out on first sight
 * @name: Normalised
 *
 * Return: 0; -ENOSPC if the table is full; -ENOMEM
 */
int dns_names_intern(struct dns_names *t, const char *name, uint32_t *ret_index);

/** dns_index_to_v4(), dns_index_to_v6() - The address of an index, in network order */
void dns_index_to_v4(uint32_t index, uint8_t ret_address[4]);
void dns_index_to_v6(uint32_t index, uint8_t ret_address[16]);

/** dns_names_find_v4(), dns_names_find_v6() - The name of an address; NULL for none */
const char *dns_names_find_v4(const struct dns_names *t, const uint8_t address[4]);
const char *dns_names_find_v6(const struct dns_names *t, const uint8_t address[16]);

#endif
