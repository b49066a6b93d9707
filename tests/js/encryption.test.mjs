// Client-side encryption with keys of KMS: the AWS Encryption SDK, and the S3 encryption client's pattern.
import assert from "node:assert/strict";
import { createCipheriv, createDecipheriv } from "node:crypto";
import { test } from "node:test";

import { CommitmentPolicy, KmsKeyringNode, buildClient, getClient } from "@aws-crypto/client-node";
import { CreateKeyCommand, DecryptCommand, DisableKeyCommand, GenerateDataKeyCommand, KMS } from "@aws-sdk/client-kms";
import { GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";

import { ACCOUNT, TLS, agents, bucket, bytes, kms, refused, s3 } from "./common.mjs";

const sdk = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT);
const provider = getClient(KMS, { endpoint: TLS, requestHandler: agents, maxAttempts: 1 });
const newKey = async () => (await kms().send(new CreateKeyCommand({}))).KeyMetadata.Arn;

test("the Encryption SDK encrypts under two keys and either one opens it", async () => {
	const [one, two] = [await newKey(), await newKey()], context = { purpose: "test", order: "17" };
	const both = new KmsKeyringNode({ clientProvider: provider, generatorKeyId: one, keyIds: [two] });
	const { result } = await sdk.encrypt(both, Buffer.from("attack at dawn"), { encryptionContext: context });
	for (const key of [one, two]) {
		const only = new KmsKeyringNode({ clientProvider: provider, keyIds: [key] });
		const { plaintext, messageHeader } = await sdk.decrypt(only, result);
		assert.equal(plaintext.toString(), "attack at dawn");
		assert.equal(messageHeader.encryptionContext.order, "17");
	}
});

test("a discovery keyring finds the key by the message alone, and no key of another account", async () => {
	const key = await newKey();
	const { result } = await sdk.encrypt(new KmsKeyringNode({ clientProvider: provider, generatorKeyId: key }), "text");
	const of = (account) => new KmsKeyringNode({ clientProvider: provider, discovery: true, discoveryFilter: { accountIDs: [account], partition: "aws" } });
	assert.equal((await sdk.decrypt(of(ACCOUNT), result)).plaintext.toString(), "text");
	await assert.rejects(sdk.decrypt(of("999988887777"), result));
});

test("a disabled key, another key and a changed message open nothing", async () => {
	const [key, other] = [await newKey(), await newKey()];
	const ring = new KmsKeyringNode({ clientProvider: provider, generatorKeyId: key });
	const { result } = await sdk.encrypt(ring, "text", { encryptionContext: { a: "1" } });
	await assert.rejects(sdk.decrypt(new KmsKeyringNode({ clientProvider: provider, keyIds: [other] }), result));
	const changed = Buffer.from(result);
	changed[changed.length - 1] ^= 1;
	await assert.rejects(sdk.decrypt(ring, changed));
	await kms().send(new DisableKeyCommand({ KeyId: key }));
	await assert.rejects(sdk.decrypt(ring, result));
});

test("the S3 encryption client's pattern: a data key in the object's metadata, bound to its algorithm", async () => {
	const key = await newKey(), client = s3(), Bucket = await bucket(client), Key = "secret", body = bytes(100_000);
	const context = { "aws:x-amz-cek-alg": "AES/GCM/NoPadding" };
	const made = await kms().send(new GenerateDataKeyCommand({ KeyId: key, KeySpec: "AES_256", EncryptionContext: context }));
	const iv = bytes(12), cipher = createCipheriv("aes-256-gcm", made.Plaintext, iv);
	const Body = Buffer.concat([cipher.update(body), cipher.final(), cipher.getAuthTag()]);
	await client.send(new PutObjectCommand({
		Bucket, Key, Body, Metadata: {
			"x-amz-key-v2": Buffer.from(made.CiphertextBlob).toString("base64"), "x-amz-iv": iv.toString("base64"),
			"x-amz-cek-alg": "AES/GCM/NoPadding", "x-amz-wrap-alg": "kms+context", "x-amz-matdesc": JSON.stringify(context), "x-amz-tag-len": "128",
		},
	}));
	const got = await client.send(new GetObjectCommand({ Bucket, Key })), meta = got.Metadata;
	const sealed = Buffer.from(await got.Body.transformToByteArray());
	const CiphertextBlob = Buffer.from(meta["x-amz-key-v2"], "base64");
	const { Plaintext } = await kms().send(new DecryptCommand({ KeyId: key, CiphertextBlob, EncryptionContext: JSON.parse(meta["x-amz-matdesc"]) }));
	const open = createDecipheriv("aes-256-gcm", Plaintext, Buffer.from(meta["x-amz-iv"], "base64"));
	open.setAuthTag(sealed.subarray(-16));
	assert.deepEqual(Buffer.concat([open.update(sealed.subarray(0, -16)), open.final()]), body);
	await refused(kms().send(new DecryptCommand({ KeyId: key, CiphertextBlob, EncryptionContext: {} })), "InvalidCiphertextException", 400);
});
