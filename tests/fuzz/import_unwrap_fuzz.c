/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ImportKeyMaterial hands to the keyholder. The wrapping key is fixed, so that the target
 * can encrypt what it is given and get past the unwrapping:
 *
 *     input = layer 1 | kind 1 | algorithm 1 | the rest
 *       layer 0: the rest is the ciphertext        1: the rest is the material, under OAEP
 *             2: the same, under AES under OAEP     3: an AES key (length 1, bytes) under OAEP, then the wrapped bytes
 *
 * It answers or refuses; what is taken is a key of its kind, which opens and does what it is for.
 */
#include "base/buf.h"
#include "base/codec.h"
#include "base/str.h"
#include "base/world.h"
#include "crypto/key_wrap.h"
#include "crypto/keyring_local.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* PKCS #8 of RSA Laboratories' published 2048-bit key (oaep-vect, example 10). */
static const char wrapping_key[] =
    "308204bd020100300d06092a864886f70d0101010500048204a7308204a30201000282010100ae45ed5601cec6b8cc05"
    "f803935c674ddbe0d75c4c09fd7951fc6b0caec313a8df39970c518bffba5ed68f3f0d7f22a4029d413f1ae07e4ebe9e"
    "4177ce23e7f5404b569e4ee1bdcf3c1fb03ef113802d4f855eb9b5134b5a7c8085adcae6fa2fa1417ec3763be171b0c6"
    "2b760ede23c12ad92b980884c641f5a8fac26bdad4a03381a22fe1b754885094c82506d4019a535a286afeb271bb9ba5"
    "92de18dcf600c2aeeae56e02f7cf79fc14cf3bdc7cd84febbbf950ca90304b2219a7aa063aefa2c3c1980e560cd64afe"
    "779585b6107657b957857efde6010988ab7de417fc88d8f384c4e6e72c3f943e0c31c0c4a5cc36f879d8a3ac9d7d5986"
    "0eaada6b83bb020301000102820100056b04216fe5f354ac77250a4b6b0c8525a85c59b0bd80c56450a22d5f438e596a"
    "333aa875e291dd43f48cb88b9d5fc0d499f9fcd1c397f9afc070cd9e398c8d19e61db7c7410a6b2675dfbf5d345b804d"
    "201add502d5ce2dfcb091ce9997bbebe57306f383e4d588103f036f7e85d1934d152a323e4a8db451d6f4a5b1b0f102c"
    "c150e02feee2b88dea4ad4c1baccb24d84072d14e1d24a6771f7408ee30564fb86d4393a34bcf0b788501d193303f13a"
    "2284b001f0f649eaf79328d4ac5c430ab4414920a9460ed1b7bc40ec653e876d09abc509ae45b525190116a0c2610184"
    "8298509c1c3bf3a483e7274054e15e97075036e989f60932807b5257751e7902818100ecf5aecd1e5515fffacbd75a28"
    "16c6ebf49018cdfb4638e185d66a7396b6f8090f8018c7fd95cc34b857dc17f0cc6516bb1346ab4d582cadad7b410335"
    "2387b70338d084047c9d9539b6496204b3dd6ea442499207bec01f964287ff6336c3984658336846f56e46861881c102"
    "33d2176bf15a5e96ddc780bc868aa77d3ce76902818100bc46c464fc6ac4ca783b0eb08a3c841b772f7e9b2f28babd58"
    "8ae885e1a0c61e4858a0fb25ac299990f35be85164c259ba1175cdd7192707135184992b6c29b746dd0d2cabe142835f"
    "7d148cc161524b4a09946d48b828473f1ce76b6cb6886c345c03e05f41d51b5c3a90a3f24073c7d74a4fe25d9cf21c75"
    "960f3fc386318302818100c73564571d00fb15d08a3de9957a50915d7126e9442dacf42bc82e862e5673ff6a008ed4d2"
    "e374617df89f17a160b43b7fda9cb6b6b74218609815f7d45ca263c159aa32d272d127faf4bc8ca2d77378e8aeb19b0a"
    "d7da3cb3de0ae7314980f62b6d4b0a875d1df03c1bae39ccd833ef6cd7e2d9528bf084d1f969e794e9f6c10281802658"
    "b37f6df9c1030be1db68117fa9d87e39ea2b693b7e6d3a2f70947413eec6142e18fb8dfcb6ac545d7c86a0ad48f84571"
    "70f0efb26bc48126c53efd1d16920198dc2a1107dc282db6a80cd3062360ba3fa13f70e4312ff1a6cd6b8fc4cd9c5c3d"
    "b17c6d6a57212f73ae29f619327bad59b153858585ba4e28b60a62a45e490281806f38526b3925085534ef3e415a836e"
    "de8b86158a2c7cbfeccb0bd834304fec683ba8d4f479c433d43416e63269623cea100776d85aff401d3fff610ee65411"
    "ce3b1363d63a9709eede42647cea561493d54570a879c18682cd97710b96205ec31117d73b5f36223fadd6e8ba90dd7c"
    "0ee61d44e163251e20c7f66eb305117cb8";

static struct {
	struct world w;
	struct secret_pool *secrets;
	struct key_local *keys;
	struct arena *mem;
	struct keypair *public;
	struct key_ref account, with;
} here;

/* The wrapping key as the keyholder would have stored it. */
static void store_wrapping_key(struct str der)
{
	char room[KEY_AAD_MAX];
	struct key_pin p;
	size_t n = KEY_MATERIAL_HEAD + der.n + AEAD_OVERHEAD;
	uint8_t *out = NEWS(here.mem, uint8_t, n);
	assert(!failed(key_pin_parent(here.keys, &here.account, &p)));
	out[0] = KEY_FORMAT_MATERIAL;
	out[1] = MATERIAL_RSA_2048;
	aead_seal(&p.m->wrap, &here.w, key_material_aad(room, &here.account, MATERIAL_RSA_2048, S("wrapping")), der,
		  out + KEY_MATERIAL_HEAD);
	key_unpin(&p);
	here.with = key_ref_of(&here.account, S("wrapping"), str_make(out, n));
}

static void begin(void)
{
	struct root_set roots = { .n = 1, .key = { { 1 } } };
	struct key_answer a = { 0 };
	struct str der;
	world_fake(&here.w, 0, 1);
	here.mem = arena_new();
	here.secrets = secret_pool_new();
	here.keys = key_local_new(&here.w, here.secrets, &roots);
	struct key_call c = { .op = KEY_OP_NEW, .purpose = S("account") };
	assert(!failed(key_local_answer(here.keys, &c, here.mem, &a)));
	here.account = key_ref_of(NULL, S("account"), a.out);
	assert(!failed(hex_decode(here.mem, str_of(wrapping_key), &der)));
	store_wrapping_key(der);
	assert(!failed(keypair_from_private(KEYPAIR_RSA_2048, der, &here.public)));
}

static struct str under_rsa(enum keypair_algorithm a, struct str plain, struct arena *mem)
{
	struct str cipher;
	return failed(keypair_encrypt(here.public, a, plain, mem, &cipher)) ? plain : cipher;
}

static struct str both(struct str a, struct str b, struct arena *mem)
{
	struct buf out = buf_in(mem);
	buf_put(&out, a);
	buf_put(&out, b);
	return buf_str(&out);
}

/* What is sent, by its layers. *aes: as RSA_AES_KEY_WRAP. */
static struct str layered(uint8_t layer, enum keypair_algorithm a, struct str rest, struct arena *mem, bool *aes)
{
	static const uint8_t key[32] = { 7 };
	struct rd r = rd_of(rest);
	*aes = layer & 2 || layer & 4;
	switch (layer & 3) {
	case 1:
		return under_rsa(a, rest, mem);
	case 2:
		return both(under_rsa(a, str_make(key, sizeof key), mem), aes_wrap_padded(key, rest, mem), mem);
	case 3: {
		struct str k = rd_bytes(&r, rd_u8(&r));
		return r.bad ? rest : both(under_rsa(a, k, mem), str_make(r.p, (size_t)(r.end - r.p)), mem);
	}
	default:
		return rest;
	}
}

static struct status ask(struct key_call c, struct arena *mem, struct key_answer *a)
{
	*a = (struct key_answer){ 0 };
	return key_local_answer(here.keys, &c, mem, a);
}

/* What was taken is a key: it opens where it was put and nowhere else, and does what keys of its kind do. */
static void use(enum material kind, const struct key_answer *taken, struct arena *mem)
{
	struct key_ref key = key_ref_of(&here.account, S("k"), taken->out);
	struct key_ref elsewhere = key_ref_of(&here.account, S("other"), taken->out);
	struct key_answer a;
	assert(kind > MATERIAL_NONE && kind < MATERIAL_COUNT && taken->face.n);
	assert(!failed(ask((struct key_call){ .op = KEY_OP_CHECK, .key = &key }, mem, &a)));
	assert(ask((struct key_call){ .op = KEY_OP_CHECK, .key = &elsewhere }, mem, &a).code == E_NO_KEY);
	if (kind == MATERIAL_AES_256)
		assert(!failed(ask((struct key_call){ .op = KEY_OP_SEAL, .key = &key, .input = S("x") }, mem, &a)));
	if (material_mac(kind))
		assert(!failed(ask((struct key_call){ .op = KEY_OP_HMAC, .key = &key, .input = S("x") }, mem, &a)));
	if (material_keypair(kind)) {
		struct keypair *k;
		assert(!failed(keypair_from_public(material_keypair(kind), taken->face, &k)));
		keypair_free(k);
	}
	(void)ask((struct key_call){ .op = KEY_OP_FORGET, .key = &key }, mem, &a).code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (!here.keys)
		begin();
	if (n < 3 || n > 8192)
		return 0;
	struct arena *mem = arena_new();
	struct key_answer a;
	enum keypair_algorithm algorithm = data[2] & 0x80 ? (enum keypair_algorithm)(data[2] & 0x7f)
					   : data[2] & 1  ? KEYPAIR_OAEP_SHA1
							  : KEYPAIR_OAEP_SHA256;
	struct key_call c = {
		.op = KEY_OP_IMPORT,
		.key = &here.with,
		.algorithm = algorithm,
		.other = &here.account,
		.purpose = S("k"),
		.kind = (enum material)data[1],
	};
	c.input = layered(data[0], algorithm, str_make(data + 3, n - 3), mem, &c.flag);
	if (!failed(ask(c, mem, &a)))
		use(c.kind, &a, mem);
	/* What is kept lies in locked memory, where the leak checker does not look. */
	assert(!failed(ask((struct key_call){ .op = KEY_OP_FORGET, .key = &here.with }, mem, &a)));
	arena_free(mem);
	return 0;
}
