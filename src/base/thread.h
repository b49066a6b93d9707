/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small number for the calling thread, so that tables "one per thread" can be plain
 * arrays. Numbers of ended threads are given out again.
 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

enum { THREADS_MAX = 128 };

unsigned thread_index(void); /* < THREADS_MAX; aborts when there are more threads than that */

#endif
