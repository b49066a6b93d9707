/* SPDX-License-Identifier: Apache-2.0 */
/* Private to crypto/: what hash.c needs of md5_two.c. */
#ifndef CRYPTO_MD5_TWO_H
#define CRYPTO_MD5_TWO_H

#include "base/base.h"

/* `blocks` whole blocks of 64 bytes at p go into the chaining value x, as many at q into y. */
void md5_blocks_two(uint32_t x[4], const unsigned char *p, uint32_t y[4], const unsigned char *q, size_t blocks);

#endif
