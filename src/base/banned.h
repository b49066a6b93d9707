/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions that have hurt others before: using one is a compile error.
 * Each has a safer word in base/: str, buf, arena_printf, time.h, str_to_i64.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strncpy strcat strncat sprintf vsprintf gets strtok
#pragma GCC poison atoi atol atoll atof localtime gmtime ctime asctime

#endif
