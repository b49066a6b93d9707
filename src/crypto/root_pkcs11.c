/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A root key under a token's key: an AES key, which is made there when there is none of that name, or an RSA pair that
 * is there. The root key itself is in this machine's memory while it serves; what the token adds is that the file opens
 * nowhere without it.
 *
 * The PIN comes from a file (so the server starts by itself), or is asked for.
 */
#include "base/log.h"
#include "base/str.h"
#include "crypto/pkcs11.h"
#include "crypto/root_source.h"

static const struct str key_default = { "holdfast", 8 };

static struct status check_one(const char *what, struct str value)
{
	if (!value.n || root_text_may(value))
		return OK;
	log_error("not a usable value", "for", str_of(what));
	return ERR(E_INVALID);
}

static struct status check(const struct root_wish *w)
{
	if (!w->module.n || w->module.p[0] != '/' || (w->pin_file.n && w->pin_file.p[0] != '/')) {
		log_error("a root key under PKCS #11 needs the absolute path of the token's module");
		return ERR(E_INVALID);
	}
	TRY(check_one("module", w->module));
	TRY(check_one("token", w->token));
	TRY(check_one("serial", w->serial));
	TRY(check_one("key", w->token_key));
	return check_one("PIN file", w->pin_file);
}

static struct status pin_of(struct root_work *x, struct str file, struct str *out)
{
	if (!file.n)
		return ask_secret(x->asker, "PIN of the token that opens the root key", false, out);
	struct status st = rootfile_load(x->w, str_z(x->mem, file), x->mem, out);
	if (failed(st)) {
		log_error("the token's PIN cannot be read", "file", file);
		return st;
	}
	while (out->n && (out->p[out->n - 1] == '\n' || out->p[out->n - 1] == '\r'))
		out->n--;
	return OK;
}

static struct status open_token(struct root_work *x, const struct root_text *t, struct pkcs11 **out)
{
	struct str pin, module = root_text_get(t, "module");
	if (!module.n || module.p[0] != '/')
		return ERR(E_INVALID);
	TRY(pin_of(x, root_text_get(t, "pin-file"), &pin));
	struct pkcs11_where at = { str_z(x->mem, module), root_text_get(t, "token"), root_text_get(t, "serial") };
	struct status st = pkcs11_open(x->w, &at, pin, out);
	if (st.code == E_NO_KEY)
		(void)ask_again(x->asker); /* no second try of our own: tokens count them */
	return st;
}

/* An AES key takes what it seals together with the lines above; RSA has no such thing. */
static struct str bound(const struct root_text *t, const struct pkcs11_key *key)
{
	return key->kind == PKCS11_AES ? root_text_above(t, "sealed") : S("");
}

static struct status seal_with(struct root_work *x, struct root_text *t, struct pkcs11 *token, struct str label,
			       const uint8_t root[ROOT_KEY_SIZE])
{
	struct pkcs11_key key;
	struct str sealed;
	struct status st = pkcs11_find(token, label, &key);
	if (st.code == E_NOT_FOUND)
		st = pkcs11_make_aes(token, label, &key);
	if (st.code == E_EXISTS)
		log_error("several keys of the token have that label", "key", label);
	TRY(st);
	TRY(pkcs11_encrypt(token, &key, bound(t, &key), str_make(root, ROOT_KEY_SIZE), x->mem, &sealed));
	root_text_put_bytes(t, "sealed", sealed);
	return OK;
}

static struct status seal(struct root_work *x, struct root_text *t, const uint8_t root[ROOT_KEY_SIZE])
{
	const struct root_wish *w = x->wish;
	struct str label = w->token_key.n ? w->token_key : key_default;
	struct pkcs11 *token;

	root_text_put(t, "module", w->module);
	if (w->token.n)
		root_text_put(t, "token", w->token);
	if (w->serial.n)
		root_text_put(t, "serial", w->serial);
	root_text_put(t, "key", label);
	if (w->pin_file.n)
		root_text_put(t, "pin-file", w->pin_file);
	TRY(open_token(x, t, &token));
	struct status st = seal_with(x, t, token, label, root);
	pkcs11_close(token);
	return st;
}

static struct status open_with(struct root_work *x, const struct root_text *t, struct pkcs11 *token, struct str sealed,
			       uint8_t root[ROOT_KEY_SIZE])
{
	struct pkcs11_key key;
	struct str plain, label = root_text_get(t, "key");
	struct status st = pkcs11_find(token, label, &key);
	if (!failed(st))
		st = pkcs11_decrypt(token, &key, bound(t, &key), sealed, x->mem, &plain);
	if (!failed(st) && plain.n == ROOT_KEY_SIZE) {
		memcpy(root, plain.p, ROOT_KEY_SIZE);
		return OK;
	}
	log_error("the token's key does not open the root key", "key", label, "status", str_of(status_name(st)));
	return ERR(st.code == E_IO ? E_IO : E_NO_KEY);
}

static struct status open_it(struct root_work *x, const struct root_text *t, uint8_t root[ROOT_KEY_SIZE])
{
	struct pkcs11 *token;
	struct str sealed;
	TRY(root_text_get_bytes(t, "sealed", &sealed));
	TRY(open_token(x, t, &token));
	struct status st = open_with(x, t, token, sealed, root);
	pkcs11_close(token);
	return st;
}

static bool by_itself(const struct root_text *t) { return root_text_get(t, "pin-file").n > 0; }

const struct root_source root_from_pkcs11 = { "pkcs11", check, seal, open_it, by_itself };
