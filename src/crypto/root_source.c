/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/root_source.h"

#include "base/buf.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/str.h"
#include "crypto/kdf.h"

static const struct root_source *const sealed_sources[] = { &root_from_passphrase, &root_from_tpm, &root_from_pkcs11 };

void root_id(const uint8_t root[ROOT_KEY_SIZE], uint8_t out[ROOT_ID_SIZE])
{
	hkdf_sha256(str_make(root, ROOT_KEY_SIZE), S("holdfast root key"), S("id 1"), out, ROOT_ID_SIZE);
}

/* NULL: no sealed one has that name. */
static const struct root_source *sealed_source(struct str name)
{
	for (size_t i = 0; i < COUNT(sealed_sources); i++)
		if (str_eq(name, str_of(sealed_sources[i]->name)))
			return sealed_sources[i];
	return NULL;
}

static bool is_file(struct str name) { return !name.n || str_eq(name, S("file")); }

const char *root_source_name(struct str name)
{
	const struct root_source *s = sealed_source(name);
	return s ? s->name : is_file(name) ? "file" : NULL;
}

struct status root_wish_check(const struct root_wish *wish)
{
	const struct root_source *s = sealed_source(wish->source);
	if (!s && is_file(wish->source))
		return OK;
	if (s)
		return s->check(wish);
	log_error("no such source of a root key: file, passphrase, tpm or pkcs11", "source", wish->source);
	return ERR(E_INVALID);
}

/* ---- creating ---- */

static struct str hex_id(struct arena *mem, const uint8_t root[ROOT_KEY_SIZE])
{
	uint8_t id[ROOT_ID_SIZE];
	root_id(root, id);
	return hex_encode(mem, str_make(id, sizeof id));
}

static struct status create_sealed(struct root_work *x, const struct root_source *s, const char *path,
				   const uint8_t root[ROOT_KEY_SIZE])
{
	struct root_text t = { .mem = x->mem };
	root_text_put(&t, "source", str_of(s->name));
	root_text_put(&t, "id", hex_id(x->mem, root));
	TRY(s->seal(x, &t, root));
	return rootfile_store(x->w, path, root_text_write(&t));
}

struct status root_create(struct world *w, const char *path, const struct root_wish *wish, struct asker *asker,
			  const uint8_t root[ROOT_KEY_SIZE])
{
	const struct root_source *s = sealed_source(wish->source);
	TRY(root_wish_check(wish));
	if (!s)
		return rootfile_create(w, path, root);
	struct root_work x = { .w = w, .mem = arena_new(), .asker = asker, .wish = wish };
	struct status st = create_sealed(&x, s, path, root);
	arena_wipe(x.mem);
	arena_free(x.mem);
	return st;
}

/* ---- opening ---- */

static struct status damaged(const char *path)
{
	log_error("the root key file is damaged or not a root key file", "path", str_of(path));
	return ERR(E_INVALID);
}

static struct status open_sealed(struct root_work *x, struct str text, const char *path, uint8_t root[ROOT_KEY_SIZE])
{
	struct root_text t;
	uint8_t key[ROOT_KEY_SIZE];
	if (failed(root_text_parse(x->mem, text, &t)))
		return damaged(path);
	const struct root_source *s = sealed_source(root_text_get(&t, "source"));
	if (!s)
		return damaged(path);
	TRY(s->open(x, &t, key));
	struct status st = OK;
	if (str_eq(hex_id(x->mem, key), root_text_get(&t, "id"))) {
		memcpy(root, key, ROOT_KEY_SIZE);
	} else {
		log_error("the root key that opened is not the one that the file names", "path", str_of(path));
		st = ERR(E_NO_KEY);
	}
	secret_wipe(key, sizeof key);
	return st;
}

struct status root_open(struct world *w, const char *path, struct asker *asker, uint8_t root[ROOT_KEY_SIZE])
{
	struct root_work x = { .w = w, .mem = arena_new(), .asker = asker };
	struct str text;
	struct status st = rootfile_load(w, path, x.mem, &text);
	if (!failed(st))
		st = root_text_is(text)                   ? open_sealed(&x, text, path, root)
		     : failed(rootfile_parse(text, root)) ? damaged(path)
							  : OK;
	arena_wipe(x.mem);
	arena_free(x.mem);
	return st;
}

/* ---- telling ---- */

static struct str settings_of(struct arena *mem, const struct root_text *t)
{
	static const char *const told[] = {
		"tcti", "pcrs", "module", "token", "serial", "key", "pin-file", "argon2id"
	};
	struct buf b = buf_in(mem);
	for (size_t i = 0; i < COUNT(told); i++) {
		struct str value = root_text_get(t, told[i]);
		if (value.p)
			buf_printf(&b, "%s%s %.*s", b.n ? ", " : "", told[i], PR(value));
	}
	return buf_str(&b);
}

static struct status about(struct arena *mem, struct str text, const char *path, struct root_about *out)
{
	struct root_text t;
	uint8_t key[ROOT_KEY_SIZE];
	if (!root_text_is(text)) {
		struct status st = rootfile_parse(text, key);
		secret_wipe(key, sizeof key);
		*out = (struct root_about){ .source = "file", .by_itself = true };
		return failed(st) ? damaged(path) : OK;
	}
	if (failed(root_text_parse(mem, text, &t)))
		return damaged(path);
	const struct root_source *s = sealed_source(root_text_get(&t, "source"));
	if (!s)
		return damaged(path);
	*out = (struct root_about){ s->name, s->by_itself(&t), str_dup(mem, root_text_get(&t, "id")),
				    settings_of(mem, &t) };
	return OK;
}

struct status root_about(struct world *w, struct arena *mem, const char *path, struct root_about *out)
{
	struct arena *own = arena_new();
	struct str text;
	struct status st = rootfile_load(w, path, own, &text);
	if (!failed(st))
		st = about(mem, root_text_is(text) ? str_dup(mem, text) : text, path, out);
	arena_wipe(own);
	arena_free(own);
	return st;
}

static struct status wish_like(struct arena *mem, struct str text, const char *path, struct root_wish *out)
{
	struct root_text t;
	*out = (struct root_wish){ 0 };
	if (!root_text_is(text))
		return OK;
	if (failed(root_text_parse(mem, str_dup(mem, text), &t)))
		return damaged(path);
	*out = (struct root_wish){
		.source = root_text_get(&t, "source"),
		.module = root_text_get(&t, "module"),
		.token = root_text_get(&t, "token"),
		.serial = root_text_get(&t, "serial"),
		.token_key = root_text_get(&t, "key"),
		.pin_file = root_text_get(&t, "pin-file"),
		.tpm = root_text_get(&t, "tcti"),
		.pcrs = root_text_get(&t, "pcrs"),
	};
	return OK;
}

struct status root_wish_like(struct world *w, struct arena *mem, const char *path, struct root_wish *out)
{
	struct arena *own = arena_new();
	struct str text;
	struct status st = rootfile_load(w, path, own, &text);
	if (!failed(st))
		st = wish_like(mem, text, path, out);
	arena_wipe(own);
	arena_free(own);
	return st;
}
