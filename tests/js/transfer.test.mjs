// Multipart uploads through lib-storage, and URLs signed beforehand.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import https from "node:https";
import http from "node:http";
import { Readable } from "node:stream";
import { test } from "node:test";

import {
	CreateMultipartUploadCommand, GetObjectCommand, HeadObjectCommand, ListMultipartUploadsCommand, PutObjectCommand,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

import { PLAIN, agents, allow, bucket, bytes, hosted, s3, user } from "./common.mjs";

const MIB = 1 << 20;
const sha = (b) => createHash("sha256").update(b).digest("hex");
const read = async (client, Bucket, Key) => Buffer.from(await (await client.send(new GetObjectCommand({ Bucket, Key }))).Body.transformToByteArray());

// fetch() without its own ideas about resolving names.
const call = (method, url, body, headers = {}) => new Promise((resolve, reject) => {
	const secure = url.startsWith("https:");
	const request = (secure ? https : http).request(url, { method, headers, agent: secure ? agents.httpsAgent : agents.httpAgent }, (answer) => {
		const pieces = [];
		answer.on("data", (p) => pieces.push(p));
		answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(pieces) }));
	});
	request.on("error", reject);
	request.end(body);
});

for (const [where, options] of [["TLS", {}], ["plain HTTP", { endpoint: PLAIN }]])
	test(`a multipart upload of a buffer over ${where}`, async () => {
		const client = s3(options), Bucket = await bucket(client), Body = bytes(12 * MIB + 12_345);
		const progress = [];
		const upload = new Upload({ client, params: { Bucket, Key: "k", Body }, partSize: 5 * MIB, queueSize: 3 });
		upload.on("httpUploadProgress", (p) => progress.push(p.loaded));
		const done = await upload.done();
		assert.match(done.ETag, /^"[0-9a-f]{32}-3"$/);
		assert.ok(done.ChecksumCRC32);
		assert.match(done.Location, new RegExp(`${Bucket}.*k$`));
		assert.equal(progress.at(-1), Body.length);
		assert.equal(sha(await read(client, Bucket, "k")), sha(Body));
		const head = await client.send(new HeadObjectCommand({ Bucket, Key: "k", ChecksumMode: "ENABLED" }));
		assert.equal(head.ContentLength, Body.length);
		assert.equal(head.ChecksumCRC32, done.ChecksumCRC32);
	});

for (const [ChecksumAlgorithm, type] of [["CRC32", "COMPOSITE"], ["SHA256", "COMPOSITE"], ["CRC32C", "FULL_OBJECT"]])
	test(`a multipart upload of a stream of unknown length with ${ChecksumAlgorithm}, ${type}`, async () => {
		const client = s3(), Bucket = await bucket(client), body = bytes(6 * MIB + 1);
		const Body = Readable.from([body.subarray(0, MIB + 1), body.subarray(MIB + 1, 3 * MIB), body.subarray(3 * MIB)]);
		await new Upload({ client, params: { Bucket, Key: "k", Body, ChecksumAlgorithm, ChecksumType: type, Metadata: { via: "parts" } },
			partSize: 5 * MIB }).done();
		assert.equal(sha(await read(client, Bucket, "k")), sha(body));
		const head = await client.send(new HeadObjectCommand({ Bucket, Key: "k", ChecksumMode: "ENABLED" }));
		assert.equal(head.ChecksumType, type);
		assert.ok(head[`Checksum${ChecksumAlgorithm}`]);
		assert.equal(head[`Checksum${ChecksumAlgorithm}`].endsWith("-2"), type === "COMPOSITE");
		assert.equal(head.Metadata.via, "parts");
	});

test("a small body through lib-storage is a single put, virtual-host style too", async () => {
	const client = hosted(), Bucket = await bucket();
	const done = await new Upload({ client, params: { Bucket, Key: "k", Body: "small" } }).done();
	assert.match(done.ETag, /^"[0-9a-f]{32}"$/);
	assert.equal((await read(client, Bucket, "k")).toString(), "small");
});

test("an upload given up leaves nothing", async () => {
	const client = s3(), Bucket = await bucket(client);
	const upload = new Upload({ client, params: { Bucket, Key: "k", Body: bytes(30 * MIB) }, partSize: 5 * MIB, queueSize: 1 });
	upload.on("httpUploadProgress", () => upload.abort());
	await assert.rejects(upload.done(), { name: "AbortError" });
	await assert.rejects(read(client, Bucket, "k"), { name: "NoSuchKey" });
	const left = async () => (await client.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads ?? [];
	for (let i = 0; i < 600 && (await left()).length; i++) await new Promise((done) => setTimeout(done, 100)); // its abort comes behind
	assert.deepEqual(await left(), []);
});

test("an upload without a part under way is listed", async () => {
	const client = s3(), Bucket = await bucket(client);
	const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: "k" }));
	const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
	assert.deepEqual(Uploads.map((u) => [u.Key, u.UploadId]), [["k", UploadId]]);
});

for (const [where, make] of [["path style, TLS", () => s3()], ["path style, plain", () => s3({ endpoint: PLAIN })], ["virtual host, TLS", () => hosted()]])
	test(`presigned PUT and GET: ${where}`, async () => {
		const client = make(), Bucket = await bucket(), Key = "up/ä b.txt";
		const up = await getSignedUrl(client, new PutObjectCommand({ Bucket, Key }), { expiresIn: 300 });
		const put = await call("PUT", up, "presigned");
		assert.equal(put.status, 200, put.body.toString());
		const down = await getSignedUrl(client, new GetObjectCommand({ Bucket, Key, ResponseContentType: "text/x-mine" }), { expiresIn: 300 });
		const got = await call("GET", down);
		assert.equal(got.status, 200, got.body.toString());
		assert.equal(got.body.toString(), "presigned");
		assert.equal(got.headers["content-type"], "text/x-mine");
		const part = await call("GET", down, undefined, { Range: "bytes=3-5" });
		assert.deepEqual([part.status, part.body.toString()], [206, "sig"]);
	});

test("a presigned URL is good for what it was signed for, and no longer", async () => {
	const client = s3(), Bucket = await bucket(client);
	await client.send(new PutObjectCommand({ Bucket, Key: "k", Body: "x" }));
	const get = new GetObjectCommand({ Bucket, Key: "k" });
	const url = await getSignedUrl(client, get, { expiresIn: 300 }), short = await getSignedUrl(client, get, { expiresIn: 1 });
	assert.match((await call("GET", url.replace("/k?", "/l?"))).body.toString(), /SignatureDoesNotMatch/);
	assert.match((await call("PUT", url, "y")).body.toString(), /SignatureDoesNotMatch/);
	assert.match((await call("GET", url.replace("X-Amz-Expires=300", "X-Amz-Expires=999"))).body.toString(), /SignatureDoesNotMatch/);
	await new Promise((done) => setTimeout(done, 2100));
	const late = await call("GET", short);
	assert.equal(late.status, 403);
	assert.match(late.body.toString(), /<Code>AccessDenied<\/Code>.*Request has expired/s);
});

test("a presigned URL carries its signer's permissions", async () => {
	const Bucket = await bucket();
	await s3().send(new PutObjectCommand({ Bucket, Key: "k", Body: "x" }));
	const credentials = await user(allow("s3:GetObject", `arn:aws:s3:::${Bucket}/k`));
	const client = s3({ credentials });
	assert.equal((await call("GET", await getSignedUrl(client, new GetObjectCommand({ Bucket, Key: "k" })))).status, 200);
	const denied = await call("PUT", await getSignedUrl(client, new PutObjectCommand({ Bucket, Key: "k" })), "y");
	assert.equal(denied.status, 403);
	assert.match(denied.body.toString(), /<Code>AccessDenied<\/Code>.*s3:PutObject/s);
});
