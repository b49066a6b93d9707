// KMS, IAM, STS and CloudTrail through the current SDK.
import assert from "node:assert/strict";
import { test } from "node:test";

import {
	CreateAliasCommand, CreateKeyCommand, DecryptCommand, DescribeKeyCommand, DisableKeyCommand, EnableKeyCommand, EncryptCommand,
	GenerateDataKeyCommand, GetKeyPolicyCommand, ListAliasesCommand, PutKeyPolicyCommand, paginateListKeys,
} from "@aws-sdk/client-kms";
import {
	CreatePolicyCommand, CreateRoleCommand, CreateUserCommand, DeleteUserCommand, GetRoleCommand, GetUserCommand, PutRolePolicyCommand,
	paginateListUsers, waitUntilRoleExists, waitUntilUserExists,
} from "@aws-sdk/client-iam";
import { AssumeRoleCommand, GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { LookupEventsCommand, paginateLookupEvents } from "@aws-sdk/client-cloudtrail";
import { GetObjectCommand, ListBucketsCommand, PutObjectCommand } from "@aws-sdk/client-s3";

import { ACCOUNT, PLAIN, allow, bucket, iam, kms, policy, refused, s3, sts, trail, unique, user } from "./common.mjs";

const trust = policy({ Effect: "Allow", Action: "sts:AssumeRole", Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` } });

test("encrypt, decrypt and data keys, bound to their context", async () => {
	const client = kms(), Plaintext = Buffer.from("attack at dawn"), EncryptionContext = { order: "17", "ü": "ä" };
	const { KeyMetadata: { KeyId, Arn } } = await client.send(new CreateKeyCommand({ Description: "js", Tags: [{ TagKey: "a", TagValue: "b" }] }));
	assert.equal(Arn, `arn:aws:kms:us-east-1:${ACCOUNT}:key/${KeyId}`);
	const { CiphertextBlob, $metadata } = await client.send(new EncryptCommand({ KeyId, Plaintext, EncryptionContext }));
	assert.match($metadata.requestId, /^[0-9a-f-]{36}$/);
	const back = await client.send(new DecryptCommand({ CiphertextBlob, EncryptionContext }));
	assert.equal(Buffer.from(back.Plaintext).toString(), "attack at dawn");
	assert.equal(back.KeyId, Arn);
	await refused(client.send(new DecryptCommand({ CiphertextBlob })), "InvalidCiphertextException", 400);
	const made = await client.send(new GenerateDataKeyCommand({ KeyId, KeySpec: "AES_256" }));
	assert.equal(made.Plaintext.length, 32);
	assert.deepEqual((await client.send(new DecryptCommand({ CiphertextBlob: made.CiphertextBlob }))).Plaintext, made.Plaintext);
});

test("key states, aliases and policies", async () => {
	const client = kms(), AliasName = `alias/${unique("js")}`;
	const { KeyMetadata: { KeyId } } = await client.send(new CreateKeyCommand({}));
	await client.send(new CreateAliasCommand({ AliasName, TargetKeyId: KeyId }));
	assert.ok((await client.send(new ListAliasesCommand({ KeyId }))).Aliases.some((a) => a.AliasName === AliasName));
	await client.send(new DisableKeyCommand({ KeyId }));
	const no = await refused(client.send(new EncryptCommand({ KeyId: AliasName, Plaintext: Buffer.from("x") })), "DisabledException", 400);
	assert.match(no.message, new RegExp(`key/${KeyId} is disabled`));
	await client.send(new EnableKeyCommand({ KeyId }));
	const { KeyMetadata } = await client.send(new DescribeKeyCommand({ KeyId: AliasName }));
	assert.equal(KeyMetadata.KeyState, "Enabled");
	assert.ok(KeyMetadata.CreationDate instanceof Date);
	const { Policy } = await client.send(new GetKeyPolicyCommand({ KeyId, PolicyName: "default" }));
	await client.send(new PutKeyPolicyCommand({ KeyId, PolicyName: "default", Policy }));
	await refused(client.send(new PutKeyPolicyCommand({ KeyId, PolicyName: "default", Policy: "{}" })), "MalformedPolicyDocumentException", 400);
	await refused(client.send(new DescribeKeyCommand({ KeyId: "12345678-1234-1234-1234-123456789012" })), "NotFoundException", 400);
	const seen = new Set();
	for await (const page of paginateListKeys({ client, pageSize: 2 }, {})) page.Keys.forEach((k) => seen.add(k.KeyId));
	assert.ok(seen.has(KeyId));
});

test("IAM: users, roles, policies, paginators and waiters", async () => {
	const client = iam(), UserName = unique("u"), RoleName = unique("r"), wait = { client, maxWaitTime: 20, minDelay: 1, maxDelay: 1 };
	await client.send(new CreateUserCommand({ UserName, Tags: [{ Key: "k", Value: "v" }] }));
	assert.equal((await waitUntilUserExists(wait, { UserName })).state, "SUCCESS");
	const { User } = await client.send(new GetUserCommand({ UserName }));
	assert.equal(User.Arn, `arn:aws:iam::${ACCOUNT}:user/${UserName}`);
	assert.match(User.UserId, /^AIDA[A-Z0-9]{16,}$/);
	assert.ok(User.CreateDate instanceof Date);
	await refused(client.send(new CreateUserCommand({ UserName })), "EntityAlreadyExistsException", 409);
	await client.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: trust, Description: "ä & <b>" }));
	assert.equal((await waitUntilRoleExists(wait, { RoleName })).state, "SUCCESS");
	assert.equal((await client.send(new GetRoleCommand({ RoleName }))).Role.Description, "ä & <b>");
	await refused(client.send(new CreatePolicyCommand({ PolicyName: "p", PolicyDocument: "{" })), "MalformedPolicyDocumentException", 400);
	await Promise.all(Array.from({ length: 5 }, (_, i) => client.send(new CreateUserCommand({ UserName: `${UserName}-${i}`, Path: `/${UserName}/` }))));
	const names = [];
	for await (const page of paginateListUsers({ client, pageSize: 2 }, { PathPrefix: `/${UserName}/` })) names.push(...page.Users.map((u) => u.UserName));
	assert.deepEqual(names, [0, 1, 2, 3, 4].map((i) => `${UserName}-${i}`));
	await client.send(new DeleteUserCommand({ UserName }));
	await refused(client.send(new GetUserCommand({ UserName })), "NoSuchEntityException", 404);
});

test("assumed roles have the role's permissions and no more", async () => {
	const Bucket = await bucket(), RoleName = unique("r"), by = await user(allow("sts:AssumeRole"));
	await iam().send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: trust }));
	await iam().send(new PutRolePolicyCommand({ RoleName, PolicyName: "p", PolicyDocument: policy(allow("s3:PutObject", `arn:aws:s3:::${Bucket}/*`)) }));
	const RoleArn = `arn:aws:iam::${ACCOUNT}:role/${RoleName}`;
	for (const options of [{}, { endpoint: PLAIN }]) {
		const { Credentials, AssumedRoleUser } = await sts({ ...options, credentials: by }).send(new AssumeRoleCommand({ RoleArn, RoleSessionName: "js" }));
		assert.equal(AssumedRoleUser.Arn, `arn:aws:sts::${ACCOUNT}:assumed-role/${RoleName}/js`);
		assert.match(Credentials.AccessKeyId, /^ASIA/);
		const credentials = { accessKeyId: Credentials.AccessKeyId, secretAccessKey: Credentials.SecretAccessKey, sessionToken: Credentials.SessionToken };
		assert.equal((await sts({ ...options, credentials }).send(new GetCallerIdentityCommand({}))).Arn, AssumedRoleUser.Arn);
		await s3({ ...options, credentials }).send(new PutObjectCommand({ Bucket, Key: "k", Body: "x" }));
		const no = await refused(s3({ ...options, credentials }).send(new GetObjectCommand({ Bucket, Key: "k" })), "AccessDenied", 403);
		assert.ok(no.message.includes(`User: ${AssumedRoleUser.Arn} is not authorized to perform: s3:GetObject`), no.message);
		const half = { ...credentials, sessionToken: undefined };
		await refused(s3({ ...options, credentials: half }).send(new ListBucketsCommand({})), "InvalidAccessKeyId", 403);
	}
	await refused(sts({ credentials: await user() }).send(new AssumeRoleCommand({ RoleArn, RoleSessionName: "js" })), "AccessDenied", 403);
});

test("refusals say who, what and why in each service's form", async () => {
	const credentials = await user();
	const no = await refused(kms({ credentials }).send(new CreateKeyCommand({})), "AccessDeniedException", 400);
	assert.match(no.message, /is not authorized to perform: kms:CreateKey .*because no identity-based policy allows the kms:CreateKey action/);
	await refused(iam({ credentials }).send(new CreateUserCommand({ UserName: "x" })), "AccessDenied", 403);
	await refused(trail({ credentials }).send(new LookupEventsCommand({})), "AccessDeniedException", 400);
	const who = await sts({ credentials }).send(new GetCallerIdentityCommand({}));
	assert.equal(who.Arn, `arn:aws:iam::${ACCOUNT}:user/${credentials.UserName}`);
	await refused(kms({ credentials: { accessKeyId: "AKIAQQQQQQQQQQQQQQQQ", secretAccessKey: "x" } }).send(new CreateKeyCommand({})),
		"UnrecognizedClientException", 400);
});

test("the trail has these calls, with their request ids, page by page", async () => {
	const UserName = unique("seen");
	const made = await iam().send(new CreateUserCommand({ UserName }));
	const no = await refused(iam().send(new CreateUserCommand({ UserName })), "EntityAlreadyExistsException");
	const { Events } = await trail().send(new LookupEventsCommand({ LookupAttributes: [{ AttributeKey: "ResourceName", AttributeValue: UserName }] }));
	const events = Events.map((e) => JSON.parse(e.CloudTrailEvent)).filter((e) => e.eventName === "CreateUser");
	assert.deepEqual(events.map((e) => e.requestID).sort(), [made.$metadata.requestId, no.$metadata.requestId].sort());
	assert.ok(events.every((e) => e.userAgent.includes("aws-sdk-js/3")));
	assert.equal(Events[0].EventSource, "iam.amazonaws.com");
	assert.ok(Events[0].EventTime instanceof Date);
	const ids = [];
	for await (const page of paginateLookupEvents({ client: trail(), pageSize: 7 }, {
		LookupAttributes: [{ AttributeKey: "EventName", AttributeValue: "CreateUser" }] })) ids.push(...page.Events.map((e) => e.EventId));
	assert.ok(ids.length >= 2);
	assert.equal(new Set(ids).size, ids.length);
});
