// IAM and STS as tools call them: Terraform's sequences, the newest members, waiters, paginators, refusals word by word.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as IAM from "@aws-sdk/client-iam";
import * as STS from "@aws-sdk/client-sts";

import { ACCOUNT, allow, iam, policy, refused, sts, unique, user } from "./common.mjs";

const client = iam();
const ask = (name, input = {}) => client.send(new IAM[name + "Command"](input));
const wait = { client, maxWaitTime: 20, minDelay: 1, maxDelay: 1 };
const trust = policy({ Effect: "Allow", Action: "sts:AssumeRole", Principal: { AWS: ACCOUNT } });
const reads = policy(allow("s3:GetObject"));

test("aws_iam_role and aws_iam_instance_profile: made, read, taken down", async () => {
	const RoleName = unique("tf"), InstanceProfileName = RoleName, PolicyArn = "arn:aws:iam::aws:policy/ReadOnlyAccess";
	await refused(ask("GetRole", { RoleName }), "NoSuchEntityException", 404);
	await ask("CreateRole", { RoleName, AssumeRolePolicyDocument: trust, MaxSessionDuration: 7200, Description: "d", Tags: [{ Key: "a", Value: "b" }] });
	assert.equal((await IAM.waitUntilRoleExists(wait, { RoleName })).state, "SUCCESS");
	const { Role } = await ask("GetRole", { RoleName });
	assert.deepEqual([Role.MaxSessionDuration, Role.Description, Role.Tags, decodeURIComponent(Role.AssumeRolePolicyDocument)],
		[7200, "d", [{ Key: "a", Value: "b" }], trust]);
	await ask("PutRolePolicy", { RoleName, PolicyName: "p", PolicyDocument: reads });
	await ask("AttachRolePolicy", { RoleName, PolicyArn });
	await ask("CreateInstanceProfile", { InstanceProfileName });
	assert.equal((await IAM.waitUntilInstanceProfileExists(wait, { InstanceProfileName })).state, "SUCCESS");
	await ask("AddRoleToInstanceProfile", { InstanceProfileName, RoleName });
	await refused(ask("DeleteRole", { RoleName }), "DeleteConflictException", 409);
	for (const { InstanceProfileName } of (await ask("ListInstanceProfilesForRole", { RoleName })).InstanceProfiles)
		await ask("RemoveRoleFromInstanceProfile", { InstanceProfileName, RoleName });
	for (const { PolicyArn } of (await ask("ListAttachedRolePolicies", { RoleName })).AttachedPolicies)
		await ask("DetachRolePolicy", { RoleName, PolicyArn });
	for (const PolicyName of (await ask("ListRolePolicies", { RoleName })).PolicyNames)
		await ask("DeleteRolePolicy", { RoleName, PolicyName });
	await ask("DeleteInstanceProfile", { InstanceProfileName });
	await ask("DeleteRole", { RoleName });
	await refused(ask("GetInstanceProfile", { InstanceProfileName }), "NoSuchEntityException", 404);
});

test("aws_iam_policy: the oldest version makes room", async () => {
	const { Policy: { Arn: PolicyArn } } = await ask("CreatePolicy", { PolicyName: unique("tf"), PolicyDocument: reads });
	assert.equal((await IAM.waitUntilPolicyExists(wait, { PolicyArn })).state, "SUCCESS");
	for (let i = 0; i < 8; i++) {
		const { Versions } = await ask("ListPolicyVersions", { PolicyArn });
		if (Versions.length === 5) {
			await refused(ask("CreatePolicyVersion", { PolicyArn, PolicyDocument: reads }), "LimitExceededException", 409);
			const [{ VersionId }] = Versions.filter((v) => !v.IsDefaultVersion).sort((a, b) => a.VersionId.slice(1) - b.VersionId.slice(1));
			await ask("DeletePolicyVersion", { PolicyArn, VersionId });
		}
		await ask("CreatePolicyVersion", { PolicyArn, PolicyDocument: policy(allow("s3:GetObject", `arn:aws:s3:::b${i}`)), SetAsDefault: true });
	}
	const { Policy } = await ask("GetPolicy", { PolicyArn });
	assert.equal(Policy.DefaultVersionId, "v9");
	const { PolicyVersion } = await ask("GetPolicyVersion", { PolicyArn, VersionId: "v9" });
	assert.match(decodeURIComponent(PolicyVersion.Document), /:::b7"/);
	await refused(ask("DeletePolicy", { PolicyArn }), "DeleteConflictException", 409);
	for (const { VersionId, IsDefaultVersion } of (await ask("ListPolicyVersions", { PolicyArn })).Versions)
		if (!IsDefaultVersion) await ask("DeletePolicyVersion", { PolicyArn, VersionId });
	await ask("DeletePolicy", { PolicyArn });
});

test("aws_iam_account_password_policy, alias, OpenID Connect provider", async () => {
	await refused(ask("GetAccountPasswordPolicy"), "NoSuchEntityException", 404);
	await ask("UpdateAccountPasswordPolicy", { MinimumPasswordLength: 14, RequireSymbols: true, MaxPasswordAge: 90, PasswordReusePrevention: 5 });
	const { PasswordPolicy } = await ask("GetAccountPasswordPolicy");
	assert.deepEqual([PasswordPolicy.MinimumPasswordLength, PasswordPolicy.ExpirePasswords, PasswordPolicy.RequireNumbers], [14, true, false]);
	await ask("DeleteAccountPasswordPolicy");
	const AccountAlias = unique("tf");
	await ask("CreateAccountAlias", { AccountAlias });
	assert.deepEqual((await ask("ListAccountAliases")).AccountAliases, [AccountAlias]);
	await ask("DeleteAccountAlias", { AccountAlias });
	const Url = `https://${unique("idp")}.example.com/realm`;
	const { OpenIDConnectProviderArn } = await ask("CreateOpenIDConnectProvider", { Url, ClientIDList: ["a"], ThumbprintList: ["a".repeat(40)] });
	assert.equal((await ask("GetOpenIDConnectProvider", { OpenIDConnectProviderArn })).Url, Url.slice(8));
	await refused(ask("CreateOpenIDConnectProvider", { Url }), "EntityAlreadyExistsException", 409);
	await ask("DeleteOpenIDConnectProvider", { OpenIDConnectProviderArn });
	await refused(ask("GetOpenIDConnectProvider", { OpenIDConnectProviderArn }), "NoSuchEntityException", 404);
});

test("operations newer than Debian's SDK: answered, or refused in so many words", async () => {
	const { VirtualMFADevice: { SerialNumber, Base32StringSeed } } = await ask("CreateVirtualMFADevice", { VirtualMFADeviceName: unique("m") });
	assert.equal(Base32StringSeed.length, 64);
	await refused(ask("GetMFADevice", { SerialNumber }), "NoSuchEntityException", 404); // nobody's yet
	const no = await refused(ask("ListOrganizationsFeatures"), "NotImplemented", 501);
	assert.match(no.message, /^ListOrganizationsFeatures is not supported here: /);
	await refused(sts().send(new STS.GetWebIdentityTokenCommand({ Audience: ["a"], SigningAlgorithm: "RS256" })), "NotImplemented", 501);
});

test("every list ends, page by page", async () => {
	const Path = `/${unique("p")}/`;
	await Promise.all(Array.from({ length: 5 }, (_, i) => ask("CreateGroup", { GroupName: unique(`g${i}`), Path })));
	const names = [];
	for await (const page of IAM.paginateListGroups({ client, pageSize: 2 }, { PathPrefix: Path })) names.push(...page.Groups.map((g) => g.GroupName));
	assert.equal(new Set(names).size, 5);
	const all = [];
	for await (const page of IAM.paginateListPolicies({ client, pageSize: 7 }, { Scope: "AWS" })) all.push(...page.Policies.map((p) => p.Arn));
	assert.ok(all.length > 80 && new Set(all).size === all.length);
	let details = 0;
	for await (const page of IAM.paginateGetAccountAuthorizationDetails({ client, pageSize: 3 }, {})) details += page.GroupDetailList.length;
	assert.ok(details >= 5);
});

test("what is asked wrongly is answered word by word", async () => {
	const says = async (promise, name, text) => assert.equal((await refused(promise, name)).message, text);
	await says(ask("CreateUser", { UserName: "a/b" }), "ValidationError",
		"The specified value for userName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-");
	await says(ask("CreateRole", { RoleName: "x", AssumeRolePolicyDocument: "{" }), "MalformedPolicyDocumentException", "This policy contains invalid Json");
	const who = sts({ credentials: await user(allow("sts:*")) }), RoleArn = `arn:aws:iam::${ACCOUNT}:role/x`;
	const assume = (input) => who.send(new STS.AssumeRoleCommand({ RoleArn, RoleSessionName: "ss", ...input }));
	await says(assume({ RoleSessionName: "a b" }), "ValidationError",
		"1 validation error detected: Value 'a b' at 'roleSessionName' failed to satisfy constraint: " +
		"Member must satisfy regular expression pattern: [\\w+=,.@-]*");
	await says(assume({ DurationSeconds: 60 }), "ValidationError",
		"1 validation error detected: Value '60' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900");
	await says(assume({ RoleArn: "not-an-arn-but-long-enough" }), "ValidationError", "not-an-arn-but-long-enough is invalid");
});
