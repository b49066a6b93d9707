/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the token process does: takes calls from its socket one after another and has the
 * token do them.
 *
 * It runs a module that somebody else wrote, so it holds nothing but that token's PIN and
 * key handles, and may do less than other programs: nothing new by exec, no look at other
 * processes, no change of the system (rows below). Files and sockets it keeps, because
 * that is how modules reach their tokens.
 */
#include "crypto/token_process.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"
#include "crypto/landlock.h"
#include "crypto/pkcs11.h"
#include "crypto/sandbox.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HANDLES = 64 };

struct handle {
	char name[TOKEN_KEY_MAX];
	size_t n; /* 0: none here */
	struct pkcs11_key key;
};

struct holder {
	struct world world;
	struct arena *mem; /* of one call; wiped after it */
	struct str modules;
	struct pkcs11 *token;
	struct handle handles[HANDLES];
};

/* ---- keys ---- */

static struct handle *place_of(struct holder *h, struct str name)
{
	uint32_t sum = 0;
	for (size_t i = 0; i < name.n; i++)
		sum = sum * 31 + (uint8_t)name.p[i];
	return &h->handles[sum % HANDLES];
}

static struct status find(struct holder *h, struct str name, bool anew, struct pkcs11_key *out)
{
	struct handle *at = place_of(h, name);
	if (!anew && at->n && str_eq(str_make(at->name, at->n), name)) {
		*out = at->key;
		return OK;
	}
	at->n = 0;
	TRY(pkcs11_find(h->token, name, out));
	if (out->kind != PKCS11_AES)
		return ERR(E_UNSUPPORTED);
	memcpy(at->name, name.p, name.n);
	at->n = name.n;
	at->key = *out;
	return OK;
}

/* ---- calls ---- */

static enum token_result result_of(struct status st)
{
	switch (st.code) {
	case E_NONE:
		return TOKEN_DONE;
	case E_NOT_FOUND:
		return TOKEN_NO_KEY;
	case E_CORRUPT:
	case E_INVALID:
		return TOKEN_BAD_INPUT;
	case E_UNSUPPORTED:
	case E_TOO_BIG:
		return TOKEN_CANNOT;
	default:
		return TOKEN_BROKEN;
	}
}

bool token_module_is_listed(struct str modules, struct str path)
{
	while (modules.p && modules.n)
		if (str_eq(str_cut(&modules, '\n'), path))
			return path.n > 0;
	return false;
}

static enum token_result open_token(struct holder *h, const struct token_call *c)
{
	struct pkcs11_where at = { .module = str_z(h->mem, c->module), .token = c->label };
	if (h->token)
		return TOKEN_CANNOT;
	if (!token_module_is_listed(h->modules, c->module)) {
		log_error(
		    "this module is not on the list of those that may be loaded: 'holdfast keystore add' puts it there",
		    "module", c->module);
		return TOKEN_NOT_THERE;
	}
	switch (pkcs11_open(&h->world, &at, c->pin, &h->token).code) {
	case E_NONE:
		return TOKEN_DONE;
	case E_NOT_FOUND:
	case E_EXISTS:
		return TOKEN_NOT_THERE;
	case E_NO_KEY:
		return TOKEN_WRONG_PIN;
	case E_BUSY:
		return TOKEN_PIN_LOCKED;
	default:
		return TOKEN_BROKEN;
	}
}

static struct status cipher(struct holder *h, const struct token_call *c, bool anew, struct str *out)
{
	struct pkcs11_key key;
	TRY(find(h, c->key, anew, &key));
	return c->op == TOKEN_SEAL ? pkcs11_encrypt(h->token, &key, c->aad, c->input, h->mem, out)
				   : pkcs11_decrypt(h->token, &key, c->aad, c->input, h->mem, out);
}

/* A handle may have become another object's, or nobody's: what fails with it is tried with the one of today. */
static struct status cipher_twice(struct holder *h, const struct token_call *c, struct str *out)
{
	struct status st = cipher(h, c, false, out);
	return failed(st) && st.code != E_NOT_FOUND ? cipher(h, c, true, out) : st;
}

static struct status generate(struct holder *h, const struct token_call *c)
{
	struct pkcs11_key key;
	place_of(h, c->key)->n = 0;
	return pkcs11_make_aes(h->token, c->key, &key);
}

static struct status destroy(struct holder *h, const struct token_call *c)
{
	struct pkcs11_key key;
	TRY(find(h, c->key, true, &key));
	place_of(h, c->key)->n = 0;
	return pkcs11_destroy(h->token, &key);
}

static struct status draw(struct holder *h, const struct token_call *c, struct str *out)
{
	char *p = NEWS(h->mem, char, c->size + 1);
	TRY(pkcs11_random(h->token, p, c->size));
	*out = str_make(p, c->size);
	return OK;
}

static void answer(struct holder *h, const struct token_call *c, struct token_answer *a)
{
	struct status st = ERR(E_UNSUPPORTED);
	if (c->op == TOKEN_OPEN) {
		a->result = open_token(h, c);
		return;
	}
	if (!h->token) {
		a->result = TOKEN_NOT_THERE;
		return;
	}
	if (c->op == TOKEN_GENERATE)
		st = generate(h, c);
	else if (c->op == TOKEN_SEAL)
		st = cipher_twice(h, c, &a->out);
	else if (c->op == TOKEN_UNSEAL)
		st = cipher_twice(h, c, &a->plain);
	else if (c->op == TOKEN_RANDOM)
		st = draw(h, c, &a->plain);
	else if (c->op == TOKEN_DESTROY)
		st = destroy(h, c);
	a->result = result_of(st);
}

/* ---- the process ---- */

/* All files but what is the server's. */
static bool hide_files(const char *const *hidden, size_t n_hidden)
{
	static const struct landlock_path all = { "/", LANDLOCK_ALL };
	bool has;
	return !n_hidden || !failed(landlock_enter(&(struct landlock_wish){ &all, 1, hidden, n_hidden }, &has));
}

/* Before the module is loaded. A terminal's Ctrl-C is for serve, which ends us when it is done. */
static bool settle(int parent, const struct token_limits *limits)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent)
		return false; /* it is gone already */
	prctl(PR_SET_NAME, "hf-token", 0, 0, 0);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	(void)mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT); /* as far as it is allowed */
	return hide_files(limits->hidden, limits->n_hidden) && !failed(sandbox_refuse());
}

static bool take_call(struct holder *h, char *room)
{
	struct token_call c;
	struct token_answer a = { 0 };
	uint32_t number;
	ssize_t n;
	do
		n = recv(TOKEN_PROCESS_FD, room, TOKEN_MESSAGE_MAX, 0);
	while (n < 0 && errno == EINTR);
	if (n <= 0 || failed(token_call_read(str_make(room, (size_t)n), &number, &c)))
		return false;
	answer(h, &c, &a);
	struct buf b = buf_in(h->mem);
	token_answer_write(&b, number, &a);
	ssize_t said = send(TOKEN_PROCESS_FD, b.p, b.n, MSG_NOSIGNAL);
	secret_wipe(room, (size_t)n);
	arena_wipe(h->mem);
	return said == (ssize_t)b.n;
}

int token_holder_run(int parent, const struct token_limits *limits)
{
	struct holder *h = HEAP(struct holder);
	char *room = heap_alloc(1, TOKEN_MESSAGE_MAX);
	if (!settle(parent, limits)) {
		log_error("a token's process cannot restrict itself, or has lost its parent");
		return 1;
	}
	world_real(&h->world);
	h->mem = arena_new();
	h->modules = limits->modules;
	while (take_call(h, room))
		;
	pkcs11_close(h->token);
	arena_free(h->mem);
	heap_free(room);
	heap_free(h);
	return 0;
}
