// Clients for the server that the environment names, and words the tests share.
import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import https from "node:https";
import http from "node:http";
import dns from "node:dns";

import { S3Client, CreateBucketCommand } from "@aws-sdk/client-s3";
import { KMSClient } from "@aws-sdk/client-kms";
import { IAMClient, CreateUserCommand, PutUserPolicyCommand, CreateAccessKeyCommand } from "@aws-sdk/client-iam";
import { STSClient } from "@aws-sdk/client-sts";
import { CloudTrailClient } from "@aws-sdk/client-cloudtrail";

export const TLS = process.env.HOLDFAST_URL;
export const PLAIN = process.env.HOLDFAST_HTTP_URL;
export const ACCOUNT = process.env.HOLDFAST_ACCOUNT;
export const DOMAIN = "s3.test";

// *.s3.test is this machine, whatever the resolver thinks.
const lookup = (host, options, done) => {
	if (host !== DOMAIN && !host.endsWith("." + DOMAIN)) return dns.lookup(host, options, done);
	return options.all ? done(null, [{ address: "127.0.0.1", family: 4 }]) : done(null, "127.0.0.1", 4);
};
export const agents = {
	httpsAgent: new https.Agent({ keepAlive: true, lookup, maxSockets: 25 }),
	httpAgent: new http.Agent({ keepAlive: true, lookup, maxSockets: 25 }),
};

const client = (Kind) => (options = {}) => new Kind({
	endpoint: TLS, region: "us-east-1", maxAttempts: 1, requestHandler: agents,
	...options,
});
export const s3 = (options = {}) => client(S3Client)({ forcePathStyle: true, ...options });
export const hosted = (options = {}) => {
	const at = new URL(options.endpoint ?? TLS);
	return client(S3Client)({ ...options, endpoint: `${at.protocol}//${DOMAIN}:${at.port}` });
};
export const kms = client(KMSClient);
export const iam = client(IAMClient);
export const sts = client(STSClient);
export const trail = client(CloudTrailClient);

export const unique = (prefix) => `${prefix}-${randomUUID().slice(0, 13)}`;
export const bytes = (n) => randomBytes(n);
export const policy = (...statements) => JSON.stringify({ Version: "2012-10-17", Statement: statements });
export const allow = (Action, Resource = "*", more = {}) => ({ Effect: "Allow", Action, Resource, ...more });

export async function bucket(of = s3()) {
	const Bucket = unique("js");
	await of.send(new CreateBucketCommand({ Bucket }));
	return Bucket;
}

export async function user(...statements) {
	const UserName = unique("u");
	await iam().send(new CreateUserCommand({ UserName }));
	if (statements.length)
		await iam().send(new PutUserPolicyCommand({ UserName, PolicyName: "p", PolicyDocument: policy(...statements) }));
	const { AccessKey } = await iam().send(new CreateAccessKeyCommand({ UserName }));
	return { accessKeyId: AccessKey.AccessKeyId, secretAccessKey: AccessKey.SecretAccessKey, UserName };
}

// The error of a call that must fail, checked for what every error has.
export async function refused(promise, name, status) {
	const error = await promise.then(() => assert.fail(`expected ${name}, but it went through`), (e) => e);
	assert.equal(error.name, name, `${error.name}: ${error.message}\n${error.stack}`);
	if (status) assert.equal(error.$metadata.httpStatusCode, status);
	assert.match(error.$metadata.requestId ?? "", /^[0-9A-Za-z-]{16,}$/, "an error carries its request id");
	return error;
}

// What really goes over the wire: headers of each request as sent.
export function spied(of) {
	const seen = [];
	of.middlewareStack.add((next) => async (args) => {
		seen.push({ method: args.request.method, headers: { ...args.request.headers }, path: args.request.path });
		return next(args);
	}, { step: "finalizeRequest", priority: "low", name: "spy" });
	return seen;
}
