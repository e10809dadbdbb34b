/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka wants these before its own header. */
#ifndef MCPJAIL_TESTS_CMOCKA_ALL_H
#define MCPJAIL_TESTS_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#endif
