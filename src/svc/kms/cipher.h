/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encrypting and decrypting with a key, whichever kind it is: what Encrypt, Decrypt, ReEncrypt
 * and the data keys share.
 *
 * A symmetric key's ciphertext is a blob (blob.h), which names its key and is bound to the
 * encryption context. An RSA key's is bare RSAES-OAEP as anybody makes it with the public key:
 * it names no key and has no context.
 */
#ifndef KMS_CIPHER_H
#define KMS_CIPHER_H

#include "svc/kms/use.h"

/* One side of an operation. */
struct kms_cipher {
	const struct kms_key *key;
	enum kms_encryption_algorithm_spec algorithm;
	struct str_map context;
	const char *member;             /* the operation's input member that names the algorithm */
	const struct kms_backing *with; /* what it was done with, set by encrypting and decrypting */
};

/* May that key encrypt (or decrypt), so and with that context? */
struct status kms_cipher_check(struct req *rq, const struct kms_cipher *c);
/* The same of a key that shall decrypt that. InvalidCiphertextException, IncorrectKeyException. */
struct status kms_cipher_check_blob(struct req *rq, const struct kms_cipher *c, struct str blob);

/* ValidationException when that is more than the key can encrypt. */
struct status kms_cipher_check_size(struct req *rq, const struct kms_cipher *c, size_t n);
struct status kms_encrypt_with(struct req *rq, struct kms_cipher *c, struct str plain, struct str *blob);
/* The plaintext is wiped when the outermost request ends. InvalidCiphertextException. */
struct status kms_decrypt_with(struct req *rq, struct kms_cipher *c, struct str blob, struct str *plain);
/* Both sides symmetric: the plaintext never leaves the keyring, unless one of the keys is in a custom key store. */
struct status kms_reencrypt_with(struct req *rq, struct kms_cipher *from, struct str blob, struct kms_cipher *to,
				 struct str *out);
static inline bool kms_is_symmetric(const struct kms_cipher *c)
{
	return c->algorithm == KMS_ENCRYPTION_ALGORITHM_SPEC_SYMMETRIC_DEFAULT;
}

/* What a new ciphertext of a symmetric key begins with and is authenticated with. */
struct kms_sealing {
	const struct kms_backing *with;
	struct str header, aad;
};
struct status kms_sealing_begin(struct req *rq, const struct kms_key *key, struct str_map context,
				struct kms_sealing *out);
struct str kms_sealing_blob(struct req *rq, const struct kms_sealing *s, struct str sealed);

#endif
