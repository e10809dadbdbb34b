/* SPDX-License-Identifier: Apache-2.0 */
/**
 * broker/refused.h - calls that are refused for want of a switch in the policy's `jail`
 *
 * The filter could refuse them by itself, and the person would never learn which switch it was:
 * what a program says of a refused call is that the machine cannot do it. They are rare, so that
 * asking costs nothing.
 */
#ifndef MCPJAIL_BROKER_REFUSED_H
#define MCPJAIL_BROKER_REFUSED_H

#include "broker/broker.h"

/** refused_namespace() - clone() and unshare() of namespaces: EPERM, and recorded */
int64_t refused_namespace(struct broker *b, struct caller *c);

/** refused_ptrace() - ptrace() and its like: EPERM, and recorded */
int64_t refused_ptrace(struct broker *b, struct caller *c);

#endif
