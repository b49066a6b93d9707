// Roles of running programs: the SDK's own chain of providers finds the credentials endpoint, in both forms.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { test } from "node:test";

import { CreateRoleCommand } from "@aws-sdk/client-iam";
import { STSClient, GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { ACCOUNT, TLS, agents, iam } from "./common.mjs";

const DATA = process.env.HOLDFAST_DATA;
const rootIam = iam({ credentials: { accessKeyId: process.env.AWS_ACCESS_KEY_ID, secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY } });

async function role(service) {
	const name = "js-" + randomBytes(6).toString("hex");
	const trust = { Version: "2012-10-17", Statement: { Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: service } } };
	const made = await rootIam.send(new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: JSON.stringify(trust) }));
	return made.Role;
}

function workload(arn, ...more) {
	const out = execFileSync(process.env.HOLDFAST_BIN,
		["workload", "add", "js-" + randomBytes(6).toString("hex"), "--role", arn, "--data", DATA, ...more], { encoding: "utf8" });
	return Object.fromEntries([...out.matchAll(/export (\w+)='([^']*)'/g)].map(m => [m[1], m[2]]));
}

// With nothing about AWS in the environment but this.
async function whoWith(env) {
	const kept = {};
	for (const name of Object.keys(process.env))
		if (name.startsWith("AWS_")) {
			kept[name] = process.env[name];
			delete process.env[name];
		}
	Object.assign(process.env, env);
	try {
		const client = new STSClient({ endpoint: TLS, region: "us-east-1", maxAttempts: 1, requestHandler: agents });
		return (await client.send(new GetCallerIdentityCommand({}))).Arn;
	} finally {
		for (const name of Object.keys(env)) delete process.env[name];
		Object.assign(process.env, kept);
	}
}

test("a container's role, with the token in the environment", async () => {
	const { RoleName, Arn } = await role("ecs-tasks.amazonaws.com");
	assert.match(await whoWith(workload(Arn)), new RegExp(`^arn:aws:sts::${ACCOUNT}:assumed-role/${RoleName}/[0-9a-f]{32}$`));
});

test("a container's role, with the token in a file", async () => {
	const { RoleName, Arn } = await role("ecs-tasks.amazonaws.com");
	const { AWS_CONTAINER_AUTHORIZATION_TOKEN: token, ...env } = workload(Arn);
	const file = `${DATA}/../token-${RoleName}`;
	writeFileSync(file, token);
	assert.match(await whoWith({ ...env, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file }), new RegExp(`/${RoleName}/`));
});

test("a container without its token gets nothing", async () => {
	const { Arn } = await role("ecs-tasks.amazonaws.com");
	const env = { ...workload(Arn), AWS_CONTAINER_AUTHORIZATION_TOKEN: "wrong", AWS_EC2_METADATA_DISABLED: "true" };
	await assert.rejects(whoWith(env));
});

test("an instance's role", async () => {
	const { RoleName, Arn } = await role("ec2.amazonaws.com");
	assert.match(await whoWith(workload(Arn, "--imds")),
		new RegExp(`^arn:aws:sts::${ACCOUNT}:assumed-role/${RoleName}/i-[0-9a-f]{17}$`));
});
