/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encrypting, decrypting, data keys: what opens what, and what does not.
 */
#include "api/call.h"
#include "svc/kms/blob.h"
#include "svc/kms/testing.h"

#define HI      "aGk=" /* "hi" */
#define CONTEXT "'EncryptionContext':{'b':'2','a':'1'}"

static struct str encrypted(struct test_world *w, struct str id, const char *more)
{
	struct test_reply r = CALL(w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'" HI "'%s}", PR(id), more);
	EXPECT_DONE(r);
	return world_field(w, r, "CiphertextBlob");
}

static void what_was_encrypted_decrypts(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w), blob = encrypted(w, id, "");
	struct test_reply r = CALL(w, "Decrypt", "{'CiphertextBlob':'%.*s'}", PR(blob));
	EXPECT_STR(world_field(w, r, "Plaintext"), S(HI));
	EXPECT_STR(world_field(w, r, "KeyId"), testing_arn(w, id));
	EXPECT_STR(world_field(w, r, "EncryptionAlgorithm"), S("SYMMETRIC_DEFAULT"));
	r = CALL(w, "Decrypt", "{'CiphertextBlob':'%.*s','KeyId':'%.*s'}", PR(blob), PR(id));
	EXPECT_STR(world_field(w, r, "Plaintext"), S(HI));
	world_restart(w);
	r = CALL(w, "Decrypt", "{'CiphertextBlob':'%.*s'}", PR(blob));
	EXPECT_STR(world_field(w, r, "Plaintext"), S(HI));
	world_end(w);
}

static void the_same_plaintext_never_encrypts_the_same(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w);
	EXPECT(!str_eq(encrypted(w, id, ""), encrypted(w, id, "")));
	world_end(w);
}

static void the_context_must_be_the_same_in_any_order(void)
{
	static const struct {
		const char *context;
		bool opens;
	} cases[] = {
		{ ",'EncryptionContext':{'a':'1','b':'2'}", true },
		{ "," CONTEXT, true },
		{ "", false },
		{ ",'EncryptionContext':{'a':'1'}", false },
		{ ",'EncryptionContext':{'a':'2','b':'1'}", false },
		{ ",'EncryptionContext':{'A':'1','b':'2'}", false },
		{ ",'EncryptionContext':{'a':'1','b':'2','c':''}", false },
		{ ",'EncryptionContext':{'a':'1b','':'2'}", false },
	};
	struct test_world *w = testing_begin();
	struct str blob = encrypted(w, testing_key(w), "," CONTEXT);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct test_reply r = CALL(w, "Decrypt", "{'CiphertextBlob':'%.*s'%s}", PR(blob), cases[i].context);
		if (cases[i].opens)
			EXPECT_STR(world_field(w, r, "Plaintext"), S(HI));
		else
			EXPECT_FAULT(r, "InvalidCiphertextException", S(""));
	}
	world_end(w);
}

static void a_context_past_its_limit_is_refused(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w);
	char *value = NEWS(world_mem(w), char, 9000);
	memset(value, 'x', 9000);
	EXPECT_DONE(CALL(w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'aGk=','EncryptionContext':{'k':'%.*s'}}", PR(id),
			 8191, value));
	EXPECT_FAULT(CALL(w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'aGk=','EncryptionContext':{'k':'%.*s'}}", PR(id),
			  8192, value),
		     "ValidationException", S("EncryptionContext is too large: 8193 bytes, at most 8192 are allowed."));
	world_end(w);
}

static void a_blob_that_was_touched_does_not_open(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w), blob;
	EXPECT_OK(base64_decode(world_mem(w), encrypted(w, id, ""), &blob));
	for (size_t i = 0; i < blob.n; i++) {
		char *copy = NEWS(world_mem(w), char, blob.n);
		memcpy(copy, blob.p, blob.n);
		copy[i] ^= 1;
		struct str text = base64_encode(world_mem(w), str_make(copy, blob.n));
		struct test_reply r = CALL(w, "Decrypt", "{'CiphertextBlob':'%.*s'}", PR(text));
		bool names_another = i >= 1 && i < 22; /* account and key id */
		EXPECT_STR(r.code, names_another ? S("AccessDeniedException") : S("InvalidCiphertextException"));
		r = CALL(w, "Decrypt", "{'CiphertextBlob':'%.*s','KeyId':'%.*s'}", PR(text), PR(id));
		EXPECT_STR(r.code, names_another ? S("IncorrectKeyException") : S("InvalidCiphertextException"));
	}
	for (size_t n = 1; n < blob.n; n++) {
		struct str text = base64_encode(world_mem(w), str_sub(blob, 0, n));
		EXPECT_FAULT(CALL(w, "Decrypt", "{'CiphertextBlob':'%.*s'}", PR(text)), "InvalidCiphertextException",
			     S(""));
	}
	world_end(w);
}

static void a_blob_opens_under_no_other_key(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w), other = testing_key(w), blob = encrypted(w, id, "");
	EXPECT_FAULT(CALL(w, "Decrypt", "{'CiphertextBlob':'%.*s','KeyId':'%.*s'}", PR(blob), PR(other)),
		     "IncorrectKeyException",
		     S("The key ID in the request does not identify a CMK that can perform this operation."));
	struct str bytes;
	EXPECT_OK(base64_decode(world_mem(w), blob, &bytes));
	struct str header = kms_blob_header(world_mem(w), WORLD_ACCOUNT, other, 1);
	struct buf moved = buf_in(world_mem(w));
	buf_put(&moved, header);
	buf_put(&moved, str_from(bytes, KMS_BLOB_HEADER));
	struct str text = base64_encode(world_mem(w), buf_str(&moved));
	EXPECT_FAULT(CALL(w, "Decrypt", "{'CiphertextBlob':'%.*s'}", PR(text)), "InvalidCiphertextException", S(""));
	world_end(w);
}

static void a_data_key_is_what_its_blob_decrypts_to(void)
{
	static const struct {
		const char *size;
		size_t n;
	} cases[] = { { "'KeySpec':'AES_256'", 32 },
		      { "'KeySpec':'AES_128'", 16 },
		      { "'NumberOfBytes':1", 1 },
		      { "'NumberOfBytes':1024", 1024 } };
	struct test_world *w = testing_begin();
	struct str id = testing_key(w), bytes;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct test_reply r =
		    CALL(w, "GenerateDataKey", "{'KeyId':'%.*s'," CONTEXT ",%s}", PR(id), cases[i].size);
		struct str plain = world_field(w, r, "Plaintext"), blob = world_field(w, r, "CiphertextBlob");
		EXPECT_STR(world_field(w, r, "KeyId"), testing_arn(w, id));
		EXPECT_OK(base64_decode(world_mem(w), plain, &bytes));
		EXPECT(bytes.n == cases[i].n);
		r = CALL(w, "Decrypt", "{'CiphertextBlob':'%.*s'," CONTEXT "}", PR(blob));
		EXPECT_STR(world_field(w, r, "Plaintext"), plain);
		EXPECT_FAULT(CALL(w, "Decrypt", "{'CiphertextBlob':'%.*s'}", PR(blob)), "InvalidCiphertextException",
			     S(""));
	}
	world_end(w);
}

static void a_data_key_without_plaintext_shows_none(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w), bytes;
	struct test_reply r =
	    CALL(w, "GenerateDataKeyWithoutPlaintext", "{'KeyId':'%.*s','KeySpec':'AES_256'}", PR(id));
	EXPECT(!world_field(w, r, "Plaintext").p);
	r = CALL(w, "Decrypt", "{'CiphertextBlob':'%.*s'}", PR(world_field(w, r, "CiphertextBlob")));
	EXPECT_OK(base64_decode(world_mem(w), world_field(w, r, "Plaintext"), &bytes));
	EXPECT(bytes.n == 32);
	world_end(w);
}

static void a_data_key_has_one_size(void)
{
	static const char *const ops[] = { "GenerateDataKey", "GenerateDataKeyWithoutPlaintext" };
	struct test_world *w = testing_begin();
	struct str id = testing_key(w);
	for (size_t i = 0; i < COUNT(ops); i++) {
		EXPECT_FAULT(CALL(w, ops[i], "{'KeyId':'%.*s'}", PR(id)), "ValidationException",
			     S("Please specify either number of bytes or key spec."));
		EXPECT_FAULT(CALL(w, ops[i], "{'KeyId':'%.*s','KeySpec':'AES_256','NumberOfBytes':32}", PR(id)),
			     "ValidationException", S("Please specify either number of bytes or key spec."));
		EXPECT_STR(CALL(w, ops[i], "{'KeyId':'%.*s','NumberOfBytes':0}", PR(id)).code,
			   S("ValidationException"));
		EXPECT_STR(CALL(w, ops[i], "{'KeyId':'%.*s','NumberOfBytes':1025}", PR(id)).code,
			   S("ValidationException"));
	}
	world_end(w);
}

static void plaintext_is_1_to_4096_bytes(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w);
	char *bytes = NEWS(world_mem(w), char, 4097);
	struct str most = base64_encode(world_mem(w), str_make(bytes, 4096)),
		   more = base64_encode(world_mem(w), str_make(bytes, 4097));
	EXPECT_STR(CALL(w, "Encrypt", "{'KeyId':'%.*s','Plaintext':''}", PR(id)).code, S("ValidationException"));
	EXPECT_STR(CALL(w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'%.*s'}", PR(id), PR(more)).code,
		   S("ValidationException"));
	struct test_reply r = CALL(w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'%.*s'}", PR(id), PR(most));
	r = CALL(w, "Decrypt", "{'CiphertextBlob':'%.*s'}", PR(world_field(w, r, "CiphertextBlob")));
	EXPECT_STR(world_field(w, r, "Plaintext"), most);
	world_end(w);
}

static void asymmetric_algorithms_do_not_fit_the_key(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w);
	EXPECT_STR(
	    CALL(w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'aGk=','EncryptionAlgorithm':'RSAES_OAEP_SHA_256'}", PR(id))
		.code,
	    S("InvalidKeyUsageException"));
	world_end(w);
}

static void no_grant_token_is_valid(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w);
	EXPECT_DONE(CALL(w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'aGk=','GrantTokens':[]}", PR(id)));
	EXPECT_FAULT(CALL(w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'aGk=','GrantTokens':['AQ']}", PR(id)),
		     "InvalidGrantTokenException", S("Invalid grant token."));
	world_end(w);
}

static void ask_from_inside(struct req *rq, void *arg)
{
	struct str id = *(const struct str *)arg;
	const void *made, *other, *opened;
	struct kms_generate_data_key_in ask = { .key_id = id, .number_of_bytes = SET(32) };
	EXPECT_OK(call_service(rq, "kms", "GenerateDataKey", &ask, &made));
	const struct kms_generate_data_key_out *out = made;
	struct str plain = str_dup(rq->mem, out->plaintext);
	/* The key changes, so the one that was used leaves the cache. */
	struct kms_update_key_description_in change = { id, S("changed") };
	EXPECT_OK(call_service(rq, "kms", "UpdateKeyDescription", &change, &other));
	struct kms_decrypt_in open = { .ciphertext_blob = out->ciphertext_blob };
	EXPECT_OK(call_service(rq, "kms", "Decrypt", &open, &opened));
	EXPECT(plain.n == 32 && secret_eq(out->plaintext, plain));
	EXPECT(secret_eq(((const struct kms_decrypt_out *)opened)->plaintext, plain));
	EXPECT_STR(out->key_id, ((const struct kms_decrypt_out *)opened)->key_id);
}

static void what_a_service_gets_lives_as_long_as_its_request(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w);
	world_in_fiber(w, ask_from_inside, &id);
	world_end(w);
}

static void a_dry_run_says_what_would_happen(void)
{
	static const struct {
		const char *op, *more;
	} cases[] = { { "Encrypt", ",'Plaintext':'aGk='" },
		      { "GenerateDataKey", ",'KeySpec':'AES_256'" },
		      { "GenerateDataKeyWithoutPlaintext", ",'KeySpec':'AES_256'" },
		      { "Decrypt", "" } };
	struct test_world *w = testing_begin();
	struct str id = testing_key(w), blob = encrypted(w, id, "");
	for (size_t i = 0; i < 2 * COUNT(cases); i++) {
		const char *op = cases[i % COUNT(cases)].op, *more = cases[i % COUNT(cases)].more;
		if (i == COUNT(cases))
			EXPECT_DONE(CALL(w, "DisableKey", "{'KeyId':'%.*s'}", PR(id)));
		struct test_reply r =
		    CALL(w, op, "{'KeyId':'%.*s','CiphertextBlob':'%.*s','DryRun':true%s}", PR(id), PR(blob), more);
		EXPECT_STR(r.code, i < COUNT(cases) ? S("DryRunOperationException") : S("DisabledException"));
		EXPECT(r.status == (i < COUNT(cases) ? 412 : 400));
	}
	world_end(w);
}

static void enclaves_are_refused_clearly(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w);
	EXPECT_FAULT(CALL(w, "GenerateDataKey",
			  "{'KeyId':'%.*s','KeySpec':'AES_256','Recipient':{'AttestationDocument':'aGk='}}", PR(id)),
		     "UnsupportedOperationException",
		     S("This server has no attested enclaves: Recipient is not supported."));
	EXPECT_STR(CALL(w, "GenerateRandom", "{'NumberOfBytes':1,'Recipient':{}}").code,
		   S("UnsupportedOperationException"));
	world_end(w);
}

static void blobs_read_back_and_stop_where_they_must(void)
{
	struct arena *mem = arena_new();
	struct str id = S("1234abcd-12ab-34cd-56ef-1234567890ab"),
		   header = kms_blob_header(mem, S("999999999999"), id, 0xfffffffe);
	struct kms_blob b;
	struct buf whole = buf_in(mem);
	buf_put(&whole, header);
	buf_put(&whole, S("0123456789012345678901234567890123456789012"));
	EXPECT_OK(kms_blob_parse(buf_str(&whole), &b));
	EXPECT_STR(str_make(b.account, sizeof b.account), S("999999999999"));
	EXPECT_STR(str_make(b.key_id, sizeof b.key_id), id);
	EXPECT(b.generation == 0xfffffffe && b.sealed.n == 43);
	EXPECT_STR(b.header, header);
	EXPECT_ERR(kms_blob_parse(str_sub(buf_str(&whole), 0, KMS_BLOB_HEADER + 28), &b), E_INVALID);
	EXPECT_ERR(kms_blob_parse(S(""), &b), E_INVALID);
	whole.p[0] = 2;
	EXPECT_OK(kms_blob_parse(buf_str(&whole), &b));
	EXPECT_STR(str_make(b.key_id, sizeof b.key_id), S("mrk-1234abcd12ab34cd56ef1234567890ab"));
	EXPECT_STR(kms_blob_header(mem, S("999999999999"), S("mrk-1234abcd12ab34cd56ef1234567890ab"), 0xfffffffe),
		   b.header);
	for (int version = 3; version < 256; version++) {
		whole.p[0] = (char)version;
		EXPECT_ERR(kms_blob_parse(buf_str(&whole), &b), E_INVALID);
	}
	whole.p[0] = 0;
	EXPECT_ERR(kms_blob_parse(buf_str(&whole), &b), E_INVALID);
	whole.p[0] = 1;
	whole.p[1] = (char)0xff; /* no account has 13 digits */
	EXPECT_ERR(kms_blob_parse(buf_str(&whole), &b), E_INVALID);
	arena_free(mem);
}

static void a_dry_run_can_do_without_a_ciphertext(void)
{
	struct test_world *w = testing_begin();
	struct str key = testing_key(w), mac = testing_key_of(w, "HMAC_256", "GENERATE_VERIFY_MAC");
	struct caller may = testing_user(w, ALLOW("kms:Decrypt")), not = testing_user(w, ALLOW("kms:Encrypt"));
#define IGNORE ",'DryRun':true,'DryRunModifiers':['IGNORE_CIPHERTEXT']"
	EXPECT_STR(AS(w, may, "Decrypt", "{'KeyId':'%.*s'" IGNORE "}", PR(key)).code, S("DryRunOperationException"));
	EXPECT_STR(AS(w, may, "Decrypt", "{'KeyId':'%.*s','CiphertextBlob':'aGk='" IGNORE "}", PR(key)).code,
		   S("DryRunOperationException"));
	EXPECT_STR(AS(w, not, "Decrypt", "{'KeyId':'%.*s'" IGNORE "}", PR(key)).code, S("AccessDeniedException"));
	EXPECT_STR(AS(w, may, "Decrypt", "{'KeyId':'%.*s'" IGNORE "}", PR(mac)).code, S("InvalidKeyUsageException"));
	EXPECT_STR(AS(w, may, "Decrypt", "{'CiphertextBlob':'aGk='" IGNORE "}").code, S("ValidationException"));
	EXPECT_STR(AS(w, may, "Decrypt", "{'KeyId':'%.*s','DryRun':true,'DryRunModifiers':['NONE']}", PR(key)).code,
		   S("ValidationException"));
	EXPECT_DONE(CALL(w, "DisableKey", "{'KeyId':'%.*s'}", PR(key)));
	EXPECT_STR(AS(w, may, "Decrypt", "{'KeyId':'%.*s'" IGNORE "}", PR(key)).code, S("DisabledException"));
	static const char *const without[] = { "", ",'DryRun':true", ",'DryRunModifiers':['IGNORE_CIPHERTEXT']" };
	for (size_t i = 0; i < COUNT(without); i++)
		EXPECT_FAULT(AS(w, may, "Decrypt", "{'KeyId':'%.*s'%s}", PR(key), without[i]), "ValidationException",
			     S("1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy "
			       "constraint: Member must not be null"));
	world_end(w);
}

RUN_ALL(T(a_dry_run_can_do_without_a_ciphertext), T(what_was_encrypted_decrypts),
	T(the_same_plaintext_never_encrypts_the_same), T(the_context_must_be_the_same_in_any_order),
	T(a_context_past_its_limit_is_refused), T(a_blob_that_was_touched_does_not_open),
	T(a_blob_opens_under_no_other_key), T(a_data_key_is_what_its_blob_decrypts_to),
	T(a_data_key_without_plaintext_shows_none), T(a_data_key_has_one_size), T(plaintext_is_1_to_4096_bytes),
	T(asymmetric_algorithms_do_not_fit_the_key), T(no_grant_token_is_valid), T(a_dry_run_says_what_would_happen),
	T(enclaves_are_refused_clearly), T(what_a_service_gets_lives_as_long_as_its_request),
	T(blobs_read_back_and_stop_where_they_must))
