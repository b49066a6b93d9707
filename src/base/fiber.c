/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fibers: stacks, and switching between them. See fiber.h.
 *
 * A stack is one mapping; its lowest page is a guard, and struct fiber sits at its top:
 *
 *     guard page | ◀── stack grows this way ── | struct fiber
 *
 * A switch saves what the calling convention says a function must preserve and changes
 * the stack pointer: no system call, unlike swapcontext, which sets the signal mask each
 * time. Signal masks and floating-point control words are the thread's and are not
 * switched. Processors other than x86-64 and AArch64 use ucontext.
 *
 * The running fiber is in a thread-local that is only touched by functions that are never
 * inlined: the compiler may not carry its address over a switch, after which the same
 * fiber may be on another thread.
 *
 * AddressSanitizer and ThreadSanitizer are told of each switch, else they see nonsense.
 */
#include "base/fiber.h"

#include "base/pool.h"

#include <pthread.h>
#include <sys/mman.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define WITH_TSAN 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define WITH_ASAN 1
#endif
#ifdef __SANITIZE_THREAD__
#define WITH_TSAN 1
#endif

#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef WITH_TSAN
#include <sanitizer/tsan_interface.h>
#endif

#if !defined(__x86_64__) && !defined(__aarch64__)
#define WITH_UCONTEXT 1
#include <ucontext.h>
#endif

#if defined(WITH_ASAN) || defined(WITH_TSAN)
enum { STACK = 256 * 1024 };
#else
enum { STACK = 64 * 1024 };
#endif
#ifdef __x86_64__
enum { GUARD = 4096 };
#else
enum { GUARD = 64 * 1024 }; /* the largest page size there is */
#endif

/* One side of a switch: where the stack stood, and what the sanitizers want to know of it. */
struct side {
#ifdef WITH_UCONTEXT
	ucontext_t context;
#else
	void *sp;
#endif
	const void *bottom;
	size_t size;
	void *asan_frames;
	void *tsan;
};

struct fiber {
	struct fiber *next_in_pool; /* the pool's word */
	struct side self, stepper;
	struct fiber *outer; /* the fiber that stepped this one, if any */
	struct fiber_host *host;
	void (*run)(void *);
	void *arg;
	struct handover handover;
	bool running, done;
};

/* ---- the running fiber ---- */

static _Thread_local struct fiber *running;

__attribute__((noinline)) struct fiber *fiber_current(void)
{
	__asm__ volatile(""); /* keeps calls from being merged over a switch */
	return running;
}

__attribute__((noinline)) static void set_current(struct fiber *f)
{
	__asm__ volatile("");
	running = f;
}

static _Thread_local bool parking_forbidden;

__attribute__((noinline)) bool fiber_may_park(void)
{
	__asm__ volatile("");
	return running && !parking_forbidden;
}

void fiber_forbid_parking(void) { parking_forbidden = true; }

/* ---- the processor's part: jump(from, to) leaves `from` standing and goes on where `to` stood ---- */

static void fiber_main(struct fiber *f);

#if defined(__x86_64__)

void fiber_jump_(void **from_sp, void *to_sp);
void fiber_first_(void);

__asm__(".text\n"
	".globl fiber_jump_\n"
	".hidden fiber_jump_\n"
	".type fiber_jump_,@function\n"
	".p2align 4\n"
	"fiber_jump_:\n"
	"	endbr64\n"
	"	pushq %rbp\n"
	"	pushq %rbx\n"
	"	pushq %r12\n"
	"	pushq %r13\n"
	"	pushq %r14\n"
	"	pushq %r15\n"
	"	movq %rsp, (%rdi)\n"
	"	movq %rsi, %rsp\n"
	"	popq %r15\n"
	"	popq %r14\n"
	"	popq %r13\n"
	"	popq %r12\n"
	"	popq %rbx\n"
	"	popq %rbp\n"
	"	popq %rcx\n" /* not ret: the processor would predict the other fiber's caller */
	"	jmpq *%rcx\n"
	".size fiber_jump_,.-fiber_jump_\n"
	/* Where a new stack starts: rbx is the function, r12 its argument; rbp is 0, which ends backtraces. */
	".globl fiber_first_\n"
	".hidden fiber_first_\n"
	".type fiber_first_,@function\n"
	".p2align 4\n"
	"fiber_first_:\n"
	"	.cfi_startproc\n"
	"	.cfi_undefined rip\n"
	"	endbr64\n"
	"	movq %r12, %rdi\n"
	"	callq *%rbx\n"
	"	ud2\n"
	"	.cfi_endproc\n"
	".size fiber_first_,.-fiber_first_\n");

/*
 * The stack as fiber_jump_ would have left it: r15 r14 r13 r12 rbx rbp, return address. Nine
 * words below an aligned top, so that it is aligned again when fiber_first_ makes its call.
 */
static void prepare(struct fiber *f, char *top)
{
	uintptr_t *sp = (uintptr_t *)(void *)top - 9;
	memset(sp, 0, 9 * sizeof(*sp));
	sp[3] = (uintptr_t)f;
	sp[4] = (uintptr_t)fiber_main;
	sp[6] = (uintptr_t)fiber_first_;
	f->self.sp = sp;
}

static inline __attribute__((always_inline)) void jump(struct side *from, struct side *to)
{
	fiber_jump_(&from->sp, to->sp);
}

#elif defined(__aarch64__)

void fiber_jump_(void **from_sp, void *to_sp);
void fiber_first_(void);

__asm__(".text\n"
	".globl fiber_jump_\n"
	".hidden fiber_jump_\n"
	".type fiber_jump_,%function\n"
	".p2align 4\n"
	"fiber_jump_:\n"
	"	sub sp, sp, #160\n"
	"	stp x19, x20, [sp, #0]\n"
	"	stp x21, x22, [sp, #16]\n"
	"	stp x23, x24, [sp, #32]\n"
	"	stp x25, x26, [sp, #48]\n"
	"	stp x27, x28, [sp, #64]\n"
	"	stp x29, x30, [sp, #80]\n"
	"	stp d8, d9, [sp, #96]\n"
	"	stp d10, d11, [sp, #112]\n"
	"	stp d12, d13, [sp, #128]\n"
	"	stp d14, d15, [sp, #144]\n"
	"	mov x9, sp\n"
	"	str x9, [x0]\n"
	"	mov sp, x1\n"
	"	ldp x19, x20, [sp, #0]\n"
	"	ldp x21, x22, [sp, #16]\n"
	"	ldp x23, x24, [sp, #32]\n"
	"	ldp x25, x26, [sp, #48]\n"
	"	ldp x27, x28, [sp, #64]\n"
	"	ldp x29, x30, [sp, #80]\n"
	"	ldp d8, d9, [sp, #96]\n"
	"	ldp d10, d11, [sp, #112]\n"
	"	ldp d12, d13, [sp, #128]\n"
	"	ldp d14, d15, [sp, #144]\n"
	"	add sp, sp, #160\n"
	"	ret\n"
	".size fiber_jump_,.-fiber_jump_\n"
	/* Where a new stack starts: x19 is the function, x20 its argument; x29 is 0, which ends backtraces. */
	".globl fiber_first_\n"
	".hidden fiber_first_\n"
	".type fiber_first_,%function\n"
	".p2align 4\n"
	"fiber_first_:\n"
	"	.cfi_startproc\n"
	"	.cfi_undefined x30\n"
	"	mov x0, x20\n"
	"	blr x19\n"
	"	brk #1\n"
	"	.cfi_endproc\n"
	".size fiber_first_,.-fiber_first_\n");

static void prepare(struct fiber *f, char *top)
{
	uintptr_t *sp = (uintptr_t *)(void *)top - 20;
	memset(sp, 0, 20 * sizeof(*sp));
	sp[0] = (uintptr_t)fiber_main;
	sp[1] = (uintptr_t)f;
	sp[11] = (uintptr_t)fiber_first_;
	f->self.sp = sp;
}

static inline __attribute__((always_inline)) void jump(struct side *from, struct side *to)
{
	fiber_jump_(&from->sp, to->sp);
}

#else

/* makecontext passes ints only, so the pointer travels in two. */
static void first(unsigned high, unsigned low)
{
	fiber_main((struct fiber *)((uintptr_t)(((uint64_t)high << 32) | low)));
}

static void prepare(struct fiber *f, char *top)
{
	uint64_t word = (uintptr_t)f;
	(void)top;
	if (getcontext(&f->self.context) != 0)
		abort();
	f->self.context.uc_stack.ss_sp = (void *)(uintptr_t)f->self.bottom;
	f->self.context.uc_stack.ss_size = f->self.size;
	f->self.context.uc_link = NULL;
	makecontext(&f->self.context, (void (*)(void))(uintptr_t)first, 2, (unsigned)(word >> 32), (unsigned)word);
}

static inline __attribute__((always_inline)) void jump(struct side *from, struct side *to)
{
	swapcontext(&from->context, &to->context);
}

#endif

/*
 * ---- switching, with the sanitizers told ----
 *
 * Always inlined: ThreadSanitizer keeps a call stack of its own for each fiber, and a
 * return that it sees on another one than the call would unbalance both.
 */

#ifdef WITH_TSAN
#define TSAN_HERE(side)  ((side)->tsan = __tsan_get_current_fiber())
#define TSAN_GOING(side) __tsan_switch_to_fiber((side)->tsan, 0)
#else
#define TSAN_HERE(side)  ((void)(side))
#define TSAN_GOING(side) ((void)(side))
#endif

/* `leaving`: `from` will never be come back to. */
static inline __attribute__((always_inline)) void going(struct side *from, const struct side *to, bool leaving)
{
#ifdef WITH_ASAN
	__sanitizer_start_switch_fiber(leaving ? NULL : &from->asan_frames, to->bottom, to->size);
#endif
	(void)from;
	(void)leaving;
	TSAN_GOING(to);
}

/* Come (back) to `here` from `there`, whose stack bounds are learned now: a stepper's are the thread's. */
static inline __attribute__((always_inline)) void arrived(struct side *here, struct side *there)
{
#ifdef WITH_ASAN
	__sanitizer_finish_switch_fiber(here->asan_frames, &there->bottom, &there->size);
#endif
	(void)here;
	(void)there;
}

/* ---- stacks ---- */

static char *stack_of(struct fiber *f) { return (char *)(f + 1) - STACK - GUARD; }

static struct fiber *stack_map(void)
{
	char *p = mmap(NULL, STACK + GUARD, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	if (p == MAP_FAILED || mprotect(p, GUARD, PROT_NONE) != 0) {
		static const char text[] = "no memory for a fiber's stack\n";
		fputs(text, stderr);
		abort();
	}
	return (struct fiber *)(void *)(p + GUARD + STACK) - 1;
}

static void stack_free(struct fiber *f)
{
	char *p = stack_of(f);
#ifdef WITH_ASAN
	/* Frames that were never returned from, fiber_main's at least, left their red zones. */
	__asan_unpoison_memory_region(p + GUARD, STACK);
#endif
	if (!pool_put(POOL_STACK, f))
		munmap(p, STACK + GUARD);
}

/* ---- the life of a fiber ---- */

struct fiber *fiber_new(struct fiber_host *host, void (*run)(void *arg), void *arg)
{
	struct fiber *f = pool_get(POOL_STACK);
	if (!f)
		f = stack_map();
	*f = (struct fiber){ .host = host, .run = run, .arg = arg };
	f->self.bottom = stack_of(f) + GUARD;
	f->self.size = STACK - sizeof(*f);
	prepare(f, (char *)((uintptr_t)f & ~(uintptr_t)63));
#ifdef WITH_TSAN
	f->self.tsan = __tsan_create_fiber(0);
#endif
	return f;
}

static void fiber_main(struct fiber *f)
{
	arrived(&f->self, &f->stepper);
	f->run(f->arg);
	f->done = true;
	going(&f->self, &f->stepper, true);
	jump(&f->self, &f->stepper);
	abort();
}

enum fiber_state fiber_step(struct fiber *f, struct handover *out)
{
	assert(!f->running && !f->done);
	f->running = true;
	f->outer = fiber_current();
	set_current(f);
	TSAN_HERE(&f->stepper);
	going(&f->stepper, &f->self, false);
	jump(&f->stepper, &f->self);
	arrived(&f->stepper, &f->self);
	set_current(f->outer);
	f->running = false;
	if (!f->done) {
		*out = f->handover;
		return FIBER_PARKED;
	}
#ifdef WITH_TSAN
	__tsan_destroy_fiber(f->self.tsan);
#endif
	stack_free(f);
	return FIBER_DONE;
}

void fiber_park(void (*fn)(void *arg, struct fiber *), void *arg)
{
	struct fiber *f = fiber_current();
	assert(f);
	f->handover = (struct handover){ fn, arg };
	going(&f->self, &f->stepper, false);
	jump(&f->self, &f->stepper);
	arrived(&f->self, &f->stepper);
}

void fiber_wake(struct fiber *f) { f->host->wake(f->host, f); }

/* ---- a thread that does nothing but one fiber ---- */

struct block_host {
	struct fiber_host host;
	pthread_mutex_t lock;
	pthread_cond_t woken;
	bool ready;
};

static void block_wake(struct fiber_host *host, struct fiber *f)
{
	struct block_host *b = (struct block_host *)(void *)host;
	(void)f;
	pthread_mutex_lock(&b->lock);
	assert(!b->ready);
	b->ready = true;
	pthread_cond_signal(&b->woken);
	pthread_mutex_unlock(&b->lock);
}

static void block_wait(struct block_host *b)
{
	pthread_mutex_lock(&b->lock);
	while (!b->ready)
		pthread_cond_wait(&b->woken, &b->lock);
	b->ready = false;
	pthread_mutex_unlock(&b->lock);
}

void fiber_block_on(void (*fn)(void *arg), void *arg)
{
	struct block_host b = { .host.wake = block_wake };
	struct handover h;
	pthread_mutex_init(&b.lock, NULL);
	pthread_cond_init(&b.woken, NULL);
	struct fiber *f = fiber_new(&b.host, fn, arg);
	while (fiber_step(f, &h) == FIBER_PARKED) {
		if (h.fn)
			h.fn(h.arg, f);
		block_wait(&b);
	}
	pthread_cond_destroy(&b.woken);
	pthread_mutex_destroy(&b.lock);
}
