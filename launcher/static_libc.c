// SPDX-License-Identifier: Apache-2.0
/*
 * Linked only where libc is part of the program, in the place of what each is named for
 * (ld --wrap). Such a libc would load modules of the system's, of another version perhaps,
 * into a process that holds keys. Libraries refer to these on ways that no part of mcpjail
 * goes: names are resolved by c-ares, ports are numbers, OpenSSL opens no socket and loads no
 * code. Here they fail, and the loader stays out of the program.
 */
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <stddef.h>

#define FAILS(type, name, value, ...)                                                              \
	type __wrap_##name(__VA_ARGS__);                                                           \
	type __wrap_##name(__VA_ARGS__)                                                            \
	{                                                                                          \
		return value;                                                                      \
	}

/* With the arguments of the original, or none where the caller's are of no interest. */
FAILS(int, getaddrinfo, EAI_FAIL, void)
FAILS(int, getnameinfo, EAI_FAIL, void)
FAILS(struct hostent *, gethostbyname, NULL, void)
FAILS(struct servent *, getservbyname, NULL, void)
FAILS(void *, dlopen, NULL, void)
FAILS(void *, dlsym, NULL, void)
FAILS(int, dlclose, -1, void)
FAILS(char *, dlerror, NULL, void)
FAILS(int, dladdr, 0, void)

void __wrap_freeaddrinfo(struct addrinfo *info);
void __wrap_freeaddrinfo(struct addrinfo *info)
{
	(void)info;
}

int __wrap_getservbyport_r(int port, const char *protocol, struct servent *entry, char *bytes,
			   size_t n, struct servent **ret);
int __wrap_getservbyport_r(int port, const char *protocol, struct servent *entry, char *bytes,
			   size_t n, struct servent **ret)
{
	(void)port;
	(void)protocol;
	(void)entry;
	(void)bytes;
	(void)n;
	*ret = NULL;
	return ENOENT;
}

/* Of OpenSSL: enters every cipher by name, for look-ups that base/crypto.c does without. */
void __wrap_openssl_add_all_ciphers_int(void);
void __wrap_openssl_add_all_ciphers_int(void)
{
}
