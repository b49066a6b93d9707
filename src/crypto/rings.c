/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each slot number is written before the ring's count moves, with release, and read after it
 * was seen, with acquire. The barrier between pushing and looking for sleepers pairs with the
 * one between going to sleep and looking into the ring.
 */
#include "crypto/rings.h"

#include "base/str.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Nobody can take the memory away from under a process that reads it (which would end that process). */
static bool is_fixed(int fd)
{
	enum { WANT = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL };
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS); /* -1: a file that knows none, with a name perhaps */

	return fstat(fd, &st) == 0 && st.st_size == (off_t)sizeof(struct rings) && seals >= 0 && (seals & WANT) == WANT;
}

struct rings *rings_of(int fd)
{
	if (!is_fixed(fd))
		return NULL;
	struct rings *r = mmap(NULL, sizeof *r, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);

	if (r == MAP_FAILED)
		return NULL;
	(void)madvise(r, sizeof *r, MADV_DONTDUMP);
	(void)mlock2(r, sizeof *r, MLOCK_ONFAULT); /* refused where little may be locked; what stays here is wiped */
	return r;
}

struct rings *rings_new(int *fd)
{
	int memory = memfd_create("holdfast-rings", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	bool made = memory >= 0 && ftruncate(memory, sizeof(struct rings)) == 0 &&
		    fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0;
	struct rings *r = made ? rings_of(memory) : NULL;

	if (r && fd)
		*fd = memory;
	else if (memory >= 0)
		close(memory);
	return r;
}

void rings_free(struct rings *r)
{
	if (r)
		munmap(r, sizeof *r);
}

/* Who sleeps at to_client is alive and counts itself off when it wakes. */
void rings_clear(struct rings *r)
{
	atomic_store(&r->to_holder.pushed, 0);
	atomic_store(&r->to_holder.sleepers, 0);
	atomic_store(&r->to_holder.busy, 0);
	atomic_store(&r->to_client.pushed, 0);
}

void ring_push(struct ring *r, uint16_t slot)
{
	uint32_t n = atomic_load_explicit(&r->pushed, memory_order_relaxed);

	atomic_store_explicit(&r->at[n % RING_SLOTS], slot, memory_order_relaxed);
	atomic_store_explicit(&r->pushed, n + 1, memory_order_release);
}

static long futex(_Atomic uint32_t *word, int op, uint32_t value)
{
	return syscall(SYS_futex, word, op, value, NULL, NULL, 0);
}

void ring_wake(struct ring *r)
{
	atomic_fetch_add(&r->bell, 1);
	futex(&r->bell, FUTEX_WAKE, 1);
}

bool ring_should_wake(struct ring *r)
{
	atomic_thread_fence(memory_order_seq_cst); /* the push is seen, or the sleeper is */
	uint32_t asleep = atomic_load_explicit(&r->sleepers, memory_order_relaxed);
	return asleep && asleep + atomic_load_explicit(&r->busy, memory_order_relaxed) >=
			     atomic_load_explicit(&r->consumers, memory_order_relaxed);
}

void ring_busy(struct ring *r, bool begins)
{
	if (!begins) {
		atomic_fetch_sub(&r->busy, 1);
		return;
	}
	atomic_fetch_add(&r->busy, 1);
	if (ring_should_wake(r))
		ring_wake(r);
}

uint32_t ring_pushed(const struct ring *r) { return atomic_load(&r->pushed); }

struct status ring_pop(struct ring *r, uint32_t *mine, uint16_t *slot)
{
	uint32_t there = atomic_load_explicit(&r->pushed, memory_order_acquire) - *mine;

	if (there == 0)
		return ERR(E_NOT_FOUND);
	if (there > RING_SLOTS)
		return ERR(E_CORRUPT);
	uint16_t v = atomic_load_explicit(&r->at[*mine % RING_SLOTS], memory_order_relaxed);
	if (v >= RING_SLOTS)
		return ERR(E_CORRUPT);
	(*mine)++;
	*slot = v;
	return OK;
}

uint32_t ring_bell(struct ring *r) { return atomic_load(&r->bell); }

void ring_sleep(struct ring *r, uint32_t mine, uint32_t bell)
{
	atomic_fetch_add(&r->sleepers, 1);
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&r->pushed, memory_order_relaxed) == mine)
		futex(&r->bell, FUTEX_WAIT, bell);
	atomic_fetch_sub(&r->sleepers, 1);
}

struct status ring_slot_read(struct ring_slot *s, char *room, struct str *out)
{
	uint32_t n = atomic_load_explicit(&s->n, memory_order_acquire);

	if (n > sizeof s->bytes)
		return ERR(E_INVALID);
	memcpy(room, s->bytes, n);
	*out = str_make(room, n);
	return OK;
}
