/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base/ca_bundles.h - where systems keep the certificates of all whom they trust
 *
 * One file each, PEM. The most usual first, and on one system the first that exists will
 * do: some of them are links to others.
 */
#ifndef MCPJAIL_BASE_CA_BUNDLES_H
#define MCPJAIL_BASE_CA_BUNDLES_H

static const char *const ca_bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt",                /* Debian, Ubuntu, Arch, Alpine */
	"/etc/pki/tls/certs/ca-bundle.crt",                  /* Fedora, RHEL */
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* RHEL 7 and later */
	"/etc/pki/tls/cert.pem",
	"/etc/ssl/ca-bundle.pem",                           /* SUSE */
	"/var/lib/ca-certificates/ca-bundle.pem",           /* SUSE */
	"/etc/ssl/cert.pem",                                /* Alpine; OpenSSL's own default */
	"/etc/ca-certificates/extracted/tls-ca-bundle.pem", /* Arch */
	"/usr/lib/ssl/cert.pem",
	"/usr/local/share/certs/ca-root-nss.crt",
	"/etc/ssl/certs/ca-bundle.crt", /* NixOS; SUSE */
	"/nix/var/nix/profiles/default/etc/ssl/certs/ca-bundle.crt",
	"/etc/pki/ca-trust/extracted/openssl/ca-bundle.trust.crt", /* RHEL, for OpenSSL */
	"/etc/ca-certificates/extracted/ca-bundle.trust.crt",      /* Arch, the same */
};

#endif
